"""What a run could have seen, and how many images it takes."""

import math
from statistics import NormalDist

from bareface.errors import UsageError
from bareface.stats.power import power

ALPHA, POWER = 0.05, 0.8


def smallest_win_rate(null_error: float, judges: int, controls: int) -> float:
    """The smallest win rate, at most 1, that a run would have called a leak with 80 % power; found by bisection.

    Every judge has to detect it and to see it exceed every control, so each needs more power: .8^(1 / judges), as if
    they judged independently. Judges that agree give the run more power than this.

    Args:
        null_error: standard deviation of the win rate under permuted membership.
        judges: how many have to detect it.
        controls: how many arms it has to exceed, from none to two.
    """
    low, high = 0.5, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        enough = power(middle, null_error, judges, controls) >= POWER ** (1 / judges)
        low, high = (low, middle) if enough else (middle, high)
    return high


def smallest_lift(null_error: float, tests: int = 1) -> float:
    """The smallest lift that a one-sided test at 5 % finds with 80 % power, at most 2 (all hits there, none here).

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
