"""Where decoded images come from."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Images(Protocol):
    """Numbered images of one size, decoded on demand."""

    def __len__(self) -> int:
        """How many there are."""

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """The images of some rows: (len(rows), 3, h, w) uint8 RGB."""


@dataclass(frozen=True)
class ArrayImages:
    """Images that are in memory already.

    Attributes:
        pixels: (n, 3, h, w) uint8 RGB.
    """

    pixels: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """The images of some rows: (len(rows), 3, h, w) uint8 RGB."""
        return self.pixels[torch.from_numpy(rows)]


@dataclass(frozen=True)
class SomeImages:
    """Some of the images of another source.

    Attributes:
        images: the source.
        rows: (n,) which ones, in this order.
    """

    images: Images
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """The images of some rows: (len(rows), 3, h, w) uint8 RGB."""
        return self.images.load(self.rows[rows])
