"""Kernel Inception Distance in whatever space the embeddings come from (Binkowski et al. 2018).

Squared maximum mean discrepancy with the kernel (x·y / d + 1)³, estimated without bias: it can be below zero, and its
mean does not depend on how many rows there are. For unit embeddings pass sqrt(d) times the embedding: the kernel is
then (cosine + 1)³, else it hardly bends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.stats.inversion.neighbours import embeddings
from bareface.stats.sample import Floats

SUBSETS, MOST = 100, 1000


@dataclass(frozen=True)
class Kid:
    """The distance over all rows, and how far subsets of `size` rows scatter about it.

    Attributes:
        value: the unbiased estimate from all rows.
        spread: standard deviation over the subsets. Not the standard error of `value`, which is smaller.
        size: rows drawn from each set for one subset.
        subsets: how many were drawn.
    """

    value: float
    spread: float
    size: int
    subsets: int


def kid(
    real: ArrayLike,
    generated: ArrayLike,
    stream: np.random.Generator,
    *,
    subsets: int = SUBSETS,
    size: int | None = None,
) -> Kid:
    """How far generated rows lie from real ones.

    Args:
        real: (n, d), n >= 4.
        generated: (m, d), m >= 4.
        stream: draws the subsets, without replacement.
        subsets: how many.
        size: rows of one; the half of the smaller set, at most 1,000, unless given.

    Raises:
        UsageError: a set is too small for such subsets, the sets differ in d or hold NaN.
    """
    x, y = embeddings("kid", real, generated, least=4)
    fewest = min(len(x), len(y))
    size = min(MOST, fewest // 2) if size is None else size
    if not 2 <= size <= fewest or subsets < 2:
        got = f"{subsets} subsets of {size}"
        raise UsageError("kid", got=got, expected=f"at least 2 subsets of 2 to {fewest} rows")
    drawn = [mmd(_some(x, size, stream), _some(y, size, stream)) for _ in range(subsets)]
    return Kid(mmd(x, y), float(np.std(drawn, ddof=1)), size, subsets)


def mmd(x: Floats, y: Floats) -> float:
    """The unbiased squared maximum mean discrepancy of (n, d) and (m, d): pairs of a row with itself do not count."""
    return float(_off_diagonal_mean(x) + _off_diagonal_mean(y) - 2 * _kernel(x, y).mean())


def _kernel(x: Floats, y: Floats) -> Floats:
    values: Floats = (x @ y.T / x.shape[1] + 1) ** 3
    return values


def _off_diagonal_mean(x: Floats) -> float:
    values, n = _kernel(x, x), len(x)
    return float((values.sum() - np.trace(values)) / (n * (n - 1)))


def _some(rows: Floats, size: int, stream: np.random.Generator) -> Floats:
    return rows[stream.choice(len(rows), size, replace=False)]
