"""What each objective reconstructs of real people: python -m benchmarks.inversion.lfw [--generator stylegan2]

Faces of the fixed LFW split: the target learned `member`, decoys are `outside`, the generator learned the `public` and
`public-multi` people at 64 px: linear faces that are fitted in a minute, or a StyleGAN2 that is grown from one of
rendered faces (--grow-from, the folder of a `bareface train-generator` run at 32 px; an hour and more). Judges are two
public networks that were trained on CASIA-WebFace, or others (--judge dlib). The table is that of
`benchmarks.inversion.objectives`. Nothing that
this makes may leave the machine: it shows, or was made of, real people.

Interrupted, it goes on where it was.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from bareface.allocator import keep_freed_memory
from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.generator_quality import distance_to
from bareface.auditing.inversion.conduct import Inverted, conduct_inversion
from bareface.auditing.inversion.judges import Judge, open_judge
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.generators import config_for, split
from bareface.cli.inverting import written
from bareface.cli.manners import Stages
from bareface.faces.images import RosterImages
from bareface.inversion.eigenfaces.fit import COMPONENTS, fit_eigenfaces
from bareface.inversion.gan.recipe import GanRecipe
from bareface.inversion.gan.train import Finished, Quality, train_generator
from bareface.inversion.generator import Generator
from bareface.records.inversion import InversionRecord
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe
from bareface.storage.files import write_text
from bareface.targets.target import Target
from bareface.training.batches import held_in_memory
from bareface.vocabulary import Role
from benchmarks.attacks.lfw import TRAINING
from benchmarks.inversion.objectives import HEAD, rows, search_arguments, terms_of, way_of
from benchmarks.shared_data import checkpoint, lfw

SIDE = 64
JUDGES = ("casia-068.ckpt", "casia-micro-070.ckpt")
OBJECTIVES = (
    "membership",
    "agreement",
    "membership+agreement",
    "compactness+agreement+embedding-norm",
    "class-centre",
    "class-centre@3",
)


def eigenfaces(people: Roster, asked: argparse.Namespace, stages: Stages) -> Generator:
    """Linear faces of people in general."""
    stages("fitting the generator", 0, 1)
    images = held_in_memory(RosterImages(people, SIDE, SIDE))
    return fit_eigenfaces(images, people.subject, components=asked.components, licence="none: real faces")


def stylegan2(people: Roster, asked: argparse.Namespace, stages: Stages) -> Generator:
    """A StyleGAN2 of people in general; its training is kept and resumed."""
    shown, held_out = split(held_in_memory(RosterImages(people, SIDE, SIDE)))
    recipe = GanRecipe(config=config_for(SIDE), steps=asked.generator_steps, noise=False, save_every=250)
    measure = distance_to(held_out, recipe.seed) if held_out else None
    return train_generator(
        shown, recipe, asked.work / "generator", grow_from=asked.grow_from, quality=Quality(measure),
        finished=Finished(licence="none: real faces"),
        report=lambda step: stages("training the generator", step.number, step.steps),
    )  # fmt: skip


GENERATORS = {"eigenfaces": eigenfaces, "stylegan2": stylegan2}


def audited(roster: Roster, asked: argparse.Namespace, stages: Stages) -> Target:
    """The target of `benchmarks.attacks.lfw`, with the stage-1 attack models that objectives need."""
    recipe = replace(TRAINING, seed=asked.seed, scale=asked.scale)
    target = train_backbone(roster, recipe, asked.work / "target", progress_of(stages, "training the target"))
    attacks = attacks_named("bn-distance", "bn-distance-variance", "flip-agreement")
    settings = AuditSettings(attacks=attacks, games=("dataset",), seed=asked.seed)
    conduct(AuditInputs(target.without_head(), roster), settings, asked.work / "audit", progress=stages)
    return target


def invert(brought: Inverted, objective: str, asked: argparse.Namespace, stages: Stages) -> InversionRecord:
    """One objective, the sheet of its faces beside its record."""
    kind = "inversions" if asked.generator == "stylegan2" else asked.generator
    judged = "" if asked.judge == list(JUDGES) else f"-{'-'.join(Path(name).stem for name in asked.judge)}"
    home = asked.work / kind / f"{objective}{way_of(asked)}{judged}"
    made = conduct_inversion(brought, terms_of(objective, asked), asked.work / "audit", home=home, progress=stages)
    write_text(home / "summary.txt", written(made, home, show_faces=True))
    return made.record


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/inversion-lfw"), help="kept; goes on from there")
    parser.add_argument("--generator", choices=tuple(GENERATORS), default="eigenfaces")
    parser.add_argument("--components", type=int, default=COMPONENTS, help="of the linear faces")
    parser.add_argument("--grow-from", type=Path, default=Path("runs/generator/32"), help="folder of a 32 px run")
    parser.add_argument("--generator-steps", type=int, default=1500, help="of 32 images")
    search_arguments(parser)
    parser.add_argument("--scale", type=float, default=Recipe().scale, help="of the target's margin loss")
    parser.add_argument("--generator-only", action="store_true", help="stop when the generator is trained")
    asked = parser.parse_args()
    asked.objective, asked.judge = asked.objective or list(OBJECTIVES), asked.judge or list(JUDGES)
    return asked


def judge(name: str) -> Judge:
    """dlib's network, or a checkpoint of the shared data."""
    return open_judge(name) if name == "dlib" else open_judge(checkpoint(name), "CASIA-WebFace")


def main() -> None:
    """Print the table."""
    asked, roster = arguments(), lfw()
    keep_freed_memory()
    with Stages() as stages:
        people = roster.take(roster.rows(Role.PUBLIC, "public-multi"))
        proposes = GENERATORS[asked.generator](people, asked, stages)
        if asked.generator_only:
            return
        judges = tuple(map(judge, asked.judge))
        brought = Inverted(audited(roster, asked, stages), roster, proposes, judges, "LFW, public people")
        records = {name: invert(brought, name, asked, stages) for name in asked.objective}
    people = next(iter(records.values())).galleries.people
    print(
        f"{asked.restarts} restarts, {asked.steps} steps, {asked.candidates} candidates, {asked.generator}, {SIDE} px, "
        f"{people} + {people} people, seed {asked.seed}\n"
    )
    print("\n".join([HEAD, *rows(records)]))


if __name__ == "__main__":
    main()
