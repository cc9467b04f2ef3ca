"""Does a membership score that was pushed up rise for an attack model that took no part?

A search ends where the attack models it uses are content; that may be a member's face or a hole in those models. A
model fitted with other people, layers or seed, kept out of the search, tells the two apart.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.records.evidence import Interval
from bareface.records.inversion import Rise, Transfer
from bareface.stats.sample import Floats

MIN_STARTS = 3


def rise(arm: ArrayLike, base: ArrayLike) -> Rise | None:
    """Mean rise over the base arm from the same starts, in standard deviations of the base; None below 3 starts.

    Args:
        arm: (n,) logits of the arm's images; NaN = no score, that start is left out and not counted in `starts`.
        base: (n,) logits of the un-optimised images of the same starts.

    Raises:
        UsageError: the two differ in length.
    """
    after, before = _columns("rise", arm, base)
    both = ~np.isnan(after) & ~np.isnan(before)
    gain, spread = (after - before)[both], float(np.std(before[both], ddof=1)) if both.sum() > 1 else 0.0
    if both.sum() < MIN_STARTS or not spread:
        return None
    value = float(gain.mean()) / spread
    half = _quantile(len(gain)) * float(gain.std(ddof=1)) / math.sqrt(len(gain)) / spread
    return Rise(value=value, interval=Interval(low=value - half, high=value + half), starts=len(gain))


def transfer(
    own: tuple[ArrayLike, ArrayLike],
    held_out: tuple[ArrayLike, ArrayLike] | None,
    members: ArrayLike = (),
    nonmembers: ArrayLike = (),
) -> Transfer:
    """The rise on the attack models of the search beside the rise on one that was kept out.

    Args:
        own: logits of the arm and of the base by the models of the search.
        held_out: the same by the other one.
        members, nonmembers: logits of real images by the held-out model, to say where the arm lies between them.
    """
    pushed = rise(*own)
    if held_out is None:
        return Transfer(own=pushed, held_out=None, ratio=None, position=None, reason="no attack model was held out")
    moved = rise(*held_out)
    return Transfer(
        own=pushed,
        held_out=moved,
        ratio=moved.value / pushed.value if moved and pushed and pushed.value > 0 else None,
        position=_position(held_out[0], members, nonmembers),
        reason="" if pushed and moved else f"fewer than {MIN_STARTS} starts with a score, or all of them equal",
    )


def _position(arm: ArrayLike, members: ArrayLike, nonmembers: ArrayLike) -> float | None:
    """Where the mean of the arm lies: 0 = mean of the real non-members, 1 = mean of the real members."""
    means = [_mean(values) for values in (arm, nonmembers, members)]
    here, low, high = means
    if here is None or low is None or high is None or high <= low:
        return None
    return (here - low) / (high - low)


def _mean(values: ArrayLike) -> float | None:
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else None


def _columns(where: str, *values: ArrayLike) -> list[Floats]:
    columns = [np.asarray(v, dtype=np.float64) for v in values]
    if any(c.ndim != 1 for c in columns) or len({len(c) for c in columns}) != 1:
        got = " and ".join(str(c.shape) for c in columns)
        raise UsageError(where, got=f"the shapes {got}", expected="vectors of one length", hint="pair arms by start")
    return columns


def _quantile(n: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975))
