"""What an attack says of each image, in one direction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """One number for each image of a trace; higher = more likely a member.

    Attributes:
        values: (n,) float64, any scale, never infinite; NaN = the attack abstained on this image.
    """

    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or np.isinf(self.values).any():
            raise AssertionError("scores are a vector of finite numbers or NaN")

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """(n,) where the attack gave no answer."""
        return np.isnan(self.values)
