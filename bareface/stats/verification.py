"""The 1:1 verification protocol of Labeled Faces in the Wild, with intervals.

In each fold the pairs are judged at the threshold that is most accurate on the other folds (Huang et al., "Labeled
Faces in the Wild", UMass Technical Report 07-49, 2007, section 5). The true accept rate at a false accept rate comes
about in the same way (`bareface.stats.rates`).

Pairs share people, so pairs are no sample; folds, which have no person in common, are. Intervals of the AUC, the equal
error rate and the mean accuracy are Student's with the standard error of the delete-one-fold jackknife. Coverage of the
nominal 95 % intervals in simulations with 10 folds, four pairs of each kind for each person, none or half of the score
variance between people (500 runs a cell, so known to a point):

    people a fold  AUC    of the AUC  of the EER  of the accuracy
               20  .76     94-94 %     94-95 %     91-92 %
               20  .96     93-95 %     94-96 %     91-92 %
               20  .998    92-94 %     95-95 %     89-92 %
               60  .76     95-95 %     93-95 %     91-92 %
               60  .96     95-95 %     95-96 %     93-94 %
               60  .998    93-95 %     94-98 %     91-93 %

The accuracy is compared with that of the best threshold there is, which a chosen one does not quite reach.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.records.evidence import Interval, OperatingPoint, Record
from bareface.stats.intervals import LEVEL, clopper_pearson
from bareface.stats.rates import operating_points, plain_thresholds
from bareface.stats.roc import auc, roc
from bareface.stats.sample import Bools, Codes, Floats, Sample, sample

FARS = (0.01, 0.001, 0.0001)
# Standard errors below this are rounding: all folds say the same.
_NO_SCATTER = 1e-9


class FoldAccuracy(Record):
    """One fold: how many pairs were told right at the threshold of the other folds.

    threshold: None where accepting nobody, or everybody, was best.
    """

    pairs: int
    right: int
    threshold: float | None

    @property
    def accuracy(self) -> float:
        """Share of the pairs."""
        return self.right / self.pairs


class VerificationResult(Record):
    """How well similarities tell pairs of one person from pairs of two.

    accuracy: mean over the folds; accuracy_std: their standard deviation with divisor n, as InsightFace prints it.
    tar: true accept rates; `negatives` are different-people pairs, `false_positive` is the false accept rate.
    """

    same: int
    different: int
    auc: float
    auc_interval: Interval
    eer: float
    eer_interval: Interval
    accuracy: float
    accuracy_std: float
    accuracy_interval: Interval
    folds: tuple[FoldAccuracy, ...]
    tar: tuple[OperatingPoint, ...]


def verify_pairs(
    similarity: ArrayLike, same: ArrayLike, fold: ArrayLike, *, fars: Sequence[float] = FARS
) -> VerificationResult:
    """Accuracy, AUC, equal error rate and true accept rates of pairs in folds.

    Args:
        similarity: (n,) finite, higher = more alike.
        same: (n,) booleans.
        fold: (n,) the fold of each pair; at least two, without a person in common.
        fars: nominal false accept rates; those that the pairs cannot support get no rate.

    Raises:
        UsageError: the columns do not fit together, or there are fewer than two folds with pairs of each kind.
    """
    pairs = sample(similarity, same, np.arange(np.size(same)), fold)
    _check(pairs)
    folds = _accuracies(pairs)
    shares = np.array([one.accuracy for one in folds])
    return VerificationResult(
        same=int(pairs.member.sum()),
        different=int((~pairs.member).sum()),
        auc=auc(pairs.scores, pairs.member),
        auc_interval=_jackknife(pairs, lambda kept: auc(kept.scores, kept.member)),
        eer=equal_error_rate(pairs.scores, pairs.member),
        eer_interval=_jackknife(pairs, lambda kept: equal_error_rate(kept.scores, kept.member)),
        accuracy=float(shares.mean()),
        accuracy_std=float(shares.std()),
        accuracy_interval=_mean_interval(shares, len(pairs)),
        folds=folds,
        tar=operating_points(pairs, tuple(fars), chosen=plain_thresholds),  # as this field counts it
    )


def best_threshold(similarity: ArrayLike, same: ArrayLike) -> float:
    """The most accurate threshold t of "one person if similarity >= t", between two neighbouring similarities.

    Of several equally accurate ones the strictest, as InsightFace takes it; infinite where accepting nobody is best.
    """
    scores, truth = np.asarray(similarity, dtype=np.float64), np.asarray(same, dtype=np.bool_)
    order = np.argsort(-scores, kind="stable")
    values, one_person = scores[order], truth[order]
    # Cut c accepts the first c pairs; a cut through equal similarities is none.
    right = np.concatenate([[0], np.cumsum(np.where(one_person, 1, -1))])
    right[1:-1][np.diff(values) == 0] = np.iinfo(right.dtype).min
    cut = int(right.argmax())
    if cut in (0, len(values)):
        return -math.inf if cut else math.inf
    return float((values[cut - 1] + values[cut]) / 2)


def equal_error_rate(similarity: ArrayLike, same: ArrayLike) -> float:
    """The rate at which false accepts and false rejects are equally frequent, on the ROC between its corners.

    Raises:
        UsageError: there are no pairs of one kind.
    """
    curve = roc(similarity, same)
    excess = curve.fpr + curve.tpr - 1  # false accepts less false rejects: from -1 up to 1
    after = int(np.argmax(excess >= 0))
    rise = excess[after] - excess[after - 1]
    return float(curve.fpr[after] - (curve.fpr[after] - curve.fpr[after - 1]) * excess[after] / rise)


def _check(pairs: Sample) -> None:
    folds = [len(np.unique(pairs.fold[pairs.member == kind])) for kind in (True, False)]
    if min(folds) < 2:
        raise UsageError(
            "verification",
            got=f"same-person pairs in {folds[0]} folds and different-people pairs in {folds[1]}",
            expected="pairs of each kind in at least two folds, so that a threshold comes from other people",
        )
    if np.isnan(pairs.scores).any():
        got = f"{int(np.isnan(pairs.scores).sum())} pairs without a similarity"
        raise UsageError("verification", got=got, expected="a number for each pair")


def auc_difference(first: Floats, other: Floats, same: Bools, fold: Codes) -> tuple[float, Interval]:
    """AUC(other) - AUC(first) of the same pairs, with Student's 95 % interval from the delete-one-fold jackknife.

    Args:
        first, other: (n,) similarities of the same pairs by two networks.
        same: (n,) whether a pair is of one person.
        fold: (n,) folds without a person in common, at least two.
    """

    def difference(rows: Bools) -> float:
        return auc(other[rows], same[rows]) - auc(first[rows], same[rows])

    found = difference(np.ones(len(same), dtype=bool))
    error, student = _error(fold, difference)
    half = student * error
    return found, Interval(low=max(-1.0, found - half), high=min(1.0, found + half))


def _accuracies(pairs: Sample) -> tuple[FoldAccuracy, ...]:
    return tuple(_accuracy(pairs, pairs.fold == number) for number in np.unique(pairs.fold))


def _accuracy(pairs: Sample, here: Bools) -> FoldAccuracy:
    threshold = best_threshold(pairs.scores[~here], pairs.member[~here])
    right = (pairs.scores[here] >= threshold) == pairs.member[here]
    known = threshold if math.isfinite(threshold) else None
    return FoldAccuracy(pairs=int(here.sum()), right=int(right.sum()), threshold=known)


def _jackknife(pairs: Sample, statistic: Callable[[Sample], float]) -> Interval:
    """Student's interval on the logit scale; Clopper-Pearson's, counting pairs, where folds have no scatter.

    So it is at rates of exactly 0 and 1, where all folds err alike, and where a model has collapsed: as many trials as
    the rarer kind has pairs leave a rate in doubt all the same.
    """
    value, trials = statistic(pairs), int(min(pairs.member.sum(), (~pairs.member).sum()))
    if value in (0.0, 1.0):
        return clopper_pearson(round(value) * trials, trials)
    error, student = _error(pairs.fold, lambda kept: statistic(pairs.take(kept)))
    half = student * error / (value * (1 - value))
    centre = math.log(value / (1 - value))
    found = Interval(low=_logistic(centre - half), high=_logistic(centre + half))
    return found if error > _NO_SCATTER else _widened(found, value, trials)


def _error(fold: Codes, statistic: Callable[[Bools], float]) -> tuple[float, float]:
    """The standard error of the delete-one-fold jackknife, and Student's quantile for that many folds."""
    numbers = np.unique(fold)
    without = np.array([statistic(fold != number) for number in numbers])
    return math.sqrt((len(numbers) - 1) * float(without.var())), _student(len(numbers))


def _mean_interval(shares: Floats, pairs: int) -> Interval:
    mean = float(shares.mean())
    if mean in (0.0, 1.0):
        return clopper_pearson(round(mean) * pairs, pairs)
    half = _student(len(shares)) * float(shares.std(ddof=1)) / math.sqrt(len(shares))
    found = Interval(low=max(0.0, mean - half), high=min(1.0, mean + half))
    return found if shares.std() > _NO_SCATTER else _widened(found, mean, pairs)


def _widened(found: Interval, rate: float, trials: int) -> Interval:
    """The interval, at least as wide as an exact one of so many trials at that rate."""
    low = clopper_pearson(math.floor(rate * trials), trials).low
    high = clopper_pearson(math.ceil(rate * trials), trials).high
    return Interval(low=min(found.low, low), high=max(found.high, high))


def _student(folds: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(folds - 1, 1 - (1 - LEVEL) / 2))


def _logistic(x: float) -> float:
    return (1 + math.tanh(x / 2)) / 2
