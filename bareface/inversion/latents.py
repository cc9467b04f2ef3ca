"""Where a search moves: whitened coordinates, in which every ordinary step is about one long."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.generator import Generator, LatentPrior, Latents


@dataclass(frozen=True)
class Coordinates:
    """The coordinates of n starting points.

    In a space with a prior they are whitened by it: about N(0, 1) each. Block features have none: there the
    coordinates are the way from the start, in standard deviations of the row's own features.

    Attributes:
        start: the starting points.
        prior: of their space, if there is one.
    """

    start: Latents
    prior: LatentPrior | None

    @classmethod
    def around(cls, generator: Generator, start: Latents) -> "Coordinates":
        """The coordinates of a generator's latents."""
        try:
            return cls(start, generator.prior(start.space))
        except UsageError:
            return cls(start, None)

    @property
    def origin(self) -> Tensor:
        """(n, ...) the coordinates of the start."""
        values = self.start.values.detach()
        return torch.zeros_like(values) if self.prior is None else self.prior.whiten(values)

    def latents(self, coordinates: Tensor, rows: slice | Tensor = slice(None)) -> Latents:
        """The latents of some rows at other coordinates; differentiable."""
        start = self.start[rows]
        if self.prior is not None:
            return start.with_values(self.prior.colour(coordinates))
        values = start.values.detach()
        scale = values.flatten(1).std(1).reshape(-1, *[1] * (values.ndim - 1))
        return start.with_values(values + coordinates * scale)
