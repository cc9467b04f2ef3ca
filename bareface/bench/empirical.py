"""What the errors of attacks prove about ε: an algorithm that is (ε, δ)-private cannot be told so well.

Any attack on an (ε, δ)-differentially private algorithm has TPR ≤ e^ε FPR + δ and TNR ≤ e^ε FNR + δ (Kairouz, Oh,
Viswanath, ICML 2015). With Clopper-Pearson bounds on the rates, shared out among all that were looked at, this bounds
ε from below (Nasr et al., S&P 2021). The images of a person are not independent, and an audit asks about one trained
network: the bound is a comparison beside a proof, not a proof.
"""

import math
from collections.abc import Iterable

from bareface.records.evidence import Finding, Share

LEVEL = 0.95


def epsilon_at_least(findings: Iterable[Finding], *, delta: float) -> float:
    """The largest ε that some operating point rules out at 95 %; 0 where none does.

    Args:
        findings: attacks at one or more operating points, over images.
        delta: the δ of the claim beside which it stands.
    """
    points = [
        (point.true_positive, point.false_positive)
        for finding in findings
        if finding.image is not None
        for point in finding.image.operating_points
        if point.true_positive is not None and point.false_positive is not None
    ]
    # Two inequalities at each point, each with a bound on two rates.
    tail = (1 - LEVEL) / (4 * max(1, len(points)))
    return max((_ruled_out(hit, alarm, delta, tail) for hit, alarm in points), default=0.0)


def _ruled_out(hit: Share, alarm: Share, delta: float, tail: float) -> float:
    hits, misses = (hit.events, hit.trials), (hit.trials - hit.events, hit.trials)
    alarms, rests = (alarm.events, alarm.trials), (alarm.trials - alarm.events, alarm.trials)
    return max(_ratio(hits, alarms, delta, tail), _ratio(rests, misses, delta, tail), 0.0)


def _ratio(often: tuple[int, int], seldom: tuple[int, int], delta: float, tail: float) -> float:
    """ln((lower bound of one rate − δ) / upper bound of the other); 0 where the first is no more than δ."""
    low, high = _lower(*often, tail) - delta, 1 - _lower(seldom[1] - seldom[0], seldom[1], tail)
    return math.log(low / high) if low > 0 else 0.0


def _lower(events: int, trials: int, tail: float) -> float:
    """The one-sided Clopper-Pearson bound from below."""
    from scipy.special import betaincinv

    return float(betaincinv(events, trials - events + 1, tail)) if events else 0.0
