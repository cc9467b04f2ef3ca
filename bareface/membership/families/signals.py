"""Single numbers that say something of an image and mean the same in every network.

Embeddings of two networks stand in different bases, so only what no rotation changes may be compared between a target
and other models. Each signal is transformed to be roughly normal (Fisher's z for cosines, the logarithm of distances
and norms, the logit of posteriors) and points in one direction: where theory has one, larger = more likely a member.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bareface.membership.base import check_channels
from bareface.membership.bn_kl import NEEDS as KL_CHANNELS
from bareface.membership.bn_kl import divergence
from bareface.membership.engine.features import fisher, flip_agreement, log_length
from bareface.membership.engine.gallery import nearest_stranger, own_log_posterior
from bareface.membership.engine.posteriors import likeliest_logit, logit
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]
Signal = Literal[
    "flip-agreement",
    "view-agreement",
    "layer-agreement",
    "gradient-norm",
    "norm",
    "gallery-cosine",
    "margin",
    "gallery-logit",
    "bn-distance",
    "bn-kl",
    "logit",
]

KAPPA = 32.0
_SMALLEST = 1e-12


@dataclass(frozen=True)
class _Recipe:
    """How a signal is read.

    Attributes:
        reads: the channels that it needs.
        of: (trace, who asks) to (n,).
    """

    reads: frozenset[Channel]
    of: Callable[[Trace, str], Array]


def scalar(trace: Trace, signal: Signal, name: str, whose: str = "target") -> Array:
    """(n,) a signal of each image; NaN where the model gave no answer.

    Args:
        trace: what one model answered.
        signal: which.
        name: who asks, for messages.
        whose: what messages call that model.

    Raises:
        Abstained: the model gives no such signal.
    """
    recipe = SIGNALS[signal]
    check_channels(name, recipe.reads, trace, whose)
    return recipe.of(trace, name)


def channels_of(signal: Signal) -> frozenset[Channel]:
    """The channels that a signal reads."""
    return SIGNALS[signal].reads


def _view_agreement(trace: Trace, name: str) -> Array:
    return np.asarray(fisher(trace.channels[Channel.VIEW_COSINES].astype(np.float64)).mean(1))


def _layer_agreement(trace: Trace, name: str) -> Array:
    return np.asarray(fisher(trace.channels[Channel.LAYER_AGREEMENT].astype(np.float64)).mean((1, 2)))


def _gradient_norm(trace: Trace, name: str) -> Array:
    return np.asarray(-trace.channels[Channel.GRADIENT_NORM].astype(np.float64).mean((1, 2)))


def _norm(trace: Trace, name: str) -> Array:
    return np.asarray(log_length(trace.channels[Channel.EMBEDDING].astype(np.float64)).mean(1))


def _gallery_cosine(trace: Trace, name: str) -> Array:
    return -fisher(nearest_stranger(trace, name))


def _margin(trace: Trace, name: str) -> Array:
    return flip_agreement(trace, name) + _gallery_cosine(trace, name)


def _gallery_logit(trace: Trace, name: str) -> Array:
    return logit(own_log_posterior(trace, name, KAPPA))


def _bn_distance(trace: Trace, name: str) -> Array:
    return -_log_mean(trace.channels[Channel.BN_DISTANCE_VARIANCE])


def _bn_kl(trace: Trace, name: str) -> Array:
    return -_log_mean(divergence(trace))


def _head_logit(trace: Trace, name: str) -> Array:
    return np.asarray(likeliest_logit(trace).mean(1))


def _log_mean(by_layer: NDArray[np.float32]) -> Array:
    """(n, v, l) to (n,) the logarithm of the mean over views and over the layers that some image has an answer of."""
    known = by_layer[..., ~np.isnan(by_layer).all((0, 1))].astype(np.float64)
    return np.log(np.maximum(known.mean((1, 2)), _SMALLEST)) if known.size else np.full(len(by_layer), np.nan)


_ANSWER = frozenset({Channel.EMBEDDING})
SIGNALS: Final[Mapping[Signal, _Recipe]] = {
    "flip-agreement": _Recipe(_ANSWER, flip_agreement),  # artanh of the cosine of the image and its flip
    "view-agreement": _Recipe(frozenset({Channel.VIEW_COSINES}), _view_agreement),  # the same, mean over pairs of views
    "layer-agreement": _Recipe(frozenset({Channel.LAYER_AGREEMENT}), _layer_agreement),  # mean over views and layers
    "gradient-norm": _Recipe(frozenset({Channel.GRADIENT_NORM}), _gradient_norm),  # −mean logarithm over layers
    "norm": _Recipe(_ANSWER, _norm),  # logarithm of the embedding's length
    "gallery-cosine": _Recipe(_ANSWER, _gallery_cosine),  # −artanh of the largest cosine to a public person
    "margin": _Recipe(_ANSWER, _margin),  # how much nearer its flip is than the nearest public person
    "gallery-logit": _Recipe(_ANSWER, _gallery_logit),  # the same as a logit of softmax(32 cosine)
    "bn-distance": _Recipe(frozenset({Channel.BN_DISTANCE_VARIANCE}), _bn_distance),  # −log of the layers' mean
    "bn-kl": _Recipe(KL_CHANNELS, _bn_kl),  # −log of the layers' mean
    "logit": _Recipe(frozenset({Channel.POSTERIOR, Channel.TOP_COSINES}), _head_logit),  # of the head's likeliest class
}
