"""How often intervals hold the truth where the truth is known: python -m benchmarks.validity.coverage [--samples 1000]

People with two photos each, normal scores, half of the variance between people, members lifted by a shift; the scores
are given, nothing is fitted. The AUC and the rates are known exactly: the true positive rate at the nominal false
positive rate, and the false positive rate of the thresholds that were chosen in that sample.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bareface.records.evidence import Interval
from bareface.stats.measure import measure
from bareface.stats.rates import conformal_thresholds, operating_points
from bareface.stats.sample import Sides, sample
from bareface.streams import stream
from benchmarks.tables import rate

PHOTOS, FOLDS = 2, 5
FPRS = (0.1, 0.01)
SIZES = ((20, 20), (60, 60), (30, 200), (150, 150), (400, 400))
SHIFTS = (0.0, 0.7, 1.5)


@dataclass(frozen=True)
class Drawn:
    """One sample of people: the columns of `measure`."""

    scores: NDArray[np.float64]
    member: NDArray[np.bool_]
    person: NDArray[np.intp]
    fold: NDArray[np.intp]


def draw(members: int, others: int, shift: float, rng: np.random.Generator) -> Drawn:
    """People with `PHOTOS` photos each; (n,) scores with variance 1, one half of it between people."""
    person = np.repeat(np.arange(members + others), PHOTOS)
    member = person < members
    scores = (rng.normal(size=members + others)[person] + rng.normal(size=len(person))) / np.sqrt(2) + shift * member
    return Drawn(scores, member, person, person % FOLDS)


def held(drawn: Drawn, shift: float, rng: np.random.Generator) -> Iterator[tuple[str, bool]]:
    """Which intervals of one sample hold the truth."""
    found = measure(
        drawn.scores, Sides(drawn.member, drawn.person, drawn.fold), "image", rng, crossfit=False, draws=500
    )
    assert found.auc_interval is not None
    yield "AUC", _holds(found.auc_interval, float(ndtr(shift / np.sqrt(2))))
    for fpr in FPRS:
        thresholds: list[list[float]] = []

        def remembered(
            negatives: Sequence[NDArray[np.float64]], rate: float, kept: list[list[float]] = thresholds
        ) -> list[float]:
            kept.append(conformal_thresholds(negatives, rate))
            return kept[-1]

        judged = sample(drawn.scores, drawn.member, drawn.person, drawn.fold)
        point = operating_points(judged, (fpr,), chosen=remembered)[0]
        if point.true_positive is None or point.false_positive is None:
            continue
        share = np.bincount(drawn.fold[~drawn.member], minlength=FOLDS) / (~drawn.member).sum()
        truth = float(share @ ndtr(-np.array(thresholds[0])))  # the others measure the slope
        yield f"TPR at {fpr:g}", _holds(point.true_positive.interval, float(ndtr(ndtri(fpr) + shift)))
        yield f"FPR of the thresholds at {fpr:g}", _holds(point.false_positive.interval, truth)
        yield f"FPR at {fpr:g} holds the nominal", _holds(point.false_positive.interval, fpr)


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def main() -> None:
    """Print a line for each number of people and shift."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    for members, others in SIZES:
        for shift in SHIFTS:
            counted: dict[str, list[bool]] = {}
            for number in range(asked.samples):
                rng = stream(asked.seed, "coverage", members, others, str(shift), number)
                for name, holds in held(draw(members, others, shift, rng), shift, rng):
                    counted.setdefault(name, []).append(holds)
            said = [f"{name} {rate(sum(holds), len(holds))}" for name, holds in counted.items()]
            print(f"{members} + {others}, AUC {ndtr(shift / np.sqrt(2)):.2f}: {'; '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
