"""The difference between two AUCs of the same pairs of faces."""

import numpy as np

from bareface.records.evidence import Interval
from bareface.stats.roc import auc
from bareface.stats.sample import Bools, Codes, Floats


def auc_difference(first: Floats, other: Floats, same: Bools, fold: Codes) -> tuple[float, Interval]:
    """AUC(other) - AUC(first) with Student's 95 % interval from the delete-one-fold jackknife.

    Args:
        first, other: (n,) similarities of the same pairs by two networks.
        same: (n,) whether a pair is of one person.
        fold: (n,) folds without a person in common, at least two.
    """
    from scipy.special import stdtrit

    def difference(rows: Bools) -> float:
        return auc(other[rows], same[rows]) - auc(first[rows], same[rows])

    numbers, found = np.unique(fold), difference(np.ones(len(same), dtype=bool))
    without = np.array([difference(fold != number) for number in numbers])
    half = float(stdtrit(len(numbers) - 1, 0.975)) * float(np.sqrt((len(numbers) - 1) * without.var()))
    return found, Interval(low=max(-1.0, found - half), high=min(1.0, found + half))
