"""Error rates at thresholds that were chosen on other people."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bareface.errors import UsageError
from bareface.records.evidence import OperatingPoint, Share
from bareface.stats.intervals import share_of_people, variance_between_people
from bareface.stats.sample import Bools, Floats, Sample
from bareface.vocabulary import NOMINAL_FPRS

Thresholds = Callable[[Sequence[Floats], float], Sequence[float]]
"""The non-member scores of the other folds, for each fold, and a rate, to a threshold for each fold."""


def negatives_needed(fpr: float) -> int:
    """The fewest non-members with which zero false positives support a rate: ceil(ln .05 / ln(1 - fpr)).

    29 for 10 %, 299 for 1 %, 2,995 for .1 %: the one-sided 95 % Clopper-Pearson bound for no event is then at most fpr.

    Raises:
        UsageError: `fpr` is not between 0 and 1.
    """
    if not 0 < fpr < 1:
        raise UsageError("negatives_needed", got=f"fpr {fpr}", expected="a rate between 0 and 1")
    return math.ceil(math.log(0.05) / math.log1p(-fpr))


def operating_points(
    judged: Sample,
    fprs: tuple[float, ...] = NOMINAL_FPRS,
    *,
    crossfit: bool = False,
    chosen: Thresholds | None = None,
) -> tuple[OperatingPoint, ...]:
    """Detections at nominal false positive rates, counted in each fold at a threshold from the other folds.

    A detection is a score above the threshold, so an abstention is none, on either side. Photos of a person that share
    one score, as those of a set do, are one unit. Counts are summed over folds; intervals take people as the sample.
    The interval of detected members allows for the thresholds' own error, that of false positives takes the thresholds
    as they are: it says what they are worth on other people.
    Rates are None with too few non-members, and where there is no member.

    Args:
        judged: its folds disjoint by person.
        fprs: the nominal rates.
        crossfit: each fold was scored by another model; the folds' scores are first brought to one centre and spread,
            without a look at a fold's own labels.
        chosen: the thresholds; None = `conformal_thresholds`.

    Raises:
        UsageError: there is only one fold, so there is nobody else to choose the threshold on.
    """
    if len(np.unique(judged.fold)) < 2:
        raise UsageError(
            "operating_points",
            got="a single fold",
            expected="at least two, so that a threshold comes from other people",
            hint="pass the folds in which the people were held out",
        )
    counted = _one_of_each_set(judged)
    counted = _on_one_scale(counted) if crossfit else counted
    return tuple(_point(counted, fpr, chosen or conformal_thresholds) for fpr in fprs)


def threshold(negatives: Floats, fpr: float) -> float:
    """The lowest of these non-member scores above which at most floor(fpr n) of the n lie; infinite for n = 0."""
    allowed = math.floor(fpr * len(negatives) + 1e-9)
    return _largest(negatives, allowed + 1)


def plain_thresholds(negatives: Sequence[Floats], fpr: float) -> list[float]:
    """`threshold` for each fold."""
    return [threshold(scores, fpr) for scores in negatives]


def conformal_thresholds(negatives: Sequence[Floats], fpr: float) -> list[float]:
    """Thresholds above which the next non-members lie with probability at most `fpr` in the mean over the folds.

    With n exchangeable scores and a - 1 above the threshold the probability is a / (n + 1) (Vovk, Gammerman and Shafer
    2005, section 2.2). fpr (n + 1) is rarely whole: each fold takes the whole part, and the rest is left to the next,
    so that few non-members do not make the rate smaller than it was asked for. Infinite where a = 0.

    Args:
        negatives: of each fold the scores of the other folds' non-members.
        fpr: the nominal rate.
    """
    found, left = list[float](), 0.0
    for scores in negatives:
        exact = fpr * (len(scores) + 1) + left
        allowed = min(math.floor(exact + 1e-9), len(scores))
        left = exact - allowed
        found.append(_largest(scores, allowed))
    return found


def _largest(scores: Floats, rank: int) -> float:
    """The score of that rank from above, 1 = the largest; infinite where none has it."""
    if not 1 <= rank <= len(scores):
        return math.inf
    return float(np.partition(scores, len(scores) - rank)[len(scores) - rank])


def _point(judged: Sample, fpr: float, chosen: Thresholds) -> OperatingPoint:
    positives, negatives = int(judged.member.sum()), int((~judged.member).sum())
    needed = negatives_needed(fpr)
    supported = positives > 0 and negatives >= needed
    detected = _detected(judged, fpr, chosen) if supported else judged.member
    return OperatingPoint(
        nominal_fpr=fpr,
        positives=positives,
        negatives=negatives,
        negatives_needed=needed,
        true_positive=_share(judged, detected, True, _of_thresholds(judged, detected, fpr, chosen))
        if supported
        else None,
        false_positive=_share(judged, detected, False) if supported else None,
    )


def _share(judged: Sample, detected: Bools, member: bool, more: float = 0.0) -> Share:
    """Detections on one side, people taken as the sample."""
    rows = judged.member == member
    return share_of_people(detected[rows], judged.person[rows], more=more)


def _of_thresholds(judged: Sample, detected: Bools, fpr: float, chosen: Thresholds) -> float:
    """The variance that a true positive rate owes to thresholds from a sample of non-members.

    A threshold misses its nominal rate by about the standard error of the counted one; the slope of the ROC curve
    there, a difference over that distance to either side, turns it into an error of the true positive rate. The slope
    is counted on few members: its own variance is taken off its square, or a flat curve would have one too.
    """
    rows = ~judged.member
    counted = variance_between_people(detected[rows], judged.person[rows])
    error = math.sqrt(max(counted, fpr * (1 - fpr) / int(rows.sum())))
    fewest = min(int((rows & (judged.fold != fold)).sum()) for fold in np.unique(judged.fold))
    low, high = max(fpr - error, 1 / (fewest + 1)), fpr + error
    if low >= high:
        return 0.0
    few, many = (_detected(judged, rate, chosen)[judged.member] for rate in (low, high))
    difference = many.astype(np.float64) - few
    square = float(np.mean(difference)) ** 2 - float(np.var(difference)) / len(difference)
    return max(square, 0.0) * (error / (high - low)) ** 2


def _detected(judged: Sample, fpr: float, chosen: Thresholds) -> Bools:
    scores = np.where(np.isnan(judged.scores), -np.inf, judged.scores)
    folds = [judged.fold == fold for fold in np.unique(judged.fold)]
    limits = chosen([scores[~here & ~judged.member] for here in folds], fpr)
    detected = np.zeros(len(scores), dtype=np.bool_)
    for here, limit in zip(folds, limits, strict=True):
        detected[here] = scores[here] > limit
    return detected


def _one_of_each_set(judged: Sample) -> Sample:
    """One row for photos of a person that share a score: a threshold cannot fall between them."""
    key = np.stack([judged.person, judged.member, judged.scores], axis=1)
    _, first = np.unique(key, axis=0, return_index=True)
    return judged.take(np.isin(np.arange(len(judged)), first) | np.isnan(judged.scores))


def _on_one_scale(judged: Sample) -> Sample:
    """The scores of each fold brought to one centre and spread; an immovable fold stays.

    With a share p of members the quantiles (1 - p) / 2 and 1 - p / 2 of a fold go to -1 and 1: where the sides separate
    these are the middles of both, whatever the fold's own share; where they do not, two quantiles like any others. A
    median would fall on one side in one fold and on the other in the next.
    """
    scores, share = judged.scores.copy(), float(judged.member.mean())
    for fold in np.unique(judged.fold):
        here = (judged.fold == fold) & ~np.isnan(scores)
        if here.any():
            low, high = np.quantile(scores[here], ((1 - share) / 2, 1 - share / 2))
            scores[here] = (scores[here] - (low + high) / 2) / ((high - low) / 2 or 1.0)
    return replace(judged, scores=scores)
