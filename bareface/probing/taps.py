"""BatchNorm taps: what enters each BatchNorm layer, reduced inside the hook to a few numbers an image.

For image x and BatchNorm layer i let v_i (c_i, h_i, w_i) be the tensor that enters the layer, v̄_i its mean over
h_i x w_i, σ_i² its variance over h_i x w_i, u_i and s_i² the layer's running mean and variance. Stage 1 of arXiv
2401.13719 reads ||v̄_i − u_i||² / b_i. No activation outlives the hook.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError
from bareface.trace import Channel, Layer

# The variance is a difference of two float32 moments: below this share of the mean square it would be rounding.
_RESOLUTION = 1e-5
_SMALLEST_VARIANCE = 1e-12


def batchnorm_layers(module: nn.Module) -> dict[str, _BatchNorm]:
    """The BatchNorm layers that carry running statistics, by name, in the order of definition."""
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None and layer.running_var is not None
    }


@dataclass(frozen=True)
class Reduction:
    """What is kept of one layer for a batch of n images.

    Attributes:
        distance: (n,) ||v̄ − u||², the numerator of d_i.
        distance_variance: (n,) mean over channels of (v̄ − u)² / s².
        logvar, logvar_squared: (n,) mean over channels of log(σ² / s²) and of its square; NaN where h w = 1.
    """

    distance: Tensor
    distance_variance: Tensor
    logvar: Tensor
    logvar_squared: Tensor

    def channel(self, channel: Channel) -> Tensor:
        """(n,) the values of one trace channel."""
        return {
            Channel.BN_DISTANCE: self.distance,
            Channel.BN_DISTANCE_VARIANCE: self.distance_variance,
            Channel.BN_LOGVAR: self.logvar,
            Channel.BN_LOGVAR_SQUARED: self.logvar_squared,
        }[channel]


def reduce_input(layer: _BatchNorm, entering: Tensor) -> Reduction:
    """Reduce the (n, c, ...) tensor that enters a BatchNorm layer to four numbers an image, in float32."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    values = entering.flatten(2).float() if entering.ndim > 2 else entering.float().unsqueeze(2)
    mean, variance = _moments(values)
    running_variance = layer.running_var.float() + layer.eps
    squared = (mean - layer.running_mean.float()).square()
    if values.shape[2] == 1:
        unknown = torch.full_like(squared[:, 0], torch.nan)
        logvar, logvar_squared = unknown, unknown
    else:
        ratio = torch.log(variance / running_variance)
        logvar, logvar_squared = ratio.mean(1), ratio.square().mean(1)
    return Reduction(squared.sum(1), (squared / running_variance).mean(1), logvar, logvar_squared)


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over the last axis of (n, c, k) float32; two plain reductions, each a seventh of `var_mean`."""
    mean = values.mean(2)
    mean_square = torch.linalg.vector_norm(values, dim=2).square() / values.shape[2]
    variance = torch.maximum(mean_square - mean.square(), _RESOLUTION * mean_square)
    return mean, variance + _SMALLEST_VARIANCE


@dataclass
class Taps:
    """The reductions of the last forward pass, by layer name, in the order in which the layers ran."""

    reductions: dict[str, Reduction] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget the last pass."""
        self.reductions.clear()

    def stack(self, channel: Channel, layers: tuple[Layer, ...]) -> Tensor:
        """(n, l) one channel of the last pass, the layers in the order asked for."""
        return torch.stack([self.reductions[layer.name].channel(channel) for layer in layers], dim=1)


@contextmanager
def tapped(module: nn.Module) -> Iterator[Taps]:
    """Tap every BatchNorm layer of `module` while the block runs; call `clear` between passes.

    Raises:
        TargetError: a layer runs twice in one pass, so that it has no one input.
    """
    taps = Taps()

    def tap(name: str, layer: _BatchNorm, arguments: tuple[Tensor, ...]) -> None:
        if name in taps.reductions:
            raise TargetError(
                f"BatchNorm layer {name}",
                got="two inputs in one forward pass",
                expected="one: its running statistics would mix two places",
                hint="give each place of the network its own BatchNorm layer",
            )
        taps.reductions[name] = reduce_input(layer, arguments[0])

    handles = [
        layer.register_forward_pre_hook(lambda module, arguments, name=name: tap(name, module, arguments))
        for name, layer in batchnorm_layers(module).items()
    ]
    try:
        yield taps
    finally:
        for handle in handles:
            handle.remove()
