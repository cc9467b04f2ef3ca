"""The second stage of `bareface demo`: faces out of two targets, one that knows its people and one that does not.

What an inversion brings back depends on what a target keeps. One that saw an album of each person knows the person; one
that saw four photos remembers the photos, and gives nobody away (docs/results.md, section 1).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.inversion.conduct import FOLDER, Inverted, conduct_inversion
from bareface.auditing.inversion.generators import SHIPPED, open_generator
from bareface.auditing.inversion.judges import SHIPPED_JUDGES, open_judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.demo_people import DemoPeople, demo_people
from bareface.cli.inverting import summary, written
from bareface.cli.manners import Stages
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.vocabulary import Role

SIDE, PEOPLE = 32, 100
TERMS = InversionSettings(
    objective="compactness+agreement+embedding-norm", restarts=64, steps=60, candidates=1024, pairs=1, siblings=1,
    upto=SIDE, rate=0.05, views=16, split="random",
)  # fmt: skip
_SPEC = ImageSpec(height=SIDE, width=SIDE)


@dataclass(frozen=True)
class DemoTarget:
    """A target of the demo.

    Attributes:
        name: of its folder and page.
        photos: of each person that it is trained on.
        recipe: how it is trained.
        first: number of its first person.
    """

    name: str
    photos: int
    recipe: Recipe
    first: int

    @property
    def groups(self) -> tuple[DemoPeople, ...]:
        """Training people, decoys, and others who say how near a stranger comes."""
        return (
            DemoPeople(PEOPLE, self.photos, (Role.MEMBER,)),
            DemoPeople(PEOPLE, min(self.photos, 8), (Role.OUTSIDE,)),
            DemoPeople(PEOPLE + 1, 4, (Role.AUXILIARY,)),
        )


TARGETS = (
    # 8 is about the least scale at which a margin loss over 100 classes can be met: people are learned, not pictures.
    DemoTarget("albums", 32, Recipe(spec=_SPEC, scale=8, epochs=40, batch_size=32, learning_rate=0.05), 10_000),
    DemoTarget("few-photos", 4, Recipe(spec=_SPEC, scale=32, epochs=80, batch_size=32, learning_rate=0.05), 20_000),
)


def invert_demo(run: Path, seed: int, *, fresh: bool) -> str:
    """Train, audit and invert both targets; returns what to tell the user. The faces that are shown are nobody's."""
    return "\n\n".join(_inverted(run, target, seed, fresh) for target in TARGETS)


def _inverted(run: Path, asked: DemoTarget, seed: int, fresh: bool) -> str:
    home, judges = run / asked.name, tuple(map(open_judge, SHIPPED_JUDGES))
    generator, source = open_generator(SHIPPED, size=SIDE, kept=run / "generators")
    terms = replace(TERMS, seed=seed, title=f"demo, inverted: {asked.photos} photos of each person")
    with Stages() as stages:
        people = demo_people(home / "people", asked.groups, stages, size=SIDE, seed=seed, first=asked.first)
        report = progress_of(stages, f"training the target, {asked.name}")
        target = train_backbone(people, replace(asked.recipe, seed=seed), home / "target", report)
        settings = AuditSettings(
            attacks=attacks_named("bn-distance", "flip-agreement"), games=("dataset",), seed=seed, planted_leaks=0
        )
        conduct(AuditInputs(target.without_head(), people), settings, home / "audit", fresh=fresh, progress=stages)
        brought = Inverted(target, people, generator, judges, source, "bareface demo")
        made = conduct_inversion(brought, terms, home / "audit", fresh=fresh, progress=stages)
    files = written(made, home / "audit" / FOLDER, show_faces=True)
    page = run / f"inversion-{asked.name}.html"
    write_text(page, (home / "audit" / FOLDER / "inversion.html").read_text(encoding="utf-8"))
    return f"A target that saw {asked.photos} photos of each person: {summary(made.record)}\n\n{files}"
