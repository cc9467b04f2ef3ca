"""All numbers that one image gives without a head, and attacks that fit one model on many of them."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.arrays import Array
from bareface.membership.engine.attack_model import AttackModel, TrainingSet, fit
from bareface.membership.engine.bank_features import anchored, moments_and_quantiles
from bareface.membership.engine.features import fisher, log_length, unit
from bareface.membership.engine.nested import Peopled, Setting, choose
from bareface.membership.layer_agreement import LayerAgreement
from bareface.trace import VIEW_CHANNELS, Channel, Trace

SETTINGS = tuple(Setting("logistic", penalty) for penalty in (1000.0, 300.0, 100.0, 30.0, 10.0))
_SMALLEST = 1e-12
_BATCHNORM = (Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED)


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class OneImageAttack(FeatureAttack):
    """An abstract attack that reads all numbers of one image.

    Attributes:
        choose: whether the penalty is chosen within what is known; otherwise `model` and `penalty` are as stated.
    """

    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    uses: ClassVar[frozenset[Channel]] = frozenset({*_BATCHNORM, *VIEW_CHANNELS, Channel.GRADIENT_NORM})

    choose: bool = True

    @abstractmethod
    def features(self, trace: Trace) -> Features:
        """(n, f) numbers of each image; NaN where there are none."""

    def learn(
        self, lessons: Sequence[TrainingSet], people: Sequence[NDArray[np.int64]], rng: np.random.Generator
    ) -> AttackModel:
        """The attack model under the penalty that does best on people whom it was not fitted on."""
        if not self.choose:
            return super().learn(lessons, people, rng)
        chosen = choose([Peopled(*one) for one in zip(lessons, people, strict=True)], SETTINGS, rng)
        return fit(lessons, shape=chosen.shape, penalty=chosen.penalty, rng=rng)


def numbers(trace: Trace) -> Array:
    """(n, f) all that a model's answers say of each image, as far as it gives them, side by side."""
    told = [read(trace) for channel, read in _READ.items() if channel in trace.channels]
    return xp.concat([part.reshape(len(trace), -1) for part in told], axis=1)


def _plain(trace: Trace, channel: Channel) -> Array:
    return xp.exact(trace.channels[channel])


def _logarithm(trace: Trace, channel: Channel) -> Array:
    return xp.log(xp.clip(xp.exact(trace.channels[channel]), _SMALLEST))


def _lengths_and_agreement(trace: Trace) -> Array:
    """Log norms of the views, and artanh of the cosine between the first two."""
    embedding = xp.exact(trace.channels[Channel.EMBEDDING])
    length = log_length(embedding)
    if len(trace.views) < 2:
        return length
    towards = unit(embedding)
    agreement = fisher((towards[:, 0] * towards[:, 1]).sum(-1, keepdims=True))
    return xp.concat([length, agreement], axis=1)


def _view_cosines(trace: Trace) -> Array:
    """Those of the image and of its flip with all other views, and a summary of all pairs."""
    summary = moments_and_quantiles(fisher(xp.exact(trace.channels[Channel.VIEW_COSINES])))
    return xp.concat([anchored(trace), summary], axis=1)


def _view_lengths(trace: Trace) -> Array:
    """By how much each view's embedding is longer than the image's."""
    length = xp.exact(trace.channels[Channel.VIEW_NORM])
    return length[:, 1:] - length[:, :1]


_READ: dict[Channel, Callable[[Trace], Array]] = {
    Channel.EMBEDDING: _lengths_and_agreement,
    Channel.BN_DISTANCE_VARIANCE: partial(_logarithm, channel=Channel.BN_DISTANCE_VARIANCE),
    Channel.BN_LOGVAR: partial(_plain, channel=Channel.BN_LOGVAR),
    Channel.BN_LOGVAR_SQUARED: partial(_logarithm, channel=Channel.BN_LOGVAR_SQUARED),
    Channel.VIEW_COSINES: _view_cosines,
    Channel.VIEW_NORM: _view_lengths,
    Channel.LAYER_AGREEMENT: LayerAgreement().features,
    Channel.GRADIENT_NORM: partial(_plain, channel=Channel.GRADIENT_NORM),
}
