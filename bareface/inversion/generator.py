"""What a search needs to know of a generator, whatever it is made of."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from bareface.errors import TargetError, UsageError

NOTHING: Mapping[str, Tensor] = MappingProxyType({})


@dataclass(frozen=True)
class Latents:
    """n starting points in one latent space.

    Attributes:
        space: its name, one of the generator's `spaces`.
        values: (n, ...) what a search moves.
        context: further (n, ...) tensors that a rendering needs and a search leaves alone.
    """

    space: str
    values: Tensor
    context: Mapping[str, Tensor] = field(default_factory=lambda: NOTHING)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Tensor | slice | Sequence[int]) -> "Latents":
        """Some of the rows."""
        rows = torch.as_tensor(rows) if not isinstance(rows, slice | Tensor) else rows
        return replace(
            self, values=self.values[rows], context={name: value[rows] for name, value in self.context.items()}
        )

    def with_values(self, values: Tensor) -> "Latents":
        """The same rows moved to other values of the same shape."""
        if values.shape != self.values.shape:
            raise UsageError(
                "Latents.with_values", got=f"shape {tuple(values.shape)}", expected=f"{tuple(self.values.shape)}"
            )
        return replace(self, values=values)


@dataclass(frozen=True)
class LatentPrior:
    """What is ordinary in a latent space: a standard normal law on whitened coordinates.

    Attributes:
        space: the space's name.
        mean: (...) the centre, shaped like one row of its values.
        whiten: (n, ...) values to (n, ...) coordinates that are about N(0, 1) each; differentiable.
        colour: the inverse of `whiten`.
    """

    space: str
    mean: Tensor
    whiten: Callable[[Tensor], Tensor]
    colour: Callable[[Tensor], Tensor]

    def log_prob(self, values: Tensor) -> Tensor:
        """(n,) log density of the whitened coordinates, in nats."""
        white = self.whiten(values).flatten(1)
        return -0.5 * (white.square().sum(1) + white.shape[1] * math.log(2 * math.pi))


def standard_normal(space: str, like: Tensor) -> LatentPrior:
    """The prior of a space whose values are N(0, 1) as they are; `like` is shaped as one row."""
    return LatentPrior(space, torch.zeros_like(like), whiten=lambda values: values, colour=lambda white: white)


class Generator(Protocol):
    """Proposes faces. Images are RGB in [0, 1], whatever the network inside uses."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def size(self) -> int:
        """Side of the square image in pixels."""

    @property
    def spaces(self) -> tuple[str, ...]:
        """Names of the latent spaces; the first is the one that `sample` draws from."""

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The sides at which `render` can stop, `size` last."""

    @property
    def alignment(self) -> str:
        """How faces lie in the image, for example `ffhq` or `arcface-112`; `unknown` if nobody said."""

    @property
    def licence(self) -> str:
        """The licence of the weights; `unknown` if nobody said."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the architecture and the weights."""

    def sample(self, n: int, generator: torch.Generator) -> Latents:
        """n latents in the first space, drawn from `generator`."""

    def to(self, latents: Latents, space: str) -> Latents:
        """The same images in another space.

        Raises:
            UsageError: there is no way from the one space to the other.
        """

    def render(self, latents: Latents, upto: int | None = None) -> Tensor:
        """(n, 3, size, size) RGB in [0, 1], or (n, 3, upto, upto); differentiable.

        Raises:
            UsageError: the space or the size is not the generator's.
            TargetError: the network returned something that is no such image.
        """

    def prior(self, space: str) -> LatentPrior:
        """What is ordinary in a space.

        Raises:
            UsageError: the space has no prior.
        """


@runtime_checkable
class Personal(Protocol):
    """A generator some of whose latents may say who is on an image."""

    @property
    def person(self) -> int:
        """The first so many numbers of z are the person; 0 = z does not tell people from photos."""


def tells_people(generator: Generator) -> bool:
    """Whether z of this generator tells the person from the photo."""
    return isinstance(generator, Personal) and generator.person > 0


class _ClampThrough(torch.autograd.Function):
    """Clamped forwards, untouched backwards."""

    @staticmethod
    def forward(ctx: object, images: Tensor) -> Tensor:
        return images.clamp(0, 1)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def displayed(images: Tensor, low: float, high: float) -> Tensor:
    """(n, 1 or 3, h, w) in [low, high] to (n, 3, h, w) in [0, 1].

    Values outside are clamped, so that a search scores the pixels that a file would hold; the gradient passes as if
    they were not, so that it can bring them back.
    """
    unit = (images - low) / (high - low)
    clamped: Tensor = _ClampThrough.apply(unit)  # type: ignore[no-untyped-call]
    return clamped.expand(-1, 3, -1, -1)


def check_images(where: str, images: object, n: int, channels: int, side: int) -> Tensor:
    """The images, if they are (n, channels, side, side) finite numbers.

    Raises:
        TargetError: they are not.
    """
    expected = (n, channels, side, side)
    if not isinstance(images, Tensor):
        got = f"a {type(images).__name__}"
        raise TargetError(where, got=got, expected=f"a tensor of shape {expected}", hint="return the image alone")
    if tuple(images.shape) != expected:
        raise TargetError(
            where, got=f"images of shape {tuple(images.shape)}", expected=f"{expected}", hint="declare the true size"
        )
    bad = int((~torch.isfinite(images.detach())).flatten(1).any(1).sum())
    if bad:
        raise TargetError(
            where,
            got=f"NaN or infinite pixels in {bad} of {n} images",
            expected="finite numbers",
            hint="fp32 instead of half precision, or a checkpoint that is whole",
        )
    return images


def fingerprint(network: nn.Module, description: Mapping[str, object]) -> str:
    """SHA-256 of a description and of every parameter and buffer by name."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(network.state_dict().items()):
        value = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
