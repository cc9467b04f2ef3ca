"""Distances between two sets of embeddings, and radii of neighbourhoods."""

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.stats.sample import Floats


def embeddings(where: str, *sets: ArrayLike, least: int = 1) -> tuple[Floats, ...]:
    """The sets as (rows, d) float64 matrices.

    Raises:
        UsageError: a set is no matrix, has fewer than `least` rows, holds NaN, or the sets differ in d.
    """
    matrices = tuple(np.asarray(values, dtype=np.float64) for values in sets)
    shapes = " and ".join(str(m.shape) for m in matrices)
    if any(m.ndim != 2 for m in matrices) or len({m.shape[-1] for m in matrices}) != 1:
        raise UsageError(where, got=f"the shapes {shapes}", expected="matrices (rows, d) with one d")
    if min(map(len, matrices)) < least:
        raise UsageError(where, got=f"the shapes {shapes}", expected=f"at least {least} rows in each")
    if not all(np.isfinite(m).all() for m in matrices):
        raise UsageError(
            where, got="NaN or infinite embeddings", expected="finite numbers", hint="list images without a face apart"
        )
    return matrices


def squared_distances(x: Floats, y: Floats) -> Floats:
    """(n, m) squared Euclidean distances of (n, d) to (m, d).

    Pair by pair: equal pairs give equal bits, so that a row on the rim of a ball is never inside it by rounding, as it
    can be with |x|² + |y|² - 2 x·y.
    """
    from scipy.spatial.distance import cdist

    squared: Floats = cdist(x, y, "sqeuclidean")
    return squared


def squared_radii(x: Floats, k: int) -> Floats:
    """(n,) squared distance of every row to its k-th nearest other row."""
    distances = squared_distances(x, x)
    np.fill_diagonal(distances, np.inf)
    radii: Floats = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def knn_distance(generated: ArrayLike, real: ArrayLike) -> float:
    """Mean squared distance of all generated rows to the nearest real one: the field's "KNN distance" (k = 1).

    It falls with the size of the real set, so it says nothing without the same number for as many decoys.

    Raises:
        UsageError: the sets are empty, differ in d or hold NaN.
    """
    x, y = embeddings("knn_distance", generated, real)
    return float(squared_distances(x, y).min(axis=1).mean())
