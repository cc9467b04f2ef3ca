"""Train-side win rate: P(the nearest training person is nearer than the nearest decoy), ties one half.

With galleries of one size, drawn by lot, it is .5 for any image, however odd. It needs no threshold.
"""

import math

import numpy as np

from bareface.records.evidence import Interval
from bareface.records.inversion import ArmName, Excess, WinRate
from bareface.stats.intervals import clopper_pearson
from bareface.stats.inversion.claims import Claims, Cosines, nearest
from bareface.stats.inversion.clusters import (
    DRAWS,
    Terms,
    contrast,
    effective_identities,
    freedom,
    standard_error,
)
from bareface.stats.inversion.permutation import null_contrasts, one_sided, two_sided
from bareface.stats.inversion.power import smallest_win_rate

LEVEL = 0.95
MIN_PEOPLE, MIN_IMAGES = 10, 20
_ROUNDING = 1e-12


def win_rate(
    judged: Cosines,
    stream: np.random.Generator,
    *,
    judges: int = 1,
    controls: int = 2,
    random_split: bool = True,
    draws: int = DRAWS,
) -> WinRate:
    """The win rate of one arm before one judge, with interval, p-value and power; `with_holm` adjusts p later.

    Args:
        judged: cosines to both galleries.
        stream: draws the permutations, then the bootstrap.
        judges: how many share the error rate; enters the smallest effect.
        controls: how many arms have to be exceeded; enters the smallest effect.
        random_split: chance decided who was trained on. If not there is no p-value: permuting proves nothing.
        draws: of each.
    """
    claims = nearest(judged)
    side = claims.side
    wins, ties, losses = (int((side == way).sum()) for way in (1, 0, -1))
    if reason := too_few(claims):
        return _unknown(wins, ties, losses, reason)
    terms = [(1.0, claims)]
    null = null_contrasts(terms, stream, draws)
    error = float(null.std()) / 2
    stuck = error < _ROUNDING
    return WinRate(
        wins=wins,
        ties=ties,
        losses=losses,
        interval=interval(claims, stream, draws),
        p_value=one_sided(terms, null) if random_split and not stuck else None,
        p_value_holm=None,
        null_error=None if stuck else error,
        smallest_effect=None if stuck else smallest_win_rate(error, judges, controls),
        effective_identities=effective_identities(claims),
        training_shares=_training_shares(claims),
        reason="no permutation of membership changes who wins" if stuck else "",
    )


def excess(over: ArmName, arm: Cosines, other: Cosines, stream: np.random.Generator, draws: int = DRAWS) -> Excess:
    """Win rate of one arm minus that of another; both see the same draws of starts and identities."""
    terms = [(0.5, nearest(arm)), (-0.5, nearest(other))]
    null = null_contrasts(terms, stream, draws)
    found = difference_interval(terms, stream, draws)
    return Excess(over=over, difference=contrast(terms), interval=found, p_value=two_sided(terms, null))


def interval(claims: Claims, stream: np.random.Generator, draws: int = DRAWS) -> Interval:
    """The 95 % interval of the win rate, Student's on the logit scale.

    Where all images win (or lose) it is Clopper-Pearson's for as many trials as there are distinct nearest identities.
    """
    terms: Terms = [(0.5, claims)]
    rate = 0.5 + contrast(terms)
    if rate in (0.0, 1.0):
        identities = len(np.unique(claims.nearest))
        return clopper_pearson(identities if rate else 0, identities)
    half = _quantile(terms) * standard_error(terms, stream, draws) / (rate * (1 - rate))
    centre = math.log(rate / (1 - rate))
    return Interval(low=_logistic(centre - half), high=_logistic(centre + half))


def difference_interval(terms: Terms, stream: np.random.Generator, draws: int = DRAWS) -> Interval:
    """The 95 % interval of a contrast, Student's, cut to [-limit, limit], the range of the contrast."""
    observed, limit = contrast(terms), sum(abs(weight) for weight, _ in terms)
    half = _quantile(terms) * standard_error(terms, stream, draws)
    return Interval(low=max(-limit, observed - half), high=min(limit, observed + half))


def too_few(claims: Claims) -> str:
    """Why nothing is estimated; empty where there is enough."""
    if claims.people < MIN_PEOPLE:
        return f"{claims.people} people in a gallery, {MIN_PEOPLE} are needed"
    if len(claims) < MIN_IMAGES:
        return f"{len(claims)} images, {MIN_IMAGES} are needed"
    return ""


def _training_shares(claims: Claims) -> tuple[float, ...]:
    winners = claims.nearest[claims.side > 0]
    counts = np.unique(winners, return_counts=True)[1]
    return tuple(float(count / len(winners)) for count in np.sort(counts)[::-1])


def _unknown(wins: int, ties: int, losses: int, reason: str) -> WinRate:
    return WinRate(
        wins=wins,
        ties=ties,
        losses=losses,
        interval=None,
        p_value=None,
        p_value_holm=None,
        null_error=None,
        smallest_effect=None,
        effective_identities=None,
        training_shares=(),
        reason=reason,
    )


def _quantile(terms: Terms) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom(terms), 1 - (1 - LEVEL) / 2))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
