"""Distance of an image's features to the BatchNorm running statistics.

What it tests:
Whether the features of an image lie nearer to the running means of the BatchNorm layers than those of images that
were not in training. Layer i gives d_i(x) = ||v̄_i − u_i||² / b_i, where v̄_i is the mean over positions of the
tensor that enters the layer and u_i the running mean. An attack model reads the distances of all layers.

What the attacker needs:
The backbone with its BatchNorm buffers, and either some true members (partial) or an auxiliary set of faces to
train a shadow backbone on (shadow). No classification layer, no label.

How it works:
One forward pass of the image and of its horizontal flip. The distances of both go through one fully connected layer
and a sigmoid. b_i is c_i (`channels`), 1 (`none`), or each channel is divided by its running variance (`variance`).

Known limits:
Near the running mean means typical, not necessarily trained on: read it beside the foreign-model control. A backbone
whose BatchNorm was folded into its convolutions has nothing to read. The running mean itself remembers only the last
few batches; what is measured is the weights' fit to their training images.

Reference:
Huang, Chen, Wang, Wang: Inference Attacks Against Face Recognition Model without Classification Layers,
arXiv 2401.13719, stage 1.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, FloatArray, Trace

Convention = Literal["channels", "variance", "none"]


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class BnDistance(FeatureAttack):
    """The paper's attack.

    Attributes:
        convention: what b_i stands for.
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "bn-distance"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.BN_DISTANCE, Channel.BN_DISTANCE_VARIANCE})
    memory: ClassVar[Literal[-1, 0, 1]] = -1

    convention: Convention = "channels"
    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views x layers) distances."""
        return views(distances(trace, self.convention), self.flip)


def distances(trace: Trace, convention: Convention) -> FloatArray:
    """(n, v, l) d_i under one of the three conventions for b_i."""
    if convention == "variance":
        return trace.channels[Channel.BN_DISTANCE_VARIANCE]
    raw = trace.channels[Channel.BN_DISTANCE]
    if convention == "none":
        return raw
    return raw / xp.like([layer.channels for layer in trace.layers], raw)
