"""Any network that turns z into an image, as a Generator."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from bareface.errors import TargetError, UsageError
from bareface.inversion.generator import Latents, check_images, displayed, fingerprint
from bareface.inversion.only_z import OnlyZ

OVERSHOOT, STRAYS = 0.25, 0.01  # unbounded networks overshoot a little: 1 % of the pixels by a quarter of the range
PROBED = 16


@dataclass(frozen=True)
class FactoryGenerator(OnlyZ):
    """A network (n, z_dim) -> (n, channels, size, size) with N(0, I) latents.

    Attributes:
        name: what reports call it.
        network: put into evaluation mode, weights frozen; (n, z_dim) or, with `z_is_map`, (n, z_dim, 1, 1) goes in.
        z_dim: size of the latent.
        size: side of the square image.
        value_range: of the network's pixels; (-1, 1) for tanh, (0, 1) for a sigmoid.
        channels: 3 (RGB) or 1 (grey).
        z_is_map: DCGAN style input.
        alignment, licence: said by whoever brings it.

    Raises:
        TargetError: 16 probes do not have the declared size or do not lie in the declared range.
        UsageError: the declared range is empty or `channels` is neither 1 nor 3.
    """

    name: str
    network: nn.Module
    z_dim: int
    size: int
    value_range: tuple[float, float]
    channels: int = 3
    z_is_map: bool = False
    alignment: str = "unknown"
    licence: str = "unknown"

    def __post_init__(self) -> None:
        low, high = self.value_range
        if not low < high or self.channels not in (1, 3) or min(self.z_dim, self.size) < 1:
            got = f"value_range={self.value_range}, channels={self.channels}, z_dim={self.z_dim}, size={self.size}"
            raise UsageError(self.name, got=got, expected="low < high, 1 or 3 channels, positive sizes")
        self.network.eval().requires_grad_(False)
        z = torch.randn(PROBED, self.z_dim, generator=torch.Generator().manual_seed(0)).to(self._parameter)
        with torch.no_grad():
            self._check_range(self._pixels(z))

    @classmethod
    def load(cls, factory: str, **declared: Any) -> "FactoryGenerator":
        """The generator whose network `factory` ("package.module:function") builds; runs that function.

        Raises:
            UsageError: there is no such function.
            TargetError: it returns no module, or as above.
        """
        network = _resolve(factory)()
        if not isinstance(network, nn.Module):
            raise TargetError(factory, got=f"a {type(network).__name__}", expected="a torch.nn.Module")
        return cls(factory, network, **declared)

    @property
    def z_like(self) -> Tensor:
        """One z, all zeros."""
        return self._parameter.new_zeros(self.z_dim)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights and of what was declared."""
        return fingerprint(self.network, {"z_dim": self.z_dim, "size": self.size, "range": self.value_range})

    def sample(self, n: int, generator: torch.Generator) -> Latents:
        """n standard normal z."""
        z = torch.randn(n, self.z_dim, generator=generator, device=generator.device)
        return Latents("z", z.to(self._parameter))

    def render(self, latents: Latents, upto: int | None = None) -> Tensor:
        """(n, 3, size, size) RGB in [0, 1]."""
        return displayed(self._pixels(self.z_of(latents, upto)), *self.value_range)

    @property
    def _parameter(self) -> Tensor:
        return next(self.network.parameters(), torch.zeros(())).detach()

    def _pixels(self, z: Tensor) -> Tensor:
        images = self.network(z[:, :, None, None] if self.z_is_map else z)
        return check_images(f"{self.name}: forward()", images, len(z), self.channels, self.size)

    def _check_range(self, images: Tensor) -> None:
        """A wrong declaration shows as pixels far outside the range, or as a small or one-sided part of it."""
        low, high = self.value_range
        unit = (images.float() - low) / (high - low)
        strays = ((unit < -OVERSHOOT) | (unit > 1 + OVERSHOOT)).float().mean().item()
        narrow = (unit.max() - unit.min()).item() < 0.05
        if strays > STRAYS or narrow or unit.min() >= 0.5:
            raise TargetError(
                f"{self.name}: pixel values",
                got=f"{images.min():.3g} to {images.max():.3g} in {len(images)} images",
                expected=f"most of the declared range {low:g} to {high:g}",
                hint="value_range=(0, 1), (-1, 1) or (0, 255), whichever the network was trained with",
            )


def _resolve(factory: str) -> Callable[[], object]:
    module, _, function = factory.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            factory, got=str(error), expected="'package.module:function'", hint="run from where it can be imported"
        ) from error
    if not callable(found):
        raise UsageError(factory, got=f"a {type(found).__name__}", expected="a function that builds the network")
    return found  # type: ignore[no-any-return]
