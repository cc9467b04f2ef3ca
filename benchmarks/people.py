"""A person's photos on real faces: python -m benchmarks.people [--run runs/lfw] [--seed 7] [--k 5]

The LFW target of `python -m benchmarks.lfw` (trained where it is not there yet) is audited in all three games and with
all three settings of prior knowledge by every attack on sets of exactly k photos. Prints their table, the ceiling (the
cosine of the mean of each set of k unseen photos to the nearest class centre), and how the person game depends on how
many training people are known.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.audit import Brought, conduct
from bareface.auditing.cast import images_for, recipe_of, train_backbone
from bareface.auditing.games import Arena, arena
from bareface.auditing.question import Question, make_attacks
from bareface.cli.manners import Stages
from bareface.cli.training import progress_of
from bareface.config import ShadowConfig, make_attack_configs
from bareface.membership.features import unit
from bareface.membership.gallery import Centres
from bareface.membership.mean_direction import raw
from bareface.membership.photo_sets import sets_of
from bareface.probing.kinds import witness_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.roster import Role, Roster
from bareface.stats.roc import auc, person_scores
from bareface.streams import stream
from bareface.targets.target import Target
from bareface.trace import Trace
from benchmarks.lfw import TRAINING
from benchmarks.shared_data import lfw
from benchmarks.tables import table

Array = NDArray[np.float64]

ON_SETS = ("subject-compactness", "mean-direction", "slmia", "similarity-residual", "stranger-margin", "all-person")
BESIDE = ("mean-direction:k={k},known_people=false", "neighbour-compactness", "class-centre")
KNOWN = (10, 20, 40, 80, 160)
LARGEST_SHARE = 1 / 16


def attacks(k: int) -> tuple[str, ...]:
    """The attacks on sets of k, and those that stand beside them."""
    return (*(f"{name}:k={k}" for name in ON_SETS), *(name.format(k=k) for name in BESIDE))


def answers(target: Target, roster: Roster, folder: Path) -> Trace:
    """What the target says of the candidates."""
    witness = witness_of(target, list(roster.image), [])
    images = images_for(target, roster)
    return load_trace(probe(witness, images, plan(witness, np.array(roster.image)), folder))


def ceiling(target: Target, trace: Trace, sets: NDArray[np.intp]) -> Array:
    """(m,) the largest cosine of each set's mean direction to a class centre."""
    assert target.centres is not None
    centres = unit(np.asarray(target.centres.detach().cpu().numpy(), dtype=np.float64))
    return np.asarray((_means(trace, sets) @ centres.T).max(1))


def known_people(trace: Trace, game: Arena, sets: NDArray[np.intp], trained: Trace) -> Iterator[tuple[int, Array]]:
    """How near each set lies to training people of whom so many are known; nobody is compared with their own."""
    centres, person = Centres.of(trained), game.subject[sets[:, 0]]
    order = stream(7, "known people").permutation(len(centres.person))
    for count in KNOWN:
        some = np.sort(order[:count])
        part = Centres(centres.direction[some], centres.person[some])
        largest = max(1, round(LARGEST_SHARE * len(some)))
        cosine = np.concatenate(list(part.cosines(_means(trace, sets), person)))
        yield len(some), -np.sort(cosine, axis=1)[:, -largest:].mean(1)


def line(what: str, values: Array, game: Arena, sets: NDArray[np.intp]) -> str:
    """A row: AUC per set and per person."""
    first = sets[:, 0]
    scores, _, member = person_scores(values, game.subject[first], game.member[first])
    people = f"{member.sum()} / {(~member).sum()}"
    return f"| {what} | {auc(values, game.member[first]):.3f} | {auc(scores, member):.3f} | {people} |"


def show(target: Target, roster: Roster, k: int, folder: Path) -> None:
    """Ceiling and curve of the person game."""
    people = roster.take(roster.rows(Role.MEMBER, Role.HELDOUT, Role.OUTSIDE))
    everything, game = answers(target, people, folder), arena(people, "person", folds=5, seed=7)
    trace = everything.take(game.rows).with_photo_set(game.photo_set)
    trained, sets = everything.take(game.trained).with_photo_set(game.trained_subject), sets_of(trace, k)
    print("\n| person game, nothing fitted | AUC set | AUC person | people |\n|---|---|---|---|")
    print(line("class centre nearest to the mean", ceiling(target, trace, sets), game, sets))
    print(line("length of the mean", np.linalg.norm(raw(trace)[sets].mean(1), axis=1), game, sets))
    for count, values in known_people(trace, game, sets, trained):
        print(line(f"away from {count} known people", values, game, sets))


def _means(trace: Trace, sets: NDArray[np.intp]) -> Array:
    return unit(unit(raw(trace))[sets].mean(1))


def main() -> None:
    """Train where needed, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/lfw"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--k", type=int, default=5)
    arguments = parser.parse_args()
    started, run = time.monotonic(), arguments.run
    roster, training = lfw(), TRAINING.model_copy(update={"seed": arguments.seed})
    with Stages() as stages:
        target = train_backbone(roster, recipe_of(training), run / "target", progress_of(stages, "training the target"))
        question = Question(
            attacks=make_attacks(make_attack_configs(attacks(arguments.k))), seed=arguments.seed,
            shadow=ShadowConfig(count=2, train=training), knowledge=("partial", "shadow", "nonmembers"),
        )  # fmt: skip
        command = f"python -m benchmarks.people --seed {arguments.seed} --k {arguments.k}"
        brought = Brought(target, roster, command=command)
        evidence = conduct(brought, question, run / f"people-{arguments.k}", progress=stages)
    print(table(evidence))
    show(target, roster, arguments.k, run / "people-trace")
    print(f"\n{(time.monotonic() - started) / 60:.1f} minutes, seed {arguments.seed}")


if __name__ == "__main__":
    main()
