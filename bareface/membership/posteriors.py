"""Posteriors of single classes from what a trace keeps of the classification head."""

import numpy as np
from numpy.typing import NDArray

from bareface.trace import POSTERIOR_SCALE, Channel, Trace

Array = NDArray[np.float64]

# A posterior of exactly one (float32 knows no number between it and 1 − 6e-8) would have an infinite logit.
_SUREST = -1e-8


def top_log_posteriors(trace: Trace) -> Array:
    """(n, v, t) logarithms of the posteriors of the t likeliest classes: log p_i = log p_1 + 32 (cos_i − cos_1)."""
    cosine = trace.channels[Channel.TOP_COSINES].astype(np.float64)
    largest = trace.channels[Channel.POSTERIOR][..., :1].astype(np.float64)
    return largest + POSTERIOR_SCALE * (cosine - cosine[..., :1])


def logit(log_posterior: Array) -> Array:
    """log p − log(1 − p) of logarithms of posteriors; the sure end stops at 18."""
    log_p = np.minimum(log_posterior, _SUREST)
    return log_p - np.log(-np.expm1(log_p))
