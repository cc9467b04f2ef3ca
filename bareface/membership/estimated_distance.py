"""Distance of an image's features to statistics that were estimated on public faces.

What it tests:
Whether the features of training images lie nearer to (or farther from) those of anybody's faces than the features of
other images do, where a network has no BatchNorm running statistics to compare with: GroupNorm, LayerNorm,
transformers, or BatchNorm folded into convolutions, as in most ONNX files.

What the attacker needs:
The network's inside (weights or an ONNX graph), some public faces of nobody who is judged, and either some true
members (partial) or a shadow backbone (shadow). No classification layer, no label, no running statistics.

How it works:
One pass over the public faces gives mean e and variance t² of every channel of what leaves each convolution and linear
map. For each image and its flip, layer j gives the mean over channels of (v̄ − e)² / t², v̄ the mean over positions.
The distances of all layers go through one fully connected layer and a sigmoid. Where a BatchNorm was folded into a
convolution, scale and shift of its channels cancel: the distance is what that layer's input would have given.

Known limits:
The statistics describe the public faces, not the training set: they are estimated, they are no running statistics, and
how near an image lies to them also says how ordinary a picture it is. Read it beside the foreign model. Rendered faces
stand in where nobody brought public ones; they are a poor stand-in for photographs.

Reference:
Stage 1 of arXiv 2401.13719 with estimated in place of running statistics; the standardised form of its distance.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class EstimatedDistance(FeatureAttack):
    """Distances to estimated statistics.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "estimated-distance"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.ESTIMATED_DISTANCE})

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views x layers) distances."""
        return views(trace.channels[Channel.ESTIMATED_DISTANCE], self.flip)
