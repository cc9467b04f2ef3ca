"""Small pieces that several attacks share."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.trace import Channel, Trace

Flip = Literal["concat", "mean", "none"]
Array = NDArray[np.float64]

_LARGEST_COSINE = 1.0 - 1e-7


def views(values: NDArray[np.float32] | Array, flip: Flip) -> Array:
    """(n, v, ...) answers to (n, f): both views side by side, their mean, or the image alone."""
    exact = values.astype(np.float64)
    if flip == "mean":
        exact = exact.mean(1, keepdims=True)
    elif flip == "none":
        exact = exact[:, :1]
    return exact.reshape(len(exact), -1)


def unit(vectors: NDArray[np.float32] | Array) -> Array:
    """Vectors along the last axis at length one; a zero vector becomes NaN."""
    exact = vectors.astype(np.float64)
    length = np.linalg.norm(exact, axis=-1, keepdims=True)
    return exact / np.where(length > 0, length, np.nan)


def fisher(cosine: Array) -> Array:
    """artanh of cosines, which spreads them out evenly; cosines of 1 stop just short of infinity."""
    return np.arctanh(np.clip(cosine, -_LARGEST_COSINE, _LARGEST_COSINE))


def direction(trace: Trace) -> Array:
    """(n, d) the direction of each image's embedding, summed over its views."""
    return unit(trace.channels[Channel.EMBEDDING].astype(np.float64).sum(1))
