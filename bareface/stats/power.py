"""What an audit could have seen."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bareface.stats.intervals import CROSSFIT
from bareface.stats.sample import Floats

ALPHA = 0.05
POWER = 0.8
MAX_SMALLEST_EFFECT = 0.85
"""An audit that could have shown no smaller AUC than this, and showed nothing, has not looked."""
# Models that are fitted on a leak agree more than models fitted on none: cross-fitted AUCs then scatter 1.1 to 1.3
# times as widely as fixed scores would, not sqrt(2) times, which is what tests and intervals allow for (`intervals`).
LEAKING = 1.25 / CROSSFIT
_Z_INTERVAL = NormalDist().inv_cdf(0.975)
_GRID = 2001


def smallest_effect(null_error: float, attacks: int, controls: int = 2, *, crossfit: bool = False) -> float:
    """The smallest AUC that an audit would have called LEAK SHOWN with 80 % power, at most 1; found by bisection.

    Without controls and with many people it is .5 + (z(1 - .05 / attacks) + z(.8)) null_error, the textbook formula.
    Each control that has to be exceeded adds its own noise: with two of them and three attacks 4.4 errors, not 3.0.

    Args:
        null_error: standard error of the AUC without leak, from `permutation.null_error`.
        attacks: how many attacks share the error rate.
        controls: how many controls the attack has to exceed.
        crossfit: the scores come from models fitted on the other folds of the same sample.
    """
    leaking = LEAKING if crossfit else 1.0
    low, high = 0.5, 1.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, null_error, attacks, controls, leaking) < POWER else (low, middle)
    return high


@dataclass(frozen=True)
class Bar:
    """What a leak has to pass.

    Attributes:
        attacks: how many attacks share the error rate.
        controls: how many controls the attack has to exceed.
        max_smallest_effect: the largest AUC that still counts as an answer where it is the smallest to be shown.
    """

    attacks: int = 1
    controls: int = 2
    max_smallest_effect: float = MAX_SMALLEST_EFFECT


BAR = Bar()


def growth_needed(null_error: float, bar: Bar, *, crossfit: bool = False) -> float | None:
    """By how many times both sides have to grow, in people, until an audit gives an answer.

    None where it gives one already, or where none of any size would.

    The standard error falls with the square root of the number of people; found by bisection.

    Args:
        null_error, crossfit: as for `smallest_effect`.
        bar: what a leak has to pass.
    """
    attacks, controls, visible = bar.attacks, bar.controls, bar.max_smallest_effect
    if visible <= 0.5 or smallest_effect(null_error, attacks, controls, crossfit=crossfit) <= visible:
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        enough = smallest_effect(middle * null_error, attacks, controls, crossfit=crossfit) <= visible
        low, high = (middle, high) if enough else (low, middle)
    return 1 / low**2


def power(auc: float, null_error: float, attacks: int, controls: int, leaking: float = 1.0) -> float:
    """P(LEAK SHOWN) for a leak of this AUC, in (.5, 1).

    The estimate A is normal around `auc` with standard error `leaking` s(auc), s(a) = 2 sqrt(a (1 - a)) null_error
    being what the audit takes it to be; the estimate C of each control is normal around .5 with `null_error`. A leak is
    shown where A passes the first Holm step and its interval lies above .5, and for each control C <= .5 or
    A - C > z(.975) sqrt(s(A)² + null_error²).

    The controls are taken to be unrelated to the attack. Scores of the same images often go together, which makes the
    paired difference sharper; so the true power is rather higher.
    """
    from scipy.special import ndtr

    critical = 0.5 + max(NormalDist().inv_cdf(1 - ALPHA / attacks), _Z_INTERVAL) * null_error
    if critical >= 1:
        return 0.0
    estimate = np.linspace(critical, 1, _GRID)
    needed = _Z_INTERVAL * np.hypot(_error(estimate, null_error), null_error)
    exceeded = ndtr(np.maximum(0.0, (estimate - 0.5 - needed) / null_error)) ** controls
    cumulative = ndtr((estimate - auc) / (leaking * _error(np.array(auc), null_error)))
    inside = np.sum(np.diff(cumulative) * (exceeded[1:] + exceeded[:-1]) / 2)
    # The normal curve reaches beyond 1, an estimate does not.
    return float(inside + (1 - cumulative[-1]) * exceeded[-1])


def _error(auc: Floats, null_error: float) -> Floats:
    error: Floats = 2 * np.sqrt(auc * (1 - auc)) * null_error
    return error
