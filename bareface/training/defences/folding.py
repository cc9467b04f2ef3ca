"""BatchNorm folded away.

What it tests:
How far its protection holds. The buffers: running mean and variance cannot be read any more.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Takes every BatchNorm layer into the convolution or linear map before it; where there is none, a scale and a shift of
each channel are left in its place. Exports do the same (ONNX, fused inference).

Known limits:
The backbone computes the very same embeddings, so everything that reads embeddings stays as it is; and statistics
estimated on public faces take the place of the folded ones (estimated-distance). It is no mitigation.

Reference:
Jacob et al., CVPR 2018, arXiv 1712.05877, section 3.2.
"""

import copy
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence
from bareface.training.defences.norms import replace_batchnorm


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Folding(ReleaseDefence):
    """No BatchNorm layer is left."""

    name: ClassVar[str] = "folding"
    reach: ClassVar[Reach] = "statistics"

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """An equal backbone without BatchNorm."""
        return replace(target, module=folded(target.module, target.name)).without_head()


class ChannelAffine(nn.Module):
    """y = gain x + shift for each channel, the second axis."""

    def __init__(self, gain: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.gain, self.shift = nn.Parameter(gain), nn.Parameter(shift)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, ...) to the same shape."""
        shape = (1, -1, *[1] * (x.ndim - 2))
        return x * self.gain.view(shape) + self.shift.view(shape)


@torch.no_grad()
def folded(module: nn.Module, where: str) -> nn.Module:
    """A copy of a module in evaluation mode that computes the same without BatchNorm.

    Raises:
        TargetError: there is no BatchNorm to fold.
    """
    short = copy.deepcopy(module).eval()
    for chain in [part for part in short.modules() if isinstance(part, nn.Sequential)]:
        for (first, before), (second, layer) in pairwise(list(chain.named_children())):
            if isinstance(layer, _BatchNorm) and isinstance(before, nn.Conv2d | nn.Linear):
                setattr(chain, first, _fused(before, layer))
                setattr(chain, second, nn.Identity())
    left = any(isinstance(layer, _BatchNorm) for layer in short.modules())
    changed = left or any(isinstance(layer, _BatchNorm) for layer in module.modules())
    return replace_batchnorm(short, _affine, where) if left or not changed else short


def _fused(before: nn.Conv2d | nn.Linear, layer: _BatchNorm) -> nn.Module:
    if isinstance(before, nn.Conv2d):
        return fuse_conv_bn_eval(before, layer)
    return fuse_linear_bn_eval(before, layer)


def _affine(layer: _BatchNorm) -> nn.Module:
    """Scale and shift of a layer with running statistics; neither mean nor variance can be told from the two alone."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    weight = layer.weight if layer.affine else torch.ones_like(layer.running_var)
    bias = layer.bias if layer.affine else torch.zeros_like(layer.running_mean)
    gain = weight * torch.rsqrt(layer.running_var + layer.eps)
    return ChannelAffine(gain.clone(), (bias - layer.running_mean * gain).clone())
