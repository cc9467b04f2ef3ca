"""What a target answers about views of images, with gradients.

The same numbers as a probe's (`bareface.probing.taps`), but nothing is reduced before somebody asks for it: an
objective that reads embeddings alone pays nothing for the BatchNorm layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target

# Below this spatial variance the logarithm would only measure rounding; the same as in a probe.
_SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Entering:
    """A BatchNorm layer and the (m, c, ...) tensor that entered it."""

    layer: _BatchNorm
    values: Tensor

    @cached_property
    def mean(self) -> Tensor:
        """(m, c) v̄, the mean over positions."""
        # The sum's gradient is a broadcast view; that of `mean` would fill a tensor as large as the features.
        return self._positions.sum(2) / self._positions.shape[2]

    @cached_property
    def squared(self) -> Tensor:
        """(m, c) (v̄ − u)², u the running mean."""
        return (self.mean - self._statistic(self.layer.running_mean)).square()

    @property
    def running_variance(self) -> Tensor:
        """(c,) s², with the layer's epsilon."""
        return self._statistic(self.layer.running_var) + self.layer.eps

    @cached_property
    def log_ratio(self) -> Tensor:
        """(m, c) log(σ² / s²), σ² the variance over positions; NaN where there is only one."""
        if self._positions.shape[2] == 1:
            return torch.full_like(self.mean, torch.nan)
        variance = self._positions.var(2, correction=0)
        return torch.log((variance + _SMALLEST_VARIANCE) / self.running_variance)

    @property
    def _positions(self) -> Tensor:
        values = self.values if self.values.dtype == torch.float64 else self.values.float()
        return values.flatten(2) if values.ndim > 2 else values.unsqueeze(2)

    def _statistic(self, buffer: Tensor | None) -> Tensor:
        assert buffer is not None
        return buffer.to(self._positions.dtype)


@dataclass(frozen=True, eq=False)
class Answers:
    """What one target answered about n rows of p pairs of views.

    Attributes:
        embedding: (n, p, 2, d) before any normalisation; the third axis is a view and its mirror image.
        entering: what entered each BatchNorm layer, in the order in which they ran.
    """

    embedding: Tensor
    entering: tuple[Entering, ...]

    @cached_property
    def direction(self) -> Tensor:
        """(n, p, 2, d) the embeddings at length one."""
        return normalize(self.embedding, dim=-1)

    @cached_property
    def distance(self) -> Tensor:
        """(n, p, 2, l) ||v̄ − u||², the numerator of d_i."""
        return self._layers([e.squared.sum(1) for e in self.entering])

    @cached_property
    def distance_variance(self) -> Tensor:
        """(n, p, 2, l) mean over channels of (v̄ − u)² / s²."""
        return self._layers([(e.squared / e.running_variance).mean(1) for e in self.entering])

    @cached_property
    def logvar(self) -> Tensor:
        """(n, p, 2, l) mean over channels of log(σ² / s²); NaN where a map has one pixel."""
        return self._layers([e.log_ratio.mean(1) for e in self.entering])

    @cached_property
    def logvar_squared(self) -> Tensor:
        """(n, p, 2, l) mean over channels of the square of that logarithm."""
        return self._layers([e.log_ratio.square().mean(1) for e in self.entering])

    @property
    def channels(self) -> Tensor:
        """(l,) number of channels c_i of each layer."""
        return self.embedding.new_tensor([e.layer.num_features for e in self.entering])

    def _layers(self, values: list[Tensor]) -> Tensor:
        shape = self.embedding.shape[:-1]
        return torch.stack(values, -1).reshape(*shape, -1) if values else self.embedding.new_empty(*shape, 0)


def ask(target: Target, views: Tensor) -> Answers:
    """Show a target (n, p, 2, 3, h, w) RGB in [0, 1] of its own size; differentiable.

    Raises:
        TargetError: the backbone returns no matrix of embeddings, or runs a BatchNorm layer twice in one pass.
    """
    pixels = normalised(views.flatten(0, 2), target)
    with _tapped(target.module) as entering:
        embedding = target.embed_normalised(pixels)
    return Answers(embedding.reshape(*views.shape[:3], -1), tuple(entering.values()))


def normalised(images: Tensor, target: Target) -> Tensor:
    """(m, 3, h, w) RGB in [0, 1] to what the backbone takes, on its device and in its dtype.

    `ImageSpec.normalise` is for bytes and works in float32; it is affine in a pixel's colour, so four colours tell it.
    """
    weights = next((p for p in target.module.parameters() if p.is_floating_point()), images)
    matrix, offset = (part.to(weights) for part in _colour_map(target.spec))
    colours = matrix @ images.to(weights).flatten(2) + offset
    return colours.reshape(len(images), -1, *images.shape[2:])


def _colour_map(spec: ImageSpec) -> tuple[Tensor, Tensor]:
    """(c, 3) and (c, 1): normalise(255 x) = matrix x + offset for a colour x in [0, 1]."""
    colours = 255.0 * torch.cat([torch.zeros(1, 3), torch.eye(3)])[:, :, None, None]
    black, *primaries = spec.normalise(colours)[:, :, 0, 0]
    return torch.stack(primaries, 1) - black[:, None], black[:, None]


@contextmanager
def _tapped(module: nn.Module) -> Iterator[dict[str, Entering]]:
    """What enters each BatchNorm layer while the block runs.

    The tensors are kept, not copied: training needs them unchanged too, so no network overwrites them in place.
    """
    entering: dict[str, Entering] = {}

    def tap(name: str, layer: _BatchNorm, values: Tensor) -> None:
        if name in entering:
            raise TargetError(
                f"BatchNorm layer {name}",
                got="two inputs in one forward pass",
                expected="one: its running statistics would mix two places",
                hint="give each place of the network its own BatchNorm layer",
            )
        entering[name] = Entering(layer, values)

    handles = [
        layer.register_forward_pre_hook(lambda layer, arguments, name=name: tap(name, layer, arguments[0]))
        for name, layer in module.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None and layer.running_var is not None
    ]
    try:
        yield entering
    finally:
        for handle in handles:
            handle.remove()
