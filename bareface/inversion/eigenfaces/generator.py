"""Linear faces as a Generator: a mean, and k directions along which people, or the photos of one person, differ."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bareface.inversion.fingerprints import digest
from bareface.inversion.generator import Latents, displayed
from bareface.inversion.only_z import OnlyZ
from bareface.inversion.variation import Redrawn


@dataclass(frozen=True, eq=False)
class Eigenfaces(OnlyZ):
    """image = mean + sum over j of (sqrt(1 - w_j) h_j + sqrt(w_j) n_j) direction_j, all h and n standard normal.

    h is the person, n the photo; z holds h, then n. Directions are those of Fisher's discriminant: in them people and
    the photos of one person vary independently (Turk and Pentland 1991; Belhumeur et al. 1997; the linear Gaussian
    model of Prince and Elder 2007).

    Attributes:
        mean: (3, size, size) the average face, RGB in [0, 1].
        directions: (k, 3, size, size) one standard deviation of ordinary faces along each.
        within: (k,) w, the share of each direction's variance that is between photos of one person, in (0, 1).
        name, alignment, licence: as in reports.
    """

    mean: Tensor
    directions: Tensor
    within: Tensor
    name: str = "eigenfaces"
    alignment: str = "unknown"
    licence: str = "unknown"

    @property
    def size(self) -> int:
        """Side of the image."""
        return int(self.mean.shape[-1])

    @property
    def components(self) -> int:
        """k."""
        return len(self.within)

    @property
    def z_like(self) -> Tensor:
        """The person's numbers, then the photo's."""
        return torch.zeros(2 * self.components)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the numbers."""
        return digest("eigenfaces", self.mean, self.directions, self.within)

    def sample(self, n: int, generator: torch.Generator) -> Latents:
        """n standard normal z."""
        return Latents("z", torch.randn(n, 2 * self.components, generator=generator, device=generator.device))

    def render(self, latents: Latents, upto: int | None = None) -> Tensor:
        """(n, 3, size, size) RGB in [0, 1]; differentiable."""
        person, photo = torch.split(self.z_of(latents, upto), self.components, dim=1)
        within = self.within.to(person)
        along = (1 - within).sqrt() * person + within.sqrt() * photo
        faces = self.mean.to(along) + torch.tensordot(along, self.directions.to(along), dims=1)
        return displayed(faces, 0.0, 1.0)

    def variation(self, count: int = 3) -> Redrawn:
        """Further photos of the same person as siblings."""
        return Redrawn(2 * self.components, self.components, count)
