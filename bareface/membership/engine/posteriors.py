"""Posteriors of single classes from what a trace keeps of the classification head."""

from bareface.membership.engine import arrays as xp
from bareface.membership.engine.arrays import Array
from bareface.trace import POSTERIOR_SCALE, Channel, Trace

# Below this 1 − p is mostly the rounding of a float32 logarithm, and the other classes that are kept say it better.
_ROUNDING = 1e-4
_SMALLEST = 1e-30


def top_log_posteriors(trace: Trace) -> Array:
    """(n, v, t) logarithms of the posteriors of the t likeliest classes: log p_i = log p_1 + 32 (cos_i − cos_1)."""
    cosine = xp.exact(trace.channels[Channel.TOP_COSINES])
    largest = xp.exact(trace.channels[Channel.POSTERIOR][..., :1])
    return largest + POSTERIOR_SCALE * (cosine - cosine[..., :1])


def likeliest_logit(trace: Trace) -> Array:
    """(n, v) log p − log(1 − p) of the likeliest class; where it is nearly sure, 1 − p is the sum of the next seven."""
    log_p = top_log_posteriors(trace)
    rest, next_ones = -xp.expm1(xp.clip(log_p[..., 0], None, 0.0)), xp.exp(log_p[..., 1:]).sum(-1)
    return log_p[..., 0] - xp.log(xp.clip(xp.where(rest < _ROUNDING, next_ones, rest), _SMALLEST))


def logit(log_posterior: Array) -> Array:
    """log p − log(1 − p) of logarithms of posteriors in double precision; the sure end stops at 69."""
    return log_posterior - xp.log(xp.clip(-xp.expm1(xp.clip(log_posterior, None, 0.0)), _SMALLEST))
