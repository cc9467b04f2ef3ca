"""Small pieces that several attacks share; all but `mean_of` take tensors, too (`arrays`)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.errors import Abstained
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.arrays import Array
from bareface.trace import Channel, Trace

Flip = Literal["concat", "mean", "none"]

_LARGEST_COSINE = 1.0 - 1e-7
_SMALLEST_LENGTH = 1e-12


def views(values: NDArray[np.float32] | Array, flip: Flip) -> Array:
    """(n, v, ...) answers to (n, f): both views side by side, their mean, or the image alone."""
    exact = xp.exact(values)
    if flip == "mean":
        exact = exact.mean(1, keepdims=True)
    elif flip == "none":
        exact = exact[:, :1]
    return exact.reshape(len(exact), -1)


def unit(vectors: NDArray[np.float32] | Array) -> Array:
    """Vectors along the last axis at length one; a zero vector becomes NaN."""
    exact = xp.exact(vectors)
    length = xp.norm(exact, keepdims=True)
    return exact / xp.where(length > 0, length, np.nan)


def fisher(cosine: Array) -> Array:
    """artanh of cosines, which spreads them out evenly; cosines of 1 stop just short of infinity."""
    return xp.atanh(xp.clip(cosine, -_LARGEST_COSINE, _LARGEST_COSINE))


def direction(trace: Trace) -> Array:
    """(n, d) the direction of each image's embedding, summed over its views."""
    return unit(xp.exact(trace.channels[Channel.EMBEDDING]).sum(1))


def log_length(vectors: Array) -> Array:
    """(..., d) vectors to the (...) logarithms of their lengths."""
    return xp.log(xp.clip(xp.norm(vectors), _SMALLEST_LENGTH))


def both_directions(trace: Trace, name: str) -> Array:
    """(n, 2, d) unit embeddings of the image and of its flip.

    Raises:
        Abstained: the flip was not asked about.
    """
    if "flip" not in trace.views:
        seen = " and ".join(trace.views)
        raise Abstained(name, got=f"a target that gives the view {seen} alone", expected="the view flip too")
    return unit(trace.channels[Channel.EMBEDDING])[:, [0, trace.views.index("flip")]]


def flip_agreement(trace: Trace, name: str) -> Array:
    """(n,) artanh of the cosine between the embeddings of an image and of its flip.

    Raises:
        Abstained: the flip was not asked about.
    """
    towards = both_directions(trace, name)
    return fisher((towards[:, 0] * towards[:, 1]).sum(1))


def mean_of(values: Array) -> Array:
    """(K, n, ...) to (n, ...) means of what is known; NaN where nothing is."""
    count = (~np.isnan(values)).sum(0)
    return np.where(count > 0, np.nansum(values, 0) / np.maximum(count, 1), np.nan)
