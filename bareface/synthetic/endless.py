"""Rendered faces as a source of images that never runs out and takes no memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bareface.synthetic.people import SyntheticFaces


@dataclass(frozen=True)
class EndlessFaces:
    """One photo each of people from a number on, rendered whenever it is asked for.

    Attributes:
        crowd: whose people.
        first: number of the first person.
        count: how many there are; a training draws from them as from a folder.
    """

    crowd: SyntheticFaces
    first: int
    count: int

    def __len__(self) -> int:
        return self.count

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """The images of some rows: (len(rows), 3, size, size) uint8 RGB."""
        return self.crowd.render(self.first + rows.astype(np.int64), np.zeros(len(rows), dtype=np.int64))
