"""What generators have in common that know one latent space and render the whole image only."""

from typing import Protocol

from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.generator import LatentPrior, Latents, standard_normal


class _Whole(Protocol):
    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def size(self) -> int:
        """Side of the image."""

    @property
    def z_like(self) -> Tensor:
        """(z_dim,) zeros, where and in the precision in which it computes."""


class OnlyZ:
    """A part of a Generator with `name`, `size` and `z_like`: one space, z, which is standard normal."""

    @property
    def spaces(self) -> tuple[str, ...]:
        """Only z."""
        return ("z",)

    @property
    def resolutions(self: _Whole) -> tuple[int, ...]:
        """Only the whole image."""
        return (self.size,)

    def to(self: _Whole, latents: Latents, space: str) -> Latents:
        """The latents themselves: there is no other space."""
        _refuse_other(self.name, latents.space)
        _refuse_other(self.name, space)
        return latents

    def prior(self: _Whole, space: str) -> LatentPrior:
        """N(0, I)."""
        _refuse_other(self.name, space)
        return standard_normal("z", self.z_like)

    def z_of(self: _Whole, latents: Latents, upto: int | None) -> Tensor:
        """(n, z_dim) what is to be rendered, if it is z and the whole image.

        Raises:
            UsageError: it is not.
        """
        _refuse_other(self.name, latents.space)
        if upto not in (None, self.size):
            raise UsageError(f"{self.name}: render", got=f"upto={upto}", expected=f"None or {self.size}")
        return latents.values


def _refuse_other(name: str, space: str) -> None:
    if space != "z":
        raise UsageError(f"{name}: latent space", got=repr(space), expected="'z'")
