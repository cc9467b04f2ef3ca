"""Toy worlds for stage 2: a small backbone and a linear generator, by which an inversion can be worked out by hand."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.inversion.generator import LatentPrior, Latents, standard_normal
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.views import STILL, UNAUGMENTED, ViewAugmentation
from bareface.settings.spec import ChannelOrder, ImageSpec
from bareface.targets.target import Target

SIDE = 8
STILL_LIFE = replace(UNAUGMENTED, pairs=1)


def seeded(number: int = 0) -> torch.Generator:
    """A stream of its own."""
    return torch.Generator().manual_seed(number)


def small_target(seed: int = 0, dtype: torch.dtype = torch.float64, channels: int = 3, side: int = SIDE) -> Target:
    """Three BatchNorm layers, one of them after pooling, with drawn statistics; smooth, so that gradients exist."""
    net = nn.Sequential(
        nn.Conv2d(channels, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.Tanh(),
        nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.Tanh(),
        nn.Flatten(), nn.Linear(6 * (side // 4) ** 2, 5), nn.BatchNorm1d(5),
    )  # fmt: skip
    stream = seeded(seed)
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=stream)
            value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else 0.5 * drawn)
    order: ChannelOrder = "GRAY" if channels == 1 else "RGB"
    return Target(f"small {seed}", "small", net.to(dtype), ImageSpec(side, side, order))


def noise_images(n: int, side: int = SIDE, seed: int = 3, dtype: torch.dtype = torch.float64) -> Tensor:
    """(n, 3, side, side) in [0, 1]."""
    return torch.rand(n, 3, side, side, generator=seeded(seed), dtype=dtype)


def still(images: Tensor) -> ViewBatch:
    """(n, 3, h, w) or (n, s, 3, h, w) images as they are, with their mirror images."""
    images = images if images.ndim == 5 else images[:, None]
    return through(images, torch.tensor(STILL, dtype=torch.float64).expand(*images.shape[:2], 1, -1))


def through(images: Tensor, draws: Tensor, augmentation: ViewAugmentation | None = None) -> ViewBatch:
    """(n, s, 3, h, w) images through the windows of (n, s, q, 6) draws."""
    augmentation = augmentation or ViewAugmentation()
    return ViewBatch(images, augmentation.windows(draws), augmentation.swapped(draws), torch.arange(len(images)))


@dataclass(frozen=True)
class LinearGenerator:
    """image = 0.5 + z A, clamped nowhere; stays in [0, 1] for ordinary z."""

    matrix: Tensor
    broken_at: float | None = None  # a first coordinate beyond which pixels are NaN
    gain: float = 1.0
    name: str = "linear"
    size: int = SIDE
    spaces: tuple[str, ...] = ("z", "free")
    resolutions: tuple[int, ...] = (SIDE,)
    alignment: str = "unknown"
    licence: str = "none"

    @classmethod
    def drawn(cls, dims: int = 6, dtype: torch.dtype = torch.float64) -> "LinearGenerator":
        flat = torch.randn(3 * SIDE * SIDE, dims, generator=seeded(9), dtype=torch.float64)
        return cls(0.4 * torch.linalg.qr(flat).Q.T.contiguous().to(dtype))

    @property
    def fingerprint(self) -> str:
        return str(self.matrix.double().sum().item())

    def sample(self, n: int, generator: torch.Generator) -> Latents:
        return Latents("z", torch.randn(n, len(self.matrix), generator=generator, dtype=torch.float64).to(self.matrix))

    def to(self, latents: Latents, space: str) -> Latents:
        return replace(latents, space=space)

    def render(self, latents: Latents, upto: int | None = None) -> Tensor:
        z = latents.values
        if self.broken_at is not None:
            z = torch.where(z[:, :1] > self.broken_at, torch.nan, z)
        return self.gain * (0.5 + (z @ self.matrix).reshape(-1, 3, SIDE, SIDE))

    def prior(self, space: str) -> LatentPrior:
        if space != "z":
            raise UsageError("linear", got=space, expected="z")
        return standard_normal("z", self.matrix.new_zeros(len(self.matrix)))
