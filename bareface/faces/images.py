"""Images of a roster, decoded on demand at the size a model wants."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.errors import ImageError
from bareface.faces.contents import Contents
from bareface.faces.decode import fit, picture_of, printable, thread_count
from bareface.rosters.roster import Roster


@dataclass(frozen=True)
class RosterImages:
    """The images of a roster, row by row.

    Attributes:
        roster: whose images.
        height: rows of every image that is handed out.
        width: columns of every image that is handed out.
        contents: reads the files, and the packs that images lie in.
    """

    roster: Roster
    height: int
    width: int
    contents: Contents = field(default_factory=Contents, repr=False, compare=False)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.roster)

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """The images of some rows, in the order asked for: (len(rows), 3, height, width) uint8 RGB.

        Raises:
            ImageError: a file cannot be decoded (any more); the message names it relative to the roster's root.
        """
        return _decoded(self._one, rows, self.height, self.width)

    def _one(self, row: np.intp) -> NDArray[np.uint8]:
        name = self.roster.image[row]
        try:
            content = self.contents.read(self.roster.root / Path(name))
            return fit(picture_of(content, name).image, self.height, self.width)
        except ImageError as error:
            hint = "examine the images again; this file has changed since, or was never examined"
            raise ImageError(printable(name), got=error.got, expected=error.expected, hint=hint) from error


@dataclass(frozen=True)
class EncodedImages:
    """Images whose files are in memory.

    Attributes:
        contents: the bytes of each file.
        height: rows of every image that is handed out.
        width: columns of every image that is handed out.
    """

    contents: Sequence[bytes]
    height: int
    width: int

    def __len__(self) -> int:
        """How many there are."""
        return len(self.contents)

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """The images of some rows, in the order asked for: (len(rows), 3, height, width) uint8 RGB.

        Raises:
            ImageError: one cannot be decoded; the message says its number.
        """
        return _decoded(self._one, rows, self.height, self.width)

    def _one(self, row: np.intp) -> NDArray[np.uint8]:
        return fit(picture_of(self.contents[int(row)], f"image {row}").image, self.height, self.width)


def _decoded(one: Callable[[np.intp], NDArray[np.uint8]], rows: NDArray[np.intp], height: int, width: int) -> Tensor:
    """(len(rows), 3, height, width) from a function that decodes one image as (height, width, 3)."""
    # Pillow decodes without holding the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(thread_count()) as pool:
        decoded = list(pool.map(one, rows))
    pixels = np.stack(decoded) if decoded else np.empty((0, height, width, 3), np.uint8)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
