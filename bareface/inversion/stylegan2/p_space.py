"""P: the space in which w is closest to Gaussian."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.stylegan2.layers import GAIN, SLOPE

FLOOR = 1e-3  # smallest axis kept, relative to the largest: a direction that never varies must stay invertible


def before_activation(w: Tensor) -> Tensor:
    """Undo the last sqrt(2) * lrelu(x, 0.2) of the mapping network."""
    return torch.where(w < 0, w / SLOPE, w) / GAIN


def activation(p: Tensor) -> Tensor:
    """sqrt(2) * lrelu(x, 0.2): the inverse of `before_activation`."""
    return torch.where(p < 0, p * SLOPE, p) * GAIN


@dataclass(frozen=True)
class PSpace:
    """Coordinates on the principal axes of the last pre-activation, each divided by its spread: about N(0, I).

    Attributes:
        mean: (d,).
        axes: (d, d), one axis a column, widest first.
        spread: (d,) standard deviation along each axis.

    Reference: Zhu et al., "Improved StyleGAN Embedding: Where are the Good Latents?", arXiv 2012.09036, section 3.
    """

    mean: Tensor
    axes: Tensor
    spread: Tensor

    @classmethod
    def fit(cls, w: Tensor) -> "PSpace":
        """The space of (n, d) sampled w, computed in fp64 and kept in their dtype.

        Raises:
            UsageError: n <= d samples cannot span the space.
        """
        n, d = w.shape
        if n <= d:
            raise UsageError("PSpace.fit", got=f"{n} samples of {d} numbers", expected=f"more than {d}")
        p = before_activation(w.double())
        variance, axes = torch.linalg.eigh(torch.cov(p.t()).reshape(d, d))
        spread = variance.flip(0).clamp(min=0).sqrt()
        floor = spread[0].clamp(min=torch.finfo(torch.float32).tiny) * FLOOR
        return cls(p.mean(0).to(w), axes.flip(1).to(w), spread.clamp(min=floor).to(w))

    def whiten(self, w: Tensor) -> Tensor:
        """(..., d) w to (..., d) coordinates; standard normal for the w of a well-behaved generator."""
        return (before_activation(w) - self.mean) @ self.axes / self.spread

    def colour(self, p: Tensor) -> Tensor:
        """(..., d) coordinates to (..., d) w: the inverse of `whiten`."""
        return activation((p * self.spread) @ self.axes.t() + self.mean)
