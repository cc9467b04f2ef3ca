"""Trials of one defence with several seeds as one line of numbers with intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bareface.auditing.defending.record import UNDEFENDED, Bench, Leak, Trial
from bareface.evidence import Interval

_Z = 1.959964
STATISTICS, LENGTH, VIEWS, PERSON, HEAD = "statistics", "length", "views", "person", "head"
KINDS = {
    "bn-distance": STATISTICS,
    "estimated-distance": STATISTICS,
    "embedding-norm": LENGTH,
    "flip-agreement": VIEWS,
    "subject-compactness (k=3)": PERSON,
    "class-centre": HEAD,
}
"""What each attack of the bench reads; others are counted among the attacks without a head."""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its 95 % interval.

    Attributes:
        value, low, high: of it.
        seeds: how many.
    """

    value: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Line:
    """One defence with one prior knowledge.

    Attributes:
        defence, sort, reach: as in its trials.
        utility: verification AUC on unseen people.
        tar: true accept rate at a false accept rate of 1 %; None where the pairs do not support it.
        excess: by kind of attack, over the stronger control; of two attacks of a kind the larger.
        tpr: likewise, true positive rates at a nominal 1 %.
        headless: the largest excess of an attack without a head.
        left: that, as a share of what it is without a defence; None without an undefended line.
        guarantee: what is proven.
        epsilon_at_least: the largest of the trials.
    """

    defence: str
    sort: str
    reach: str
    utility: Mean
    tar: Mean | None
    excess: dict[str, Mean]
    tpr: dict[str, Mean]
    headless: Mean | None
    left: float | None
    guarantee: dict[str, float]
    epsilon_at_least: float


def lines(bench: Bench, knowledge: str) -> tuple[Line, ...]:
    """One line for each defence, in the order of the bench."""
    by_defence: dict[str, list[Trial]] = {}
    for trial in bench.trials:
        by_defence.setdefault(trial.defence, []).append(trial)
    plain = by_defence.get(UNDEFENDED)
    usual = _headless(plain, knowledge) if plain else None
    return tuple(_line(trials, knowledge, usual) for trials in by_defence.values())


def pooled(values: Sequence[tuple[float, Interval]]) -> Mean:
    """The mean over seeds of estimates with intervals.

    The people are the same with every seed, so their part of the error does not average out: the variance is the mean
    of those within seeds plus the variance between seeds over their number.
    """
    estimates = [value for value, _ in values]
    mean, count = sum(estimates) / len(values), len(values)
    within = sum(((one.high - one.low) / (2 * _Z)) ** 2 for _, one in values) / count
    between = sum((value - mean) ** 2 for value in estimates) / (count - 1) if count > 1 else 0.0
    half = _Z * math.sqrt(within + between / count)
    return Mean(mean, mean - half, mean + half, count)


def _line(trials: Sequence[Trial], knowledge: str, usual: Mean | None) -> Line:
    first, headless = trials[0], _headless(trials, knowledge)
    kinds = dict.fromkeys(KINDS.values())
    excess = {
        kind: _largest(trials, knowledge, lambda leak, kind=kind: KINDS.get(leak.attack) == kind) for kind in kinds
    }
    rates = {kind: _rate(trials, knowledge, kind) for kind in kinds}
    return Line(
        defence=first.defence,
        sort=first.sort,
        reach=first.reach,
        utility=pooled([(trial.utility.auc, trial.utility.auc_interval) for trial in trials]),
        tar=_tar(trials),
        excess={kind: mean for kind, mean in excess.items() if mean is not None},
        tpr={kind: mean for kind, mean in rates.items() if mean is not None},
        headless=headless,
        left=headless.value / usual.value if headless and usual and usual.value > 0 else None,
        guarantee=first.guarantee,
        epsilon_at_least=max(trial.epsilon_at_least for trial in trials),
    )


def _headless(trials: Sequence[Trial], knowledge: str) -> Mean | None:
    return _largest(trials, knowledge, lambda leak: KINDS.get(leak.attack) != HEAD)


def _largest(trials: Sequence[Trial], knowledge: str, wanted: Callable[[Leak], bool]) -> Mean | None:
    """The attack with the largest mean excess among those that are wanted; None if none was run in every trial."""
    names = {leak.attack for trial in trials for leak in trial.leaks if leak.knowledge == knowledge and wanted(leak)}
    means = (_mean(_of(trials, knowledge, name), lambda leak: (leak.excess, leak.excess_interval)) for name in names)
    return max((mean for mean in means if mean is not None), key=lambda mean: mean.value, default=None)


def _rate(trials: Sequence[Trial], knowledge: str, kind: str) -> Mean | None:
    names = {leak.attack for trial in trials for leak in trial.leaks if KINDS.get(leak.attack) == kind}
    told = (
        _mean(_of(trials, knowledge, n), lambda leak: (leak.tpr and leak.tpr.rate, leak.tpr and leak.tpr.interval))
        for n in names
    )
    return max((mean for mean in told if mean is not None), key=lambda mean: mean.value, default=None)


def _of(trials: Sequence[Trial], knowledge: str, attack: str) -> list[Leak | None]:
    found = ({(leak.attack, leak.knowledge): leak for leak in trial.leaks} for trial in trials)
    return [leaks.get((attack, knowledge)) for leaks in found]  # type: ignore[call-overload]


def _mean(leaks: Iterable[Leak | None], read: Callable[[Leak], tuple[float | None, Interval | None]]) -> Mean | None:
    told = [(None, None) if leak is None else read(leak) for leak in leaks]
    known = [(value, interval) for value, interval in told if value is not None and interval is not None]
    return pooled(known) if known and len(known) == len(told) else None


def _tar(trials: Sequence[Trial]) -> Mean | None:
    points = [next((p for p in t.utility.tar if p.nominal_fpr == 0.01), None) for t in trials]
    shares = [point.true_positive for point in points if point is not None and point.true_positive is not None]
    return pooled([(one.rate, one.interval) for one in shares]) if len(shares) == len(trials) else None
