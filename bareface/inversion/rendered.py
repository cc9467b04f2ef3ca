"""The synthetic face renderer as a Generator: nothing to train, and the identity lies apart from the rest."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bareface.inversion.fingerprints import digest
from bareface.inversion.generator import Latents
from bareface.inversion.only_z import OnlyZ
from bareface.inversion.variation import Redrawn
from bareface.synthetic.parameters import IDENTITY_SIZE, NUISANCE_SIZE
from bareface.synthetic.render import render_parameters

Z_DIM = IDENTITY_SIZE + NUISANCE_SIZE


@dataclass(frozen=True)
class RenderedFaces(OnlyZ):
    """Faces of people who do not exist; the first IDENTITY_SIZE numbers of z are the person, the others the photo.

    Attributes:
        size: side of the image in pixels, at least 16.
        name, alignment, licence: as in reports.
    """

    size: int = 32
    name: str = "rendered faces"
    alignment: str = "synthetic"
    licence: str = "Apache-2.0"

    @property
    def z_like(self) -> Tensor:
        """The person's numbers, then the photo's."""
        return torch.zeros(Z_DIM)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what a few fixed latents look like."""
        with torch.no_grad():
            faces = self.render(self.sample(4, torch.Generator().manual_seed(0)))
        return digest(self.name, self.size, (faces * 255).round().to(torch.uint8))

    def sample(self, n: int, generator: torch.Generator) -> Latents:
        """n standard normal z."""
        return Latents("z", torch.randn(n, Z_DIM, generator=generator, device=generator.device))

    def render(self, latents: Latents, upto: int | None = None) -> Tensor:
        """(n, 3, size, size) RGB in [0, 1]; differentiable."""
        z = self.z_of(latents, upto)
        return render_parameters(z[:, :IDENTITY_SIZE], z[:, IDENTITY_SIZE:], self.size)

    def variation(self, count: int = 3) -> Redrawn:
        """Further photos of the same person as siblings."""
        return Redrawn(Z_DIM, IDENTITY_SIZE, count)
