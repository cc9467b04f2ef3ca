"""Siblings of an image: the same person as far as the latents say, everything else drawn anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.generator import Generator, Latents
from bareface.streams import stream


class SiblingMaker(Protocol):
    """Makes siblings of latents.

    Attributes:
        count: further images of each row.
    """

    @property
    def count(self) -> int:
        """Siblings of each row, not counting itself."""

    @property
    def noise_size(self) -> int:
        """Normal numbers that each sibling uses up."""

    def siblings(self, latents: Latents, noise: Tensor) -> Latents:
        """n rows and (n, count, noise_size) to n (1 + count) rows: each row, then its siblings."""


@runtime_checkable
class Varied(Protocol):
    """A generator that can vary one person."""

    def variation(self, count: int) -> SiblingMaker:
        """What makes so many siblings of each row."""


def variation_of(generator: Generator, count: int) -> SiblingMaker:
    """What makes `count` siblings of each row of this generator's latents.

    Raises:
        UsageError: the generator cannot vary one person.
    """
    if isinstance(generator, Varied):
        return generator.variation(count)
    raise UsageError(
        "siblings",
        got=f"{generator.name}, a generator that cannot vary one person",
        expected="a StyleGAN2, or a generator with a method variation(count)",
        hint="the objective agreement, and no siblings",
    )


def normal_noise(seed: int, numbers: Sequence[int], step: int, variation: SiblingMaker) -> Tensor:
    """(n, count, noise_size): row i is what restart numbers[i] draws at a step, whoever is with it."""
    shape = (variation.count, variation.noise_size)
    return torch.from_numpy(np.stack([stream(seed, "siblings", k, step).standard_normal(shape) for k in numbers]))


@dataclass(frozen=True)
class StyleMixing:
    """The coarse layers of a StyleGAN stay, the fine ones come from another z.

    Attributes:
        generator: one with the spaces z and w_plus.
        z_dim: size of its z.
        coarse: number of layers that stay; pose and shape are in the first, texture and colour in the last.
        count: siblings of each row.
    """

    generator: Generator
    z_dim: int
    coarse: int
    count: int = 3

    @property
    def noise_size(self) -> int:
        """One z."""
        return self.z_dim

    def siblings(self, latents: Latents, noise: Tensor) -> Latents:
        """The rows in w_plus, each followed by its siblings."""
        own = self.generator.to(latents, "w_plus").values[:, None]
        others = self.generator.to(Latents("z", noise.flatten(0, 1).to(own)), "w_plus").values
        mixed = others.reshape(*noise.shape[:2], *others.shape[1:]).clone()
        mixed[:, :, : self.coarse] = own[:, :, : self.coarse]
        return Latents("w_plus", torch.cat([own, mixed], 1).flatten(0, 1))


@dataclass(frozen=True)
class Redrawn:
    """The first numbers of a normal z stay, the others are drawn anew.

    Attributes:
        size: of z.
        kept: numbers that stay.
        count: siblings of each row.

    Raises:
        UsageError: nothing stays, or nothing is left to draw.
    """

    size: int
    kept: int
    count: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.kept < self.size:
            raise UsageError("Redrawn", got=f"kept={self.kept} of {self.size}", expected="some kept, some drawn")

    @property
    def noise_size(self) -> int:
        """What does not stay."""
        return self.size - self.kept

    def siblings(self, latents: Latents, noise: Tensor) -> Latents:
        """The rows in z, each followed by its siblings.

        Raises:
            UsageError: the latents lie in another space.
        """
        if latents.values.shape[1:] != (self.size,):
            got = f"latents in {latents.space!r} of shape {tuple(latents.values.shape[1:])}"
            raise UsageError("siblings", got=got, expected=f"z of {self.size} numbers", hint="the space z")
        own = latents.values[:, None]
        kept = own[..., : self.kept].expand(-1, self.count, -1)
        redrawn = torch.cat([kept, noise.to(own)], -1)
        return Latents(latents.space, torch.cat([own, redrawn], 1).flatten(0, 1))
