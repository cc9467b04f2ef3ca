"""A threshold that strangers rarely pass, for so many comparisons that there is no counting it off.

Two sets of N₁ and N₂ people are N = N₁ N₂ comparisons; for one false match among them strangers may pass the threshold
once in N. What strangers reach is seen within each set, where all people are different: M = N₁ (N₁ − 1) / 2 pairs, no
more than half as many. So the tail is carried on. Beyond the (k + 1)-th largest cosine, k = 200 or M / 100 if that is
less, y = (x − median)^1.5 is taken as exponential with mean β above its start v: P(Y > y) = k / M · exp(−(y − v) / β).
The power lies between 2, a normal tail, and 1, an exponential one. The r = k / 4 largest count, but how large they are
does not, so that a few people under two names do not decide: β̂ = (Σ_{i>r} (y_i − v) + r (y_r − v)) / (k − r). β and k
stand at their upper 97.5 % bounds, 2 (k − r) β̂ / χ²_{2(k − r)} and χ²_{2k + 2} / 2 (Epstein and Sobel 1953; Garwood
1936), so that both hold with 95 %.

Measured: sets of 110 to 1,500 people, 30 to 60 draws each, one false match accepted. Drawn people without groups, in
groups, in groups of groups: .00 to .12 false matches are then to be expected, more than one in no draw; with bad photos
among them that all look alike .00 to .19, more than one in 0 to 7 % of the draws. Templates of real people (LFW, 1,014
with two photos or more, two MobileFaceNets): .00 to .03, more than one in no draw; the better net finds 84 to 89 % of
the people again by other photos, with power 1 it would be 73 to 80 %, and with power 2 88 to 94 %, which breaks the
promise with bad photos in 17 % of the draws. What no set shows is what is rarer than one pair in it: had each of 20,000
people one relative, the promise would be broken several times over.
"""

import math
from collections.abc import Sequence

from bareface.records.overlap import MatchThreshold
from bareface.stats.sample import Floats

TAIL, FEWEST_PAIRS, POWER = 200, 4_950, 1.5
# A fitted tail is trusted for this many times as many comparisons as there were pairs to fit it on.
MOST_BEYOND = 100.0
_BOUND = 0.975
_TWO_NAMES = (
    "people who count as different are as alike as one person, so no cosine tells strangers apart: a set seems to "
    "have people under several names"
)


def calibrate(largest: Floats, median: float, pairs: int, comparisons: int, expected: float) -> MatchThreshold:
    """The lowest threshold that at most `expected` false matches are to be expected at.

    Args:
        largest: the 201 largest cosines of different people within one set, falling.
        median: of the cosines of all different people.
        pairs: how many pairs of different people they are the largest of.
        comparisons: people of one set times people of the other.
        expected: false matches accepted, more than 0.
    """
    reason = _unsupported(pairs, comparisons, expected)
    value = None if reason else _threshold(largest, median, pairs, comparisons, expected)
    if value is not None and value >= 1:
        reason, value = _TWO_NAMES, None
    above = None if value is None else int((largest >= value).sum())
    return MatchThreshold(
        expected=expected, comparisons=comparisons, pairs=pairs, threshold=value, above=above, reason=reason
    )  # fmt: skip


def strictest(calibrations: Sequence[MatchThreshold]) -> MatchThreshold:
    """Of several sets' calibrations the one with the highest threshold; one without a threshold if none has any.

    A set that is too small to say anything does not stand in the way of one that is not.
    """
    known = [one for one in calibrations if one.threshold is not None]
    return max(known, key=lambda one: one.threshold or 0.0) if known else max(calibrations, key=lambda one: one.pairs)


def _unsupported(pairs: int, comparisons: int, expected: float) -> str:
    if pairs < FEWEST_PAIRS:
        return f"{pairs:,} pairs of different people, at least {FEWEST_PAIRS:,} (100 people in a set) are needed"
    if comparisons / expected > MOST_BEYOND * pairs:
        fewest = comparisons / (MOST_BEYOND * pairs)
        return (
            f"{pairs:,} pairs of different people are too few for {comparisons:,} comparisons: they support "
            f"{fewest:.2g} expected false matches, {expected:g} were asked for"
        )
    return ""


def _threshold(largest: Floats, median: float, pairs: int, comparisons: int, expected: float) -> float:
    from scipy.special import gammaincinv

    k = min(TAIL, pairs // 100)
    censored, raised = k // 4, (largest[: k + 1] - median) ** POWER
    start, tail = float(raised[k]), raised[:k] - raised[k]
    total = float(tail[censored:].sum() + censored * tail[censored - 1])
    # gammaincinv(n, p) is half the p quantile of chi-square with 2 n degrees of freedom.
    slope = total / float(gammaincinv(k - censored, 1 - _BOUND))
    count = float(gammaincinv(k + 1, _BOUND))
    reached = start + slope * max(0.0, math.log(count / pairs * comparisons / expected))
    return median + math.pow(reached, 1 / POWER)
