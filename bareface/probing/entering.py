"""What enters the BatchNorm layers of a net, beside what their running statistics remember of training.

A torch backbone shows all layers that a pass goes through; an ONNX graph those that survived export.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.probing.backbone import visible_layers
from bareface.probing.taps import Moments, tapped
from bareface.targets.channels_last import channels_last_copy
from bareface.targets.running_statistics import is_fresh, misfit
from bareface.targets.target import Target

Vector = NDArray[np.float64]
Look = Callable[[Tensor], Mapping[str, Moments]]
"""(n, channels, h, w) float32 as the net takes it, to what enters its layers."""


@dataclass(frozen=True)
class Remembered:
    """The running statistics of one layer.

    Attributes:
        name: of the layer.
        mean, variance: (c,).
    """

    name: str
    mean: Vector
    variance: Vector


class Entrance(Protocol):
    """A net into which one can look while it is fed."""

    @property
    def layers(self) -> tuple[Remembered, ...]:
        """The layers that can be seen, fresh ones included."""

    def looking(self) -> AbstractContextManager[Look]:
        """A way to look, while the block runs."""


@dataclass(frozen=True)
class BackboneEntrance:
    """A backbone in torch."""

    target: Target

    @property
    def layers(self) -> tuple[Remembered, ...]:
        """Those that a pass goes through."""
        modules, found = dict(self.target.module.named_modules()), []
        for layer in visible_layers(self.target):
            buffers = (modules[layer.name].get_buffer(name) for name in ("running_mean", "running_var"))
            found.append(Remembered(layer.name, *(buffer.double().cpu().numpy() for buffer in buffers)))
        return tuple(found)

    @contextmanager
    def looking(self) -> Iterator[Look]:
        """With taps in front of all layers while the block runs."""
        spec = self.target.spec
        grey = torch.full((2, 3, spec.height, spec.width), 128, dtype=torch.uint8, device=self.target.device)
        watched = replace(self.target, module=channels_last_copy(self.target.module, spec.normalise(grey)))
        with torch.inference_mode(), tapped(watched.module) as taps:

            def look(pixels: Tensor) -> Mapping[str, Moments]:
                taps.clear()
                watched.embed_normalised(pixels.to(watched.device))
                return taps.seen

            yield look


@dataclass(frozen=True)
class Running:
    """The running statistics of the layers that are compared, one after the other.

    Attributes:
        names: of the layers.
        mean, variance: (sum of c,).
        ends: where each layer but the last ends in them.
    """

    names: tuple[str, ...]
    mean: Vector
    variance: Vector
    ends: tuple[int, ...]

    @classmethod
    def of(cls, layers: Sequence[Remembered]) -> "Running | None":
        """Of the layers that have seen something; None if there is none."""
        old = [layer for layer in layers if not is_fresh(layer.mean, layer.variance)]
        if not old:
            return None
        ends = np.cumsum([len(layer.mean) for layer in old])[:-1]
        mean, variance = (np.concatenate([getattr(one, name) for one in old]) for name in ("mean", "variance"))
        return cls(tuple(layer.name for layer in old), mean, variance, tuple(ends.tolist()))

    def misfit(self, sums: Vector, images: int) -> float:
        """Mean over layers of the median over channels; sums (2, sum of c) of means and mean squares over images."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean, square = sums / images
            variance = np.maximum(square - mean**2, 0.0)
        channels = misfit(mean, variance, self.mean, self.variance)
        return float(np.mean([np.median(layer) for layer in np.split(channels, self.ends)]))

    def sums(self, seen: Mapping[str, Moments]) -> Vector:
        """(2, sum of c) means and mean squares of what enters the layers, added up over images."""
        kept = [seen[name] for name in self.names]
        means = torch.cat([one.mean for one in kept], dim=1).double()
        squares = torch.cat([one.norm.double().square() / one.positions for one in kept], dim=1)
        added: Vector = torch.stack([means.sum(0), squares.sum(0)]).cpu().numpy()
        return added
