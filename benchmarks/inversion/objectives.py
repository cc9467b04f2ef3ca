"""What each objective reconstructs: faces of people who do not exist, out of the face renderer or a StyleGAN2.

A target memorises some people; the two judges in the box learned from other people; galleries are members and
strangers. Every row is one arm of `conduct_inversion`, before both judges:

    base                 un-optimised faces
    membership           the paper: stage-1 attack models on BatchNorm distances
    agreement            embeddings of views of one image agree
    membership+agreement both, in units of their spread
    compactness+agreement+embedding-norm
                         siblings, further images of the same person, agree, too, and are answered with long embeddings
    membership+compactness+agreement+embedding-norm
                         everything without the head
    class-centre         with the head: what is left to be had; perhaps @3, the mean over 3 siblings
    oracle               towards templates of known members: what the pipeline can see

    python -m benchmarks.inversion [--images 4] [--restarts 96] [--steps 100] [--objective NAME[@SIBLINGS] ...]
        [--generator rendered|shipped|PATH]

Interrupted, it goes on where it was. Target and audit are kept, too.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bareface.allocator import keep_freed_memory
from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.inversion.conduct import Inverted, conduct_inversion
from bareface.auditing.inversion.generators import open_generator
from bareface.auditing.inversion.judges import SHIPPED_JUDGES, Judge, open_judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.records.evidence import Interval
from bareface.records.inversion import Arm, Hits, InversionRecord, Judgement, Rise
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder_once
from bareface.targets.target import Target
from bareface.vocabulary import Role

OBJECTIVES = (
    "membership",
    "agreement",
    "membership+agreement",
    "compactness+agreement+embedding-norm",
    "membership+compactness+agreement+embedding-norm",
    "class-centre",
    "class-centre@3",
)
FPIRS = (0.01, 0.1)  # the first for which there is a threshold
HEAD = (
    "| objective | arm | score rise | transfer | win rate, judge 1 | win rate, judge 2 | lift | identities | KID |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class World:
    """Everything that is there before the first inversion."""

    target: Target
    roster: Roster
    judges: tuple[Judge, ...]
    run: Path


def faces(folder: Path, people: int, images: int, first: int, asked: argparse.Namespace, stages: Stages) -> Roster:
    """A rendered image folder, all in the role of members."""
    write_folder_once(
        folder, people=people, images=images, size=asked.size, seed=asked.seed, first_identity=first,
        report=partial(stages, f"rendering {folder.name}"),
    )  # fmt: skip
    return read_folder(folder, Role.MEMBER)


def crowd(asked: argparse.Namespace, stages: Stages) -> Roster:
    """Members and strangers with as many images as asked for, auxiliary people with 8."""
    n, home = asked.people, home_of(asked) / "people"
    listed = [
        faces(home / "candidates", 2 * n, asked.images, 0, asked, stages),
        faces(home / "others", n, 8, 2 * n, asked, stages),
    ]
    members = listed[0].subject < f"p{n:05d}"
    role = np.concatenate([np.where(members, Role.MEMBER, Role.OUTSIDE), np.full(len(listed[1]), Role.AUXILIARY)])
    image = tuple(f"{part.root.name}/{name}" for part in listed for name in part.image)
    return Roster(home, image, np.concatenate([part.subject for part in listed]), role.astype(str))


def home_of(asked: argparse.Namespace) -> Path:
    """Where target and inversions lie."""
    home: Path = asked.work / f"{asked.images}-images-scale-{asked.scale:g}-seed-{asked.seed}"
    return home


def recipe_of(asked: argparse.Namespace) -> Recipe:
    """How the target is trained."""
    return Recipe(
        spec=ImageSpec(height=asked.size, width=asked.size), epochs=epochs_of(asked), warmup_epochs=1, seed=asked.seed,
        batch_size=32, learning_rate=0.05, scale=asked.scale,
    )  # fmt: skip


def world(asked: argparse.Namespace, stages: Stages) -> World:
    """Target, people, judges and a finished audit."""
    roster, report = crowd(asked, stages), progress_of(stages, "training the target")
    target = train_backbone(roster, recipe_of(asked), home_of(asked) / "target", report)
    attacks = attacks_named("bn-distance", "bn-distance-variance", "flip-agreement")
    settings = AuditSettings(attacks=attacks, games=("dataset",), seed=asked.seed)
    conduct(AuditInputs(target.without_head(), roster), settings, home_of(asked) / "audit", progress=stages)
    return World(target, roster, tuple(map(open_judge, asked.judge)), home_of(asked) / "audit")


def epochs_of(asked: argparse.Namespace) -> int:
    """Of the target: 80 of 4 images, fewer of more, about 1,000 steps of 32 images at least and 2,000 at most."""
    return int(asked.epochs or max(40, 320 // asked.images))


def terms_of(objective: str, asked: argparse.Namespace) -> InversionSettings:
    """What `NAME` or `NAME@SIBLINGS` asks; the oracle is made with the first objective alone."""
    name, _, siblings = objective.partition("@")
    return InversionSettings(
        objective=name, siblings=int(siblings) if siblings else None, restarts=asked.restarts,
        steps=asked.steps, candidates=asked.candidates, rate=asked.rate, pairs=1, split="random",
        skip=() if objective == asked.objective[0] else ("oracle",), seed=asked.seed, draws=asked.draws,
        search=asked.search, queries=asked.queries, starts=asked.starts, augment=asked.augment, upto=asked.upto,
    )  # fmt: skip


def invert(made: World, objective: str, asked: argparse.Namespace, stages: Stages) -> InversionRecord:
    """One objective; the oracle is the same for all and made with one of them."""
    terms = terms_of(objective, asked)
    generator, source = open_generator(asked.generator, size=asked.size, kept=asked.work / "generators")
    brought = Inverted(made.target, made.roster, generator, made.judges, source)
    home = home_of(asked) / f"inversions-{generator.fingerprint[:12]}" / f"{objective}{way_of(asked)}"
    return conduct_inversion(brought, terms, made.run, home=home, progress=stages).record


def rows(records: dict[str, InversionRecord]) -> list[str]:
    """The lines of the table."""
    first = next(iter(records.values()))
    shown = [row("-", arm) for arm in first.arms if arm.arm in ("base", "oracle") and arm.status == "done"]
    for objective, record in records.items():
        shown += [row(objective, arm) for arm in record.arms if arm.arm in ("optimised", "select", "placebo")]
    return shown


def row(objective: str, arm: Arm) -> str:
    """One arm before both judges."""
    transfer = arm.transfer
    cells = [
        objective,
        arm.arm,
        rise(transfer.own if transfer else None),
        rise(transfer.held_out if transfer else None),
        *(f"{j.win_rate.rate:.2f} {interval(j.win_rate.interval)}" for j in arm.judgements),
        lift(arm.judgements[0]),
        identities(arm.judgements[0]),
        kid(arm.judgements[0]),
    ]
    return f"| {' | '.join(cells)} |"


def rise(found: Rise | None) -> str:
    """Standard deviations of the un-optimised faces."""
    return "-" if found is None else f"{found.value:+.2f} {interval(found.interval)}"


def lift(judgement: Judgement) -> str:
    """More hits on members than on strangers, beyond the base arm's."""
    known = (x for fpir in FPIRS for x in judgement.lifts if x.fpir == fpir and x.difference is not None)
    found = next(known, None)
    if found is None or found.difference is None:
        return "-"
    return f"{found.difference:+.2f} {interval(found.interval)} at {found.fpir:g}"


def identities(judgement: Judgement) -> str:
    """Members and strangers who are hit."""
    plain = [hits for hits in judgement.hits if hits.rule == "plain" and hits.training_named is not None]
    found: Hits | None = next((hits for fpir in FPIRS for hits in plain if hits.fpir == fpir), None)
    if found is None or found.training_named is None or found.decoy_named is None:
        return "-"
    return f"{found.training_named.identities} / {found.decoy_named.identities} at {found.fpir:g}"


def kid(judgement: Judgement) -> str:
    """To members and to strangers."""
    values = [d.kid for d in judgement.distributions]
    return " / ".join("-" if value is None else f"{value:.3f}" for value in values)


def interval(found: Interval | None) -> str:
    """In brackets."""
    return "" if found is None else f"[{found.low:.2f}, {found.high:.2f}]"


def search_arguments(parser: argparse.ArgumentParser) -> None:
    """What every inversion here can be asked."""
    parser.add_argument("--objective", action="append", help="repeat it; those of the table by default")
    parser.add_argument("--restarts", type=int, default=96)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--candidates", type=int, default=2048)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--search", default="gradient", choices=("gradient", "evolution"))
    parser.add_argument("--queries", type=int, default=10_000, help="of an evolution, for each restart")
    parser.add_argument("--starts", default="selected", choices=("selected", "random"))
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--upto", type=int, help="side of the partial images that a search looks at")
    parser.add_argument("--judge", action="append", help="repeat it")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)


def way_of(asked: argparse.Namespace) -> str:
    """The name of a folder for what an objective is and how it is searched, after the name of the objective."""
    evolved = f"-{asked.search}-{asked.queries}" if asked.search == "evolution" else ""
    partial = f"-upto-{asked.upto}" if asked.upto else ""
    starts, views = "" if asked.starts == "selected" else "-random-starts", "" if asked.augment else "-unaugmented"
    return f"{evolved}{starts}{views}{partial}"


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/inversion-benchmark"), help="kept; goes on from there")
    search_arguments(parser)
    parser.add_argument("--people", type=int, default=100, help="members; as many strangers and others")
    parser.add_argument("--images", type=int, default=4, help="of each member and stranger")
    parser.add_argument("--epochs", type=int, help="of the target")
    parser.add_argument("--scale", type=float, default=32.0, help="of the target's margin loss")
    parser.add_argument("--generator", default="rendered", help="as `bareface invert` takes it")
    parser.add_argument("--size", type=int, default=32)
    asked = parser.parse_args(words)
    asked.objective, asked.judge = asked.objective or list(OBJECTIVES), asked.judge or list(SHIPPED_JUDGES)
    return asked


def main() -> None:
    """Print the table."""
    asked = arguments()
    keep_freed_memory()
    with Stages() as stages:
        made = world(asked, stages)
        records = {name: invert(made, name, asked, stages) for name in asked.objective}
    galleries = next(iter(records.values())).galleries
    print(
        f"{asked.images} images of a member, scale {asked.scale:g}; {asked.restarts} restarts, {asked.steps} steps, "
        f"{asked.candidates} candidates, {asked.size} px, {galleries.people} + {galleries.people} people, "
        f"generator {asked.generator}, "
        f"seed {asked.seed}; identities and KID: members / strangers\n"
    )
    print("\n".join([HEAD, *rows(records)]))


if __name__ == "__main__":
    main()
