"""BatchNorm taps: what enters each BatchNorm layer, reduced inside the hook to two numbers a channel.

For image x and BatchNorm layer i let v_i (c_i, h_i, w_i) be the tensor that enters the layer, v̄_i its mean over
h_i x w_i, σ_i² its variance over h_i x w_i, u_i and s_i² the layer's running mean and variance. Stage 1 of arXiv
2401.13719 reads ||v̄_i − u_i||² / b_i. No activation outlives the hook; what is left is reduced for all layers at
once after the pass, since a dozen small operations in each hook would cost more than a small network itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError
from bareface.probing.deviation import FORMULAS, SMALLEST_VARIANCE, SPATIAL, SUMMED
from bareface.probing.faster import FoldedBatchNorm
from bareface.trace import BN_CHANNELS, Channel, Layer

# The variance is a difference of two float32 moments: below this share of the mean square it would be rounding.
_RESOLUTION = 1e-5
_PIECE = 2**19  # numbers whose squares stay in a core's cache

T = TypeVar("T")
Tappable = _BatchNorm | FoldedBatchNorm


def batchnorm_layers(module: nn.Module) -> dict[str, Tappable]:
    """The BatchNorm layers that carry running statistics, folded or not, by name, in the order of definition."""
    return {name: layer for name, layer in module.named_modules() if _tappable(layer)}


def _tappable(layer: nn.Module) -> TypeGuard[Tappable]:
    if isinstance(layer, _BatchNorm):
        return layer.running_mean is not None and layer.running_var is not None
    return isinstance(layer, FoldedBatchNorm)


@dataclass(frozen=True)
class Moments:
    """What is kept of the (n, c, k) tensor that entered a layer, in float32.

    Attributes:
        mean: (n, c) over the k positions.
        norm: (n, c) Euclidean norm over the k positions.
        positions: k.
    """

    mean: Tensor
    norm: Tensor
    positions: int


def moments(entering: Tensor) -> Moments:
    """Reduce the (n, c, ...) tensor that enters a layer; two plain reductions, each a seventh of `var_mean`."""
    values = entering.float()
    if values.ndim == 4 and not values.is_contiguous():
        return _channels_last(values.permute(0, 2, 3, 1).flatten(1, 2))
    values = values.flatten(2) if values.ndim > 2 else values.unsqueeze(2)
    return Moments(values.mean(2), torch.linalg.vector_norm(values, dim=2), values.shape[2])


def _channels_last(values: Tensor) -> Moments:
    """Of (n, k, c); over a stride, `vector_norm` takes three times as long as squaring and adding piece by piece."""
    n, positions, _ = values.shape
    rows = max(1, _PIECE * n // max(1, values.numel()))
    parts = [(part.mean(1), part.square().sum(1)) for part in torch.split(values, rows)]
    mean, squares = (torch.cat(column) for column in zip(*parts, strict=True))
    return Moments(mean, squares.sqrt_(), positions)


@dataclass
class Taps:
    """The moments of the last forward pass.

    Attributes:
        layers: the BatchNorm layers that are tapped, by name.
        seen: moments by layer name, in the order in which the layers ran.
    """

    layers: dict[str, Tappable]
    seen: dict[str, Moments]

    def clear(self) -> None:
        """Forget the last pass."""
        self.seen.clear()


@dataclass(frozen=True)
class Reduction:
    """From moments to one number for each image, layer and channel of the trace; built once, since it never changes.

    Attributes:
        names: the layers, in the order in which they ran.
        sizes: c of each.
        centre, scale: (sum of c,) with v − u = scale (entering − centre): running mean and 1, unless folded.
        running_variance: (sum of c,) with the layers' eps.
        total: (sum of c, l) matrix that adds up the channels of each layer.
        layer_of: (sum of c,) the layer of each channel.
        widths: (l,) the sizes again, where the numbers lie.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    centre: Tensor
    scale: Tensor
    running_variance: Tensor
    total: Tensor
    layer_of: Tensor
    widths: Tensor

    @classmethod
    def of(cls, modules: Mapping[str, Tappable], layers: tuple[Layer, ...]) -> "Reduction":
        """The reduction for `layers`, which are among `modules`, against their running statistics."""
        centres, scales, variances = zip(*(statistics_of(modules[layer.name]) for layer in layers), strict=True)
        return cls.against(layers, centres, variances, scales)

    @classmethod
    def against(
        cls,
        layers: tuple[Layer, ...],
        means: Sequence[Tensor],
        variances: Sequence[Tensor],
        scales: Sequence[Tensor] | None = None,
    ) -> "Reduction":
        """The reduction for `layers` with these (c,) means and variances, wherever they are from."""
        centre, device = torch.cat(list(means)), means[0].device
        scale = torch.ones_like(centre) if scales is None else torch.cat(list(scales))
        names, sizes = tuple(layer.name for layer in layers), tuple(len(mean) for mean in means)
        numbers, widths = torch.arange(len(layers), device=device), torch.tensor(sizes, device=device)
        layer_of = torch.repeat_interleave(numbers, widths, output_size=len(centre))
        total = torch.nn.functional.one_hot(layer_of, len(layers)).to(centre)
        return cls(names, sizes, centre, scale, torch.cat(list(variances)), total, layer_of, widths)

    def standardised(self, seen: Mapping[str, Moments]) -> Tensor:
        """(n, sum of c) (v̄ − u) / s of every channel of a pass."""
        mean = torch.cat([seen[name].mean for name in self.names], dim=1)
        return mean.sub_(self.centre).mul_(self.scale).mul_(self.running_variance.rsqrt())

    def by_layer(self, seen: Mapping[str, Moments]) -> tuple[Tensor, ...]:
        """(n, c_i) (v̄ − u) / s of each layer."""
        return torch.split(self.standardised(seen), list(self.sizes), dim=1)

    def channels(self, seen: Mapping[str, Moments]) -> dict[Channel, Tensor]:
        """The `bn_` channels of a pass, each (n, l)."""
        moments = [seen[name] for name in self.names]
        mean = torch.cat([kept.mean for kept in moments], dim=1)
        positions = torch.tensor([float(kept.positions) for kept in moments], device=mean.device)
        mean_square = torch.cat([kept.norm for kept in moments], dim=1).square_().div_(positions[self.layer_of])
        spread = torch.maximum(mean_square - mean.square(), mean_square * _RESOLUTION)
        variance = spread.mul_(self.scale.square()).add_(SMALLEST_VARIANCE)
        share = variance.div_(self.running_variance)
        squared = mean.sub_(self.centre).mul_(self.scale).square_()
        told = _Seen(squared, share, self.running_variance)
        sums = (torch.cat([FORMULAS[channel](told) for channel in BN_CHANNELS]) @ self.total).chunk(len(BN_CHANNELS))
        unknown = torch.where(positions == 1, torch.nan, 0.0)
        by_channel = dict(zip(BN_CHANNELS, sums, strict=True))
        means = {c: total if c in SUMMED else total / self.widths for c, total in by_channel.items()}
        return {c: mean + unknown if c in SPATIAL else mean for c, mean in means.items()}


@dataclass(frozen=True, eq=False)
class _Seen:
    """A `Deviation` of all layers side by side."""

    squared: Tensor
    share: Tensor
    running_variance: Tensor

    @cached_property
    def log_share(self) -> Tensor:
        return self.share.log()


def statistics_of(layer: Tappable, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """(c,) centre, scale and running variance of a layer: v − u = scale (entering − centre)."""
    if isinstance(layer, FoldedBatchNorm):
        return layer.shift.to(dtype), 1.0 / layer.gain.to(dtype), layer.running_variance.to(dtype)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    mean = layer.running_mean.to(dtype)
    return mean, torch.ones_like(mean), layer.running_var.to(dtype) + layer.eps


@contextmanager
def tapped(module: nn.Module) -> Iterator[Taps]:
    """Tap every BatchNorm layer of `module` while the block runs; call `clear` between passes.

    Raises:
        TargetError: a layer runs twice in one pass, so that it has no one input.
    """
    layers = batchnorm_layers(module)
    with kept_of(layers, moments) as seen:
        yield Taps(layers, seen)


@contextmanager
def kept_of(layers: Mapping[str, Tappable], keep: Callable[[Tensor], T]) -> Iterator[dict[str, T]]:
    """What `keep` makes of the (n, c, ...) tensor that enters each layer while the block runs, in order of running.

    Raises:
        TargetError: a layer runs twice in one pass, so that it has no one input.
    """
    seen: dict[str, T] = {}

    def tap(name: str, arguments: tuple[Tensor, ...]) -> None:
        if name in seen:
            raise TargetError(
                f"BatchNorm layer {name}",
                got="two inputs in one forward pass",
                expected="one: its running statistics would mix two places",
                hint="give each place of the network its own BatchNorm layer",
            )
        seen[name] = keep(arguments[0])

    handles = [
        layer.register_forward_pre_hook(lambda _, arguments, name=name: tap(name, arguments))
        for name, layer in layers.items()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
