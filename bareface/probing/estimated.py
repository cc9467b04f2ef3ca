"""Statistics of a network's features estimated on public faces, where training left no running statistics to read.

Measured is what *leaves* every convolution and linear map. It is there in every network, whatever normalises it
afterwards (BatchNorm, GroupNorm, LayerNorm, nothing), and where a BatchNorm was folded into a convolution it is that
layer's input up to a scale and a shift of each channel, which a standardised distance does not see. The estimate is
about anybody's faces: it says nothing of what training saw, and is never called running statistics.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from bareface.errors import UsageError
from bareface.faces.source import Images
from bareface.probing.prober import ProbeSpec
from bareface.probing.taps import Moments, moments
from bareface.trace import Channel, Layer

# A channel that is nearly constant on public faces would drown all others: its variance is at least this share of
# the layer's average.
_LEAST_SHARE = 1e-6
_SMALLEST_VARIANCE = 1e-12
USUAL_BATCH = 16

Seen = Mapping[str, Moments]
Observe = Callable[[Tensor], Seen]
"""(n, 3, h, w) uint8 RGB to the moments of the image and its flip at each measured layer, 2n rows."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mean and variance of every channel of the measured layers over public faces and their flips.

    Attributes:
        layers: the measured layers, in the order in which they ran.
        mean, variance: (sum of c,) over images and positions.
        images: how many public images were looked at.
    """

    layers: tuple[Layer, ...]
    mean: Tensor
    variance: Tensor
    images: int

    @property
    def sha256(self) -> str:
        """Fingerprint of the numbers."""
        digest = hashlib.sha256(repr(self.layers).encode())
        for part in (self.mean, self.variance):
            digest.update(part.cpu().numpy().tobytes())
        return digest.hexdigest()

    def added_to(self, offer: ProbeSpec) -> ProbeSpec:
        """The offer with the distances to this estimate."""
        shapes = {**offer.shapes, Channel.ESTIMATED_DISTANCE: (len(offer.views), len(self.layers))}
        return replace(offer.beside(self.sha256), shapes=shapes, measured=self.layers)

    def distance(self, seen: Seen) -> Tensor:
        """(n, m) mean over each layer's channels of (v̄ − e)² / t²."""
        mean = torch.cat([seen[layer.name].mean for layer in self.layers], dim=1)
        squared = (mean - self.mean.to(mean)).square() / self.variance.to(mean)
        parts = torch.split(squared, [layer.channels for layer in self.layers], dim=1)
        return torch.stack([part.mean(1) for part in parts], dim=1)


def estimate(
    watching: AbstractContextManager[Observe],
    images: Images,
    *,
    batch_size: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Estimate | None:
    """One pass over public images; None where no layer can be measured.

    Args:
        watching: opened for the pass; answers images with what leaves the measured layers.
        images: public faces, of nobody whose membership is asked for.
        batch_size: images in one pass, each with its flip.
        report: called with (done, total) images.

    Raises:
        UsageError: there are fewer than two images.
    """
    if len(images) < 2:
        raise UsageError("public images", got=f"{len(images)}", expected="at least 2 to estimate a variance from")
    # One image first: a value with another axis in front of the images' own cannot then pass for one row each.
    starts = [0, *range(1, len(images), batch_size or USUAL_BATCH), len(images)]
    told = _Sums()
    with watching as observe:
        for rows in (np.arange(a, b) for a, b in pairwise(starts)):
            told.add(observe(images.load(rows)), 2 * len(rows))
            if report is not None:
                report(int(rows[-1]) + 1, len(images))
    layers = tuple(Layer(name, both.shape[1]) for name, both in told.kept.items())
    if not layers:
        return None
    statistics = [_statistics(both / (2 * len(images))) for both in told.kept.values()]
    mean, variance = (
        torch.from_numpy(np.concatenate(part).astype(np.float32)) for part in zip(*statistics, strict=True)
    )
    return Estimate(layers, mean, variance, len(images))


@dataclass
class _Sums:
    """(2, c) sums over images of the mean and the mean square over positions, for each layer with a row an image."""

    kept: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    odd: set[str] = field(default_factory=set)

    def add(self, seen: Seen, rows: int) -> None:
        self.odd |= {name for name, one in seen.items() if len(one.mean) != rows}
        for name, one in seen.items():
            self.kept[name] = self.kept.get(name, 0.0) + _sums(one)
        for name in self.odd & set(self.kept):
            del self.kept[name]


def _sums(kept: Moments) -> NDArray[np.float64]:
    """(2, c) sums over images of the mean and of the mean square over positions."""
    mean, norm = (part.cpu().numpy().astype(np.float64) for part in (kept.mean, kept.norm))
    return np.stack([mean.sum(0), (norm**2).sum(0) / kept.positions])


def _statistics(averages: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, mean_square = averages
    variance = np.maximum(mean_square - mean**2, 0.0)
    return mean, np.maximum(variance, _LEAST_SHARE * variance.mean()) + _SMALLEST_VARIANCE


@contextmanager
def leaving(module: nn.Module) -> Iterator[dict[str, Moments]]:
    """What leaves every convolution and linear map of `module` in a forward pass; clear it between passes.

    A layer that runs again in one pass is listed again, with a number.
    """
    seen: dict[str, Moments] = {}

    def keep(name: str, last: bool, output: Tensor) -> None:
        key, again = name, 1
        while key in seen:
            again += 1
            key = f"{name} ({again})"
        seen[key] = moments(output.movedim(-1, 1) if last else output)

    handles = [
        layer.register_forward_hook(
            lambda layer, _, output, name=name: keep(name, isinstance(layer, nn.Linear), output)
        )
        for name, layer in module.named_modules()
        if isinstance(layer, _ConvNd | nn.Linear)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
