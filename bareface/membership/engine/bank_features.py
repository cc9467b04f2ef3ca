"""What attacks read of the answers about the bank of views."""

import numpy as np

from bareface.errors import Abstained
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.arrays import Array
from bareface.membership.engine.features import fisher
from bareface.trace import Channel, Trace

PART = "no-"
"""How the names of the views begin in which a part of the face is covered."""


def cosine_matrix(trace: Trace) -> Array:
    """(n, w, w) cosines between the embeddings of all views of the bank."""
    cosines, width = xp.exact(trace.channels[Channel.VIEW_COSINES]), len(trace.bank)
    rows, columns = np.triu_indices(width, 1)
    place = np.full((width, width), len(rows))  # of each pair among the cosines; a view and itself stand behind them
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    return xp.concat([cosines, xp.like(np.ones((len(trace), 1)), cosines)], axis=1)[:, place]


def anchored(trace: Trace) -> Array:
    """(n, 2 w − 3) artanh of the cosines of the image, then of its mirror image, with every other view."""
    cosines = fisher(cosine_matrix(trace))
    return xp.concat([cosines[:, 0, 1:], cosines[:, 1, 2:]], axis=1)


def covered(trace: Trace) -> list[int]:
    """Which views of the bank have a part of the face covered.

    Raises:
        Abstained: none has.
    """
    found = [number for number, name in enumerate(trace.bank) if name.startswith(PART)]
    if not found:
        raise Abstained("parts of the face", got="a bank of views without covered parts", expected="at least one")
    return found


def moments_and_quantiles(values: Array) -> Array:
    """(n, m) to (n, 11): mean, deviation, and nine quantiles from the least to the largest."""
    levels = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
    quantiles = xp.quantile(values, levels, axis=1).T
    return xp.concat([values.mean(1, keepdims=True), xp.std(values, 1, keepdims=True), quantiles], axis=1)
