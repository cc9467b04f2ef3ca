"""Error rates at thresholds that were chosen on other people."""

import math

import numpy as np

from bareface.errors import UsageError
from bareface.evidence import OperatingPoint
from bareface.stats.intervals import share
from bareface.stats.sample import Bools, Floats, Sample

NOMINAL_FPRS = (0.1, 0.01, 0.001)


def negatives_needed(fpr: float) -> int:
    """The fewest non-members with which zero false positives support a rate: ceil(ln .05 / ln(1 - fpr)).

    29 for 10 %, 299 for 1 %, 2,995 for .1 %: the one-sided 95 % Clopper-Pearson bound for no event is then at most fpr.

    Raises:
        UsageError: `fpr` is not between 0 and 1.
    """
    if not 0 < fpr < 1:
        raise UsageError("negatives_needed", got=f"fpr {fpr}", expected="a rate between 0 and 1")
    return math.ceil(math.log(0.05) / math.log1p(-fpr))


def operating_points(judged: Sample, fprs: tuple[float, ...] = NOMINAL_FPRS) -> tuple[OperatingPoint, ...]:
    """Detections at nominal false positive rates, counted in each fold at a threshold from the other folds.

    A detection is a score above the threshold, so an abstention is none, on either side. Counts are summed over folds.
    The Clopper-Pearson intervals take the units as independent: exact per person, too narrow per image where a person
    brings several. Rates are None with too few non-members, and where there is no member.

    Args:
        judged: its folds disjoint by person.

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
    return tuple(_point(judged, fpr) for fpr in fprs)


def threshold(negatives: Floats, fpr: float) -> float:
    """The lowest of these non-member scores above which at most floor(fpr n) of the n lie; infinite for n = 0."""
    allowed = math.floor(fpr * len(negatives) + 1e-9)
    return float(np.sort(negatives)[::-1][allowed]) if len(negatives) else math.inf


def _point(judged: Sample, fpr: float) -> OperatingPoint:
    positives, negatives = int(judged.member.sum()), int((~judged.member).sum())
    needed = negatives_needed(fpr)
    supported = positives > 0 and negatives >= needed
    detected = _detected(judged, fpr) if supported else judged.member
    return OperatingPoint(
        nominal_fpr=fpr,
        positives=positives,
        negatives=negatives,
        negatives_needed=needed,
        true_positive=share(int(detected[judged.member].sum()), positives) if supported else None,
        false_positive=share(int(detected[~judged.member].sum()), negatives) if supported else None,
    )


def _detected(judged: Sample, fpr: float) -> Bools:
    scores = np.where(np.isnan(judged.scores), -np.inf, judged.scores)
    detected = np.zeros(len(scores), dtype=np.bool_)
    for fold in np.unique(judged.fold):
        here = judged.fold == fold
        detected[here] = scores[here] > threshold(scores[~here & ~judged.member], fpr)
    return detected
