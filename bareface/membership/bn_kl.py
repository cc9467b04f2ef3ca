"""Divergence of an image's channel statistics from the BatchNorm running statistics.

What it tests:
As bn-distance, with the mean and the spread of every channel in one number: how far the normal distribution with an
image's own channel statistics lies from the one that the layer keeps of its training data.

What the attacker needs:
The backbone with its BatchNorm buffers, and some true members (partial), a shadow backbone (shadow), or people who are
known not to be members (nonmembers). No classification layer, no label.

How it works:
For each layer the mean over channels of KL(N(v̄, σ²) || N(u, s²)) = ½ [log(s²/σ²) + σ²/s² + (v̄ − u)²/s² − 1], with v̄
and σ² mean and variance over the positions of the tensor that enters the layer, u and s² the running statistics. An
attack model reads the logarithms of all layers, for the image and its flip.

Known limits:
It measures how typical an image is, which contrast and sharpness move: read it beside the blind baseline and the
foreign model. Layers whose maps have one pixel have no spread and are left out.

Reference:
The divergence between normal distributions that DeepInversion's BatchNorm terms approximate (Yin et al., arXiv
1912.08795), taken per image.
"""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace

NEEDS = frozenset({Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_VARIANCE})
_SMALLEST = 1e-6


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class BnKl(FeatureAttack):
    """One divergence for each layer.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "bn-kl"
    needs: ClassVar[frozenset[Channel]] = NEEDS
    memory: ClassVar[Literal[-1, 0, 1]] = -1

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views x layers) log divergences."""
        return xp.log(xp.clip(views(divergence(trace), self.flip), _SMALLEST))


def divergence(trace: Trace) -> NDArray[np.float32]:
    """(n, v, l) mean over channels of KL(image || running statistics), in nats; NaN where a map has one pixel."""
    distance, logvar, variance = (
        trace.channels[name] for name in (Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_VARIANCE)
    )
    return 0.5 * (variance - logvar + distance - 1)
