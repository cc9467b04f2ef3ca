"""Trials of one defence with several seeds as one line of numbers with intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bareface.bench.record import UNDEFENDED, BenchRecord, DefenceTrial, Leak
from bareface.records.evidence import Interval

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


def lines(bench: BenchRecord, knowledge: str) -> tuple[Line, ...]:
    """One line for each defence, in the order of the bench."""
    by_defence: dict[str, list[DefenceTrial]] = {}
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


Read = Callable[[Leak], tuple[float, Interval] | None]


def _line(trials: Sequence[DefenceTrial], knowledge: str, usual: Mean | None) -> Line:
    first, headless = trials[0], _headless(trials, knowledge)
    of_kind = {kind: [attack for attack, its in KINDS.items() if its == kind] for kind in KINDS.values()}
    excess = {kind: _largest(trials, knowledge, attacks, _excess) for kind, attacks in of_kind.items()}
    rates = {kind: _largest(trials, knowledge, attacks, _detected) for kind, attacks in of_kind.items()}
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


def _headless(trials: Sequence[DefenceTrial], knowledge: str) -> Mean | None:
    asked = dict.fromkeys(leak.attack for trial in trials for leak in trial.leaks)
    return _largest(trials, knowledge, [attack for attack in asked if KINDS.get(attack) != HEAD], _excess)


def _largest(trials: Sequence[DefenceTrial], knowledge: str, attacks: Iterable[str], read: Read) -> Mean | None:
    """The largest mean of these attacks; None if none of them says anything in every trial."""
    means = [_mean(trials, knowledge, attack, read) for attack in attacks]
    return max((mean for mean in means if mean is not None), key=lambda mean: mean.value, default=None)


def _mean(trials: Sequence[DefenceTrial], knowledge: str, attack: str, read: Read) -> Mean | None:
    leaks = [leak for trial in trials for leak in trial.leaks if (leak.attack, leak.knowledge) == (attack, knowledge)]
    known = [said for said in map(read, leaks) if said is not None]
    return pooled(known) if known and len(known) == len(trials) else None


def _excess(leak: Leak) -> tuple[float, Interval] | None:
    if leak.excess is None or leak.excess_interval is None:
        return None
    return leak.excess, leak.excess_interval


def _detected(leak: Leak) -> tuple[float, Interval] | None:
    return None if leak.tpr is None else (leak.tpr.rate, leak.tpr.interval)


def _tar(trials: Sequence[DefenceTrial]) -> Mean | None:
    points = [point for trial in trials for point in trial.utility.tar if point.nominal_fpr == 0.01]
    shares = [point.true_positive for point in points if point.true_positive is not None]
    return pooled([(one.rate, one.interval) for one in shares]) if shares and len(shares) == len(trials) else None
