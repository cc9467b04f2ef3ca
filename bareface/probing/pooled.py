"""What enters the BatchNorm layers, averaged over positions, in a few numbers a layer.

The channels of a layer, standardised by its running statistics, go through a random matrix that hangs on nothing but
the layer's name and width: distances and linear maps survive (Johnson and Lindenstrauss), and every layer takes as
much room as any other.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from bareface.streams import stream
from bareface.trace import Layer

WIDTH = 32


@dataclass(frozen=True)
class Projection:
    """One fixed matrix for each layer.

    Attributes:
        matrices: (c, 32) for each layer; normal numbers of variance 1 / c.
    """

    matrices: tuple[Tensor, ...]

    @classmethod
    def of(cls, layers: tuple[Layer, ...]) -> "Projection":
        """The matrices of these layers; the same for every network that has layers of these names and widths."""
        return cls(tuple(_matrix(layer) for layer in layers))

    def pooled(self, standardised: Tensor) -> Tensor:
        """(n, sum of c) numbers of all layers side by side to (n, l, 32)."""
        parts = torch.split(standardised, [len(matrix) for matrix in self.matrices], dim=1)
        told = [part @ matrix.to(part) for part, matrix in zip(parts, self.matrices, strict=True)]
        return torch.stack(told, dim=1)


@lru_cache(maxsize=1024)  # a search with gradients asks at every step
def _matrix(layer: Layer) -> Tensor:
    drawn = stream(0, "pooled", layer.name, layer.channels).normal(size=(layer.channels, WIDTH))
    with torch.inference_mode(False):  # it outlives the probe that asks first, and others take gradients through it
        return torch.from_numpy((drawn / np.sqrt(layer.channels)).astype(np.float32))
