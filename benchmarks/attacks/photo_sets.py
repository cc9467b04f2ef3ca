"""A person's photos on real faces: python -m benchmarks.attacks.photo_sets [--run runs/lfw] [--seed 7] [--k 5]

The LFW target of `python -m benchmarks.attacks.lfw` (trained where it is not there yet) is audited in all three games
and with all three settings of prior knowledge by every attack on sets of exactly k photos. Prints their table, the
ceiling (the cosine of the mean of each set of k unseen photos to the nearest class centre), and how the person game
depends on how many training people are known; both as means and deviations over 20 ways to cut the photos into sets.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.images import images_for
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.membership.engine.features import unit
from bareface.membership.engine.gallery import Centres
from bareface.membership.families.photo_sets import sets_of
from bareface.membership.mean_direction import raw
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.rosters.roster import Roster
from bareface.settings.recipe import ShadowSettings
from bareface.stats.roc import auc, person_scores
from bareface.streams import stream
from bareface.targets.target import Target
from bareface.trace import Trace
from bareface.vocabulary import Role
from benchmarks.attacks.lfw import TRAINING
from benchmarks.shared_data import lfw
from benchmarks.tables import table

Array = NDArray[np.float64]

ON_SETS = ("subject-compactness", "mean-direction", "slmia", "similarity-residual", "stranger-margin", "all-person")
BESIDE = ("mean-direction:k={k},known_people=false", "neighbour-compactness", "class-centre")
KNOWN = (10, 20, 40, 80, 160)
DRAWS = 20
LARGEST_SHARE = 1 / 16


def attacks(k: int) -> tuple[str, ...]:
    """The attacks on sets of k, and those that stand beside them."""
    return (*(f"{name}:k={k}" for name in ON_SETS), *(name.format(k=k) for name in BESIDE))


def answers(target: Target, roster: Roster, folder: Path) -> Trace:
    """What the target says of the candidates."""
    prober = prober_of(target, list(roster.image), [])
    images = images_for(target, roster)
    return load_trace(probe(prober, images, plan(prober, np.array(roster.image)), folder))


@dataclass(frozen=True)
class Drawn:
    """The person game with its photos cut into sets in one of many ways.

    Attributes:
        game: the game.
        sets: (m, k) rows of it.
        mean: (m, d) the mean direction of each set.
        length: (m,) the length of the mean of its raw embeddings.
    """

    game: GameSplit
    sets: NDArray[np.intp]
    mean: Array
    length: Array

    @property
    def person(self) -> NDArray[np.int64]:
        """(m,) whose set it is."""
        return self.game.subject[self.sets[:, 0]]

    def aucs(self, values: Array) -> tuple[float, float]:
        """Per set and per person."""
        member = self.game.member[self.sets[:, 0]]
        scores, _, whose = person_scores(values, self.person, member)
        return auc(values, member), auc(scores, whose)


def drawn(trace: Trace, game: GameSplit, k: int, rng: np.random.Generator) -> Drawn:
    """Sets in an order of the photos that is drawn anew."""
    sets = sets_of(replace(trace, image=rng.permutation(trace.image)), k)
    mean = raw(trace)[sets].mean(1)
    return Drawn(game, sets, unit(unit(raw(trace))[sets].mean(1)), np.linalg.norm(mean, axis=1))


def away_from(draw: Drawn, centres: Centres, rng: np.random.Generator, count: int) -> Array:
    """(m,) how far each set lies from training people of whom so many are known; nobody is compared with their own."""
    some = np.sort(rng.permutation(len(centres.person))[:count])
    part = Centres(centres.direction[some], centres.person[some])
    largest = max(1, round(LARGEST_SHARE * len(some)))
    cosine = np.concatenate(list(part.cosines(draw.mean, draw.person)))
    return np.asarray(-np.sort(cosine, axis=1)[:, -largest:].mean(1))


def told(target: Target, draw: Drawn, centres: Centres, rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    """What is said of the sets of one draw without fitting anything, by name."""
    assert target.centres is not None
    head = unit(np.asarray(target.centres.detach().cpu().numpy(), dtype=np.float64))
    yield "the class centre nearest to the mean (with the head)", (draw.mean @ head.T).max(1)
    yield "length of the mean", draw.length
    for count in KNOWN:
        yield f"away from {count} known training people", away_from(draw, centres, rng, count)


def show(target: Target, roster: Roster, k: int, folder: Path) -> None:
    """Ceiling and curve of the person game, on average over draws of the sets."""
    people = roster.take(roster.rows(Role.MEMBER, Role.HELDOUT, Role.OUTSIDE))
    everything, game = answers(target, people, folder), arena(people, "person", folds=5, seed=7)
    trace, rng = everything.take(game.rows).with_photo_set(game.photo_set), stream(7, "draws of sets")
    centres = Centres.of(everything.take(game.trained).with_photo_set(game.trained_subject))
    aucs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(DRAWS):
        draw = drawn(trace, game, k, rng)
        for name, values in told(target, draw, centres, rng):
            aucs.setdefault(name, []).append(draw.aucs(values))
    print(f"\n| person game, {k} photos, nothing fitted | AUC set | AUC person |\n|---|---|---|")
    for name, pairs in aucs.items():
        (one, person), spread = np.mean(pairs, axis=0), np.std(pairs, axis=0)[1]
        print(f"| {name} | {one:.3f} | {person:.3f} ± {spread:.3f} |")


def main() -> None:
    """Train where needed, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/lfw"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--k", type=int, default=5)
    arguments = parser.parse_args()
    started, run = time.monotonic(), arguments.run
    roster, training = lfw(), replace(TRAINING, seed=arguments.seed)
    with Stages() as stages:
        target = train_backbone(roster, training, run / "target", progress_of(stages, "training the target"))
        settings = AuditSettings(
            attacks=attacks_named(*attacks(arguments.k)), seed=arguments.seed,
            shadow=ShadowSettings(count=2, train=training), knowledge=("partial", "shadow", "nonmembers"),
        )  # fmt: skip
        command = f"python -m benchmarks.attacks.photo_sets --seed {arguments.seed} --k {arguments.k}"
        brought = AuditInputs(target, roster, command=command)
        evidence = conduct(brought, settings, run / f"people-{arguments.k}", progress=stages)
    print(table(evidence))
    show(target, roster, arguments.k, run / "people-trace")
    print(f"\n{(time.monotonic() - started) / 60:.1f} minutes, seed {arguments.seed}")


if __name__ == "__main__":
    main()
