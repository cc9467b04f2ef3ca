"""What a run could have seen, and how many images it takes."""

import math
from statistics import NormalDist

from bareface.errors import UsageError

ALPHA, POWER = 0.05, 0.8


def smallest_lift(null_error: float, tests: int = 1) -> float:
    """The smallest lift that a one-sided test at 5 % finds with 80 % power, at most 2 (all hits there, none here).

    The smallest win rate comes from `bareface.stats.power.smallest_effect`: it has to exceed the other arms too.

    Args:
        null_error: standard deviation of the lift under permuted membership.
        tests: how many share the 5 %.
    """
    return min(2.0, (_z(1 - ALPHA / tests) + _z(POWER)) * null_error)


def images_needed(base: float, arm: float) -> int:
    """Images in each of two arms to tell two hit rates apart: 80 % power, two-sided 5 %, independent images.

    1 % against 2 % takes 2,319, 2 % against 5 % 588. Images that share identities need more.

    Raises:
        UsageError: the rates are equal or do not lie in [0, 1].
    """
    if not (0 <= base <= 1 and 0 <= arm <= 1) or base == arm:
        raise UsageError("images_needed", got=f"the rates {base:g} and {arm:g}", expected="two rates in [0, 1]")
    mean = (base + arm) / 2
    pooled = _z(1 - ALPHA / 2) * math.sqrt(2 * mean * (1 - mean))
    apart = _z(POWER) * math.sqrt(base * (1 - base) + arm * (1 - arm))
    return math.ceil(((pooled + apart) / (arm - base)) ** 2)


def _z(p: float) -> float:
    return NormalDist().inv_cdf(p)
