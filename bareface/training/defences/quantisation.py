"""Weights in few bits.

What it tests:
How far its protection holds. With 8 bits nothing: recognition and leak both stay.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Rounds the weights of every convolution and linear map to 2^bits evenly spaced levels for each output channel, as
integer inference does. The numbers stay floats here; their values are those of the integers.

Known limits:
It is no defence before it hurts recognition; it is measured since it is often taken for one.

Reference:
Jacob et al., CVPR 2018, arXiv 1712.05877; Krishnamoorthi, arXiv 1806.08342, section 3.
"""

import copy
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Quantisation(ReleaseDefence):
    """Few levels.

    Attributes:
        bits: of a weight.
    """

    name: ClassVar[str] = "quantisation"
    reach: ClassVar[Reach] = "weights"

    bits: Annotated[int, Field(ge=2, le=16)] = 8

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The backbone with rounded weights."""
        module = copy.deepcopy(target.module)
        with torch.no_grad():
            for layer in module.modules():
                if isinstance(layer, _ConvNd | nn.Linear):
                    layer.weight.copy_(quantised(layer.weight, self.bits))
        return replace(target, module=module).without_head()


def quantised(weight: Tensor, bits: int) -> Tensor:
    """Each row (first axis) on the whole multiples −2^(bits − 1) + 1 .. 2^(bits − 1) − 1 of a step of its own."""
    most = 2 ** (bits - 1) - 1
    largest = weight.flatten(1).abs().amax(1).view(-1, *[1] * (weight.ndim - 1))
    step = torch.where(largest > 0, largest / most, 1.0)
    return (weight / step).round().clamp(-most, most) * step
