"""What a target answers about views of images, with gradients.

The same channels as a probe's, but nothing is reduced before somebody asks for it: an objective that reads embeddings
alone pays nothing for the BatchNorm layers. A probe works out the moments in two fast reductions and keeps no
features; here they are worked out as they are defined, which is the slow oracle of the probe.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from bareface.probing.deviation import FORMULAS, SMALLEST_VARIANCE, SUMMED
from bareface.probing.head import head_answers
from bareface.probing.pooled import Projection
from bareface.probing.taps import Tappable, batchnorm_layers, kept_of, statistics_of
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.trace import BN_CHANNELS, HEAD_CHANNELS, Channel, Layer, Trace

DIFFERENTIABLE = frozenset({Channel.EMBEDDING, *BN_CHANNELS, Channel.POOLED, *HEAD_CHANNELS} - {Channel.TOP_CLASSES})
"""The channels that have gradients in the images, where a target gives them at all."""


@dataclass(frozen=True, eq=False)
class Entering:
    """A BatchNorm layer and the (m, c, ...) tensor that entered it; a `Deviation`, worked out when asked for."""

    layer: Tappable
    values: Tensor

    @cached_property
    def mean(self) -> Tensor:
        """(m, c) v̄, the mean over positions."""
        # The sum's gradient is a broadcast view; that of `mean` would fill a tensor as large as the features.
        return self._positions.sum(2) / self._positions.shape[2]

    @cached_property
    def away(self) -> Tensor:
        """(m, c) v̄ − u, u the running mean."""
        centre, scale, _ = self._statistics
        return (self.mean - centre) * scale

    @cached_property
    def squared(self) -> Tensor:
        """(m, c) (v̄ − u)²."""
        return self.away.square()

    @property
    def running_variance(self) -> Tensor:
        """(c,) s², with the layer's epsilon."""
        return self._statistics[2]

    @cached_property
    def share(self) -> Tensor:
        """(m, c) σ² / s², σ² the variance over positions; NaN where there is only one."""
        if self._positions.shape[2] == 1:
            return torch.full_like(self.mean, torch.nan)
        variance = self._positions.var(2, correction=0) * self._statistics[1].square()
        return (variance + SMALLEST_VARIANCE) / self.running_variance

    @cached_property
    def log_share(self) -> Tensor:
        """(m, c) its logarithm."""
        return self.share.log()

    @property
    def _positions(self) -> Tensor:
        values = self.values if self.values.dtype == torch.float64 else self.values.float()
        return values.flatten(2) if values.ndim > 2 else values.unsqueeze(2)

    @cached_property
    def _statistics(self) -> tuple[Tensor, Tensor, Tensor]:
        return statistics_of(self.layer, self._positions.dtype)


@dataclass(frozen=True, eq=False)
class Answers:
    """What one target answered about n rows of p pairs of views.

    Attributes:
        target: who answered.
        embedding: (n, p, 2, d) before any normalisation; the third axis is a view and its mirror image.
        entering: layer name -> what entered the BatchNorm layer, in the order in which they ran.
    """

    target: Target
    embedding: Tensor
    entering: dict[str, Entering]
    _kept: dict[Channel, Tensor] = field(default_factory=dict, repr=False)

    @cached_property
    def direction(self) -> Tensor:
        """(n, p, 2, d) the embeddings at length one."""
        return normalize(self.embedding, dim=-1)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The BatchNorm layers and their numbers of channels."""
        return tuple(Layer(name, int(one.running_variance.numel())) for name, one in self.entering.items())

    @property
    def given(self) -> frozenset[Channel]:
        """The channels with gradients that this target gives."""
        hidden = set() if self.entering else {*BN_CHANNELS, Channel.POOLED}
        return DIFFERENTIABLE - hidden - (set() if self.target.centres is not None else set(HEAD_CHANNELS))

    def channel(self, name: Channel) -> Tensor:
        """(n, p, 2, ...) one of the channels that are given; worked out once and remembered.

        The `bn_` channels of a target without BatchNorm layers have no layers: (n, p, 2, 0).
        """
        if name not in self._kept:
            self._kept.update(self._worked_out(name))
        return self._kept[name]

    def trace(self, channels: Iterable[Channel]) -> Trace:
        """What an attack sees of the n p pairs, each as an image and its mirror image.

        In the place of arrays the channels are tensors, of the target's precision. They always ask for gradients,
        even where nobody moves the images: what cannot be differentiated is found out at the first look.
        """
        read = {name: _asking(self.channel(name).flatten(0, 1)) for name in sorted(channels)}
        pairs = np.arange(self.embedding.shape[:2].numel())
        return Trace(pairs.astype(str), pairs, read, layers=self.layers)  # type: ignore[arg-type]

    def _worked_out(self, name: Channel) -> dict[Channel, Tensor]:
        if name == Channel.EMBEDDING:
            return {name: self.embedding}
        if name in FORMULAS:
            told = [FORMULAS[name](one) for one in self.entering.values()]
            return {name: self._layers([one.sum(1) if name in SUMMED else one.mean(1) for one in told])}
        if name == Channel.POOLED:
            standard = torch.cat([one.away * one.running_variance.rsqrt() for one in self.entering.values()], 1)
            return {name: self._pairs(Projection.of(self.layers).pooled(standard))}
        assert self.target.centres is not None
        told_by_head = head_answers(self.embedding.flatten(0, 2), self.target.centres, self.target.posterior)
        return {channel: self._pairs(values) for channel, values in told_by_head.items()}

    def _layers(self, values: list[Tensor]) -> Tensor:
        return self._pairs(torch.stack(values, -1) if values else self.embedding.flatten(0, 2)[:, :0])

    def _pairs(self, values: Tensor) -> Tensor:
        """(n p 2, ...) to (n, p, 2, ...)."""
        return values.reshape(*self.embedding.shape[:3], *values.shape[1:])


def ask(target: Target, views: Tensor) -> Answers:
    """Show a target (n, p, 2, 3, h, w) RGB in [0, 1] of its own size; differentiable.

    The tensors that enter the BatchNorm layers are kept, not copied: training needs them unchanged too, so no network
    overwrites them in place.

    Raises:
        TargetError: the backbone returns no matrix of embeddings, or runs a BatchNorm layer twice in one pass.
    """
    pixels, layers = normalised(views.flatten(0, 2), target), batchnorm_layers(target.module)
    with kept_of(layers, lambda values: values) as values:
        embedding = target.embed_normalised(pixels)
    entering = {name: Entering(layers[name], one) for name, one in values.items()}
    return Answers(target, embedding.reshape(*views.shape[:3], -1), entering)


def _asking(values: Tensor) -> Tensor:
    return values if values.requires_grad else values.detach().requires_grad_()


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
