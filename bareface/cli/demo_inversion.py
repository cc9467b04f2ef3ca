"""The second stage of `bareface demo`: faces out of two targets, one that knows its people and one that does not.

What an inversion brings back depends on what the target keeps. The target of the first stage saw four photos of each
person and remembers the photos; another one sees an album of each and knows the person (docs/results.md, section 1).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.inversion.conduct import FOLDER, Inversion, Inverted, conduct_inversion
from bareface.auditing.inversion.generators import SHIPPED, open_generator
from bareface.auditing.inversion.judges import SHIPPED_JUDGES, open_judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.demo_people import DemoPeople, demo_people
from bareface.cli.inverting import summary, written
from bareface.cli.manners import Stages
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.targets.target import Target
from bareface.vocabulary import Role

ALBUMS, FEW_PHOTOS = "albums", "few photos"
TERMS = InversionSettings(
    objective="compactness+agreement+embedding-norm", restarts=64, steps=80, candidates=1024, pairs=1, rate=0.05,
    views=16, split="random",
)  # fmt: skip
SIDE, PHOTOS, FIRST = 32, 32, 10_000
GROUPS = (
    DemoPeople(100, PHOTOS, (Role.MEMBER,)),
    DemoPeople(100, 8, (Role.OUTSIDE,)),
    DemoPeople(101, 4, (Role.AUXILIARY,)),  # they say how near a stranger comes
)
# About the least scale at which a margin loss over 100 classes can be met: the target learns people, not pictures.
TRAINING = Recipe(
    spec=ImageSpec(height=SIDE, width=SIDE), scale=8, epochs=40, warmup_epochs=1, batch_size=32, learning_rate=0.05
)


@dataclass(frozen=True)
class Audited:
    """A target, its people, and the finished audit that an inversion goes on from."""

    target: Target
    roster: Roster
    run: Path


def invert_demo(run: Path, remembers: Audited, seed: int, *, fresh: bool) -> str:
    """Invert both targets before the judges in the box; returns what to tell the user. The faces shown are nobody's."""
    with Stages() as stages:
        knows = _knows_people(run / "albums", seed, stages)
    told = [
        _inverted(run, ALBUMS, f"A target that saw {PHOTOS} photos of each person", knows, seed, fresh),
        _inverted(run, FEW_PHOTOS, "The target of the audit above, which saw 4", remembers, seed, fresh),
    ]
    return "\n\n".join(told)


def _inverted(run: Path, name: str, heading: str, audited: Audited, seed: int, fresh: bool) -> str:
    generator, source = open_generator(SHIPPED, size=SIDE, kept=run / "generators")
    judges = tuple(map(open_judge, SHIPPED_JUDGES))
    brought = Inverted(audited.target, audited.roster, generator, judges, source, "bareface demo")
    terms = replace(TERMS, seed=seed, title=f"demo, inverted: {name}")
    with Stages() as stages:
        made: Inversion = conduct_inversion(brought, terms, audited.run, fresh=fresh, progress=stages)
    home = audited.run / FOLDER
    files = written(made, home, show_faces=True)
    page = run / f"inversion-{name.replace(' ', '-')}.html"
    write_text(page, (home / "inversion.html").read_text(encoding="utf-8"))
    return f"{heading}: {summary(made.record)}\n\n{files}"


def _knows_people(home: Path, seed: int, stages: Stages) -> Audited:
    """A target with an album of each person, and the short audit that says how it answers."""
    roster = demo_people(home / "people", GROUPS, stages, size=SIDE, seed=seed, first=FIRST)
    report = progress_of(stages, "training a target on albums")
    target = train_backbone(roster, replace(TRAINING, seed=seed), home / "target", report)
    settings = AuditSettings(attacks=attacks_named("bn-distance", "flip-agreement"), games=("dataset",), seed=seed)
    conduct(AuditInputs(target.without_head(), roster), settings, home / "audit", progress=stages)
    return Audited(target, roster, home / "audit")
