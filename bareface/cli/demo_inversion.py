"""The second stage of `bareface demo`: faces out of the target that was just audited, before judges of its own."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from bareface.auditing.inversion.conduct import FOLDER, Inverted, conduct_inversion
from bareface.auditing.inversion.generators import SHIPPED, open_generator
from bareface.auditing.inversion.judges import Judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.cli.inverting import summary, written
from bareface.cli.manners import Stages
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.synthetic import write_folder
from bareface.targets.target import Target
from bareface.vocabulary import Role

TERMS = InversionSettings(
    objective="membership+agreement", restarts=48, steps=60, candidates=768, pairs=1, rate=0.05, views=16,
    split="random", title="demo, inverted",
)  # fmt: skip
# Whoever judges learned from other people than anybody in the demo, and each judge from its own.
JUDGES: tuple[tuple[str, int, Literal["arcface", "cosface"]], ...] = (
    ("first judge", 100_000, "arcface"),
    ("second judge", 200_000, "cosface"),
)
PEOPLE, IMAGES, EPOCHS, SIDE = 240, 5, 12, 32


def invert_demo(run: Path, roster: Roster, target: Target, seed: int, *, fresh: bool) -> str:
    """Train two judges and invert the target; returns what to tell the user. Faces are shown: they are nobody's."""
    with Stages() as stages:
        judges = tuple(_judge(run / "judges", *one, seed, stages) for one in JUDGES)
        generator, source = open_generator(SHIPPED, size=target.spec.height, kept=run / "generators")
        brought = Inverted(target, roster, generator, judges, source, "bareface demo")
        terms = InversionSettings(**{**TERMS.settings(), "seed": seed})
        inversion = conduct_inversion(brought, terms, run / "audit", fresh=fresh, progress=stages)
    told = written(inversion, run / "audit" / FOLDER, show_faces=True)
    page = run / "inversion.html"
    write_text(page, (run / "audit" / FOLDER / page.name).read_text(encoding="utf-8"))
    return f"{summary(inversion.record)}\n\n{told}"


def _judge(
    folder: Path, name: str, first: int, head: Literal["arcface", "cosface"], seed: int, stages: Stages
) -> Judge:
    """A small backbone trained on rendered people of its own."""
    short = name.replace(" ", "-")
    people = folder / f"{short}-people"
    if not (folder / short).exists():
        _render(people, first, seed, partial(stages, f"rendering people for the {name}"))
    spec = ImageSpec(height=SIDE, width=SIDE)
    config = Recipe(spec=spec, head=head, epochs=EPOCHS, batch_size=32, learning_rate=0.05, seed=first, margin=0.3)
    learned = read_folder(people, Role.MEMBER)
    made = train_backbone(learned, config, folder / short, progress_of(stages, f"training the {name}"))
    return Judge(Target(name, made.architecture, made.module, made.spec, made.source), "other rendered people")


def _render(people: Path, first: int, seed: int, report: Callable[[int, int], None]) -> None:
    if people.exists():  # a rendering that was cut short: the judge's folder comes after it
        shutil.rmtree(people)
    write_folder(people, people=PEOPLE, images=IMAGES, size=SIDE, seed=seed, first_identity=first, report=report)
