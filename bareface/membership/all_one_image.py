"""Everything that one image gives without a head, in one attack model.

What it tests:
Whether the image was in training, by all signals of a single image together; how much a careful attacker with one
photo can know.

What the attacker needs:
Whatever the target gives: the embedding at least; better the embeddings of altered pictures (black box), the
BatchNorm layers and the weights (white box). Some true members (partial), a shadow backbone (shadow), or people who
are known not to be members (nonmembers).

How it works:
The numbers of bn-distance-variance, embedding-norm, flip-agreement, view-agreement, layer-agreement, part-response
and gradient-norm, as far as the target gives them, as logarithms, artanh of cosines, or as they are. How strongly the
attack model is held back is chosen by cross-validation within what is known, in folds that share no person (`choose`).

Known limits:
All of them together: quality, symmetry and typicality speak in every signal. Read it beside the blind baseline and
the foreign model. Costs some forty passes for each image.

Reference:
The single signals' references; nested cross-validation as in Varma and Simon, BMC Bioinformatics 7:91, 2006.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.membership.attack_model import AttackModel, Lesson, fit
from bareface.membership.bank_features import anchored, moments_and_quantiles
from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.features import fisher, log_length, unit
from bareface.membership.layer_agreement import LayerAgreement
from bareface.membership.nested import Peopled, Setting, choose
from bareface.trace import VIEW_CHANNELS, Channel, Trace

Array = NDArray[np.float64]

SETTINGS = tuple(Setting("logistic", penalty) for penalty in (1000.0, 300.0, 100.0, 30.0, 10.0))
_SMALLEST = 1e-12
_BATCHNORM = (Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED)


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class AllOneImage(FeatureAttack):
    """All signals of one image.

    Attributes:
        choose: whether the penalty is chosen within what is known; otherwise `model` and `penalty` are as stated.
    """

    name: ClassVar[str] = "all-one-image"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    uses: ClassVar[frozenset[Channel]] = frozenset({*_BATCHNORM, *VIEW_CHANNELS, Channel.GRADIENT_NORM})

    choose: bool = True

    def features(self, trace: Trace) -> Features:
        """(n, f) all numbers side by side."""
        told = [read(trace) for channel, read in _READ.items() if channel in trace.channels]
        return np.concatenate([part.reshape(len(trace), -1) for part in told], axis=1)

    def learn(
        self, lessons: Sequence[Lesson], people: Sequence[NDArray[np.int64]], rng: np.random.Generator
    ) -> AttackModel:
        """The attack model under the penalty that does best on people whom it was not fitted on."""
        if not self.choose:
            return super().learn(lessons, people, rng)
        chosen = choose([Peopled(*one) for one in zip(lessons, people, strict=True)], SETTINGS, rng)
        return fit(lessons, shape=chosen.shape, penalty=chosen.penalty, rng=rng)


def _plain(trace: Trace, channel: Channel) -> Array:
    return trace.channels[channel].astype(np.float64)


def _logarithm(trace: Trace, channel: Channel) -> Array:
    return np.asarray(np.log(np.maximum(trace.channels[channel].astype(np.float64), _SMALLEST)))


def _lengths_and_agreement(trace: Trace) -> Array:
    """Log norms of the views, and artanh of the cosine between the first two."""
    embedding = trace.channels[Channel.EMBEDDING].astype(np.float64)
    length = log_length(embedding)
    if len(trace.views) < 2:
        return length
    towards = unit(embedding)
    agreement = fisher((towards[:, 0] * towards[:, 1]).sum(-1, keepdims=True))
    return np.concatenate([length, agreement], axis=1)


def _view_cosines(trace: Trace) -> Array:
    """Those of the image and of its flip with all other views, and a summary of all pairs."""
    summary = moments_and_quantiles(fisher(trace.channels[Channel.VIEW_COSINES].astype(np.float64)))
    return np.concatenate([anchored(trace), summary], axis=1)


def _view_lengths(trace: Trace) -> Array:
    """By how much each view's embedding is longer than the image's."""
    length = trace.channels[Channel.VIEW_NORM].astype(np.float64)
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
