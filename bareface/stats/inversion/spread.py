"""How many different people a list of names holds."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def counts_of(names: ArrayLike) -> list[int]:
    """How often each name occurs, largest first; -1 is nobody."""
    known = np.asarray(names)
    return sorted(np.unique(known[known >= 0], return_counts=True)[1].tolist(), reverse=True)


def effective(counts: Sequence[int]) -> float | None:
    """exp(entropy) of the shares: how many equally common people are as diverse (Hill number of order 1)."""
    total = sum(counts)
    return math.exp(-sum(c / total * math.log(c / total) for c in counts)) if total else None


def rarefied(counts: Sequence[int], size: int) -> float | None:
    """Expected number of different people among `size` of the hits, drawn without replacement (Hurlbert 1971)."""
    total = sum(counts)
    if not 0 < size <= total:
        return None
    return sum(1 - math.comb(total - c, size) / math.comb(total, size) for c in counts)


def largest_share(counts: Sequence[int]) -> float | None:
    """The share of the most common one."""
    return max(counts) / sum(counts) if counts else None


def effective_share(shares: Sequence[float]) -> float:
    """exp(entropy) of shares that add up to 1; 0 where there are none."""
    return math.exp(-sum(s * math.log(s) for s in shares)) if shares else 0.0
