"""Distances to the running means, and how spread each feature map is against the running variance.

What it tests:
As bn-distance, and besides whether the spatial variance of an image's features is as the running variance says.
Training images of an overfitted network excite its feature maps otherwise than new images do.

What the attacker needs:
The backbone with its BatchNorm buffers, and either some true members (partial) or a shadow backbone (shadow).

How it works:
For each layer, besides the variance-scaled distance, the mean over channels of log(σ² / s²) and of its square, where
σ² is the variance over positions of the tensor that enters the layer and s² the running variance; image and flip.

Known limits:
Contrast and sharpness move the spatial variance: the blind baseline tells how much of it is image quality. Layers
whose maps have one pixel (after pooling) give no variance and are left out.

Reference:
The variance terms of DeepInversion (Yin et al., arXiv 1912.08795), taken per image instead of per batch.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class BnDistanceVariance(FeatureAttack):
    """Means and variances.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "bn-distance-variance"
    needs: ClassVar[frozenset[Channel]] = frozenset(
        {Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED}
    )

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, 3 x views x layers) distances, log variance ratios and their squares."""
        order = (Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED)
        return xp.concat([views(trace.channels[channel], self.flip) for channel in order], axis=1)
