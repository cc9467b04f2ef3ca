"""StyleGAN2 as a Generator: the spaces z, w, w_plus, p and the features after each block."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.generator import (
    LatentPrior,
    Latents,
    check_images,
    displayed,
    fingerprint,
    standard_normal,
)
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.inversion.stylegan2.p_space import PSpace
from bareface.inversion.variation import Redrawn, SiblingMaker, StyleMixing
from bareface.streams import seed_for

P_SAMPLES = 10_000


@dataclass(frozen=True)
class StyleGAN2Generator:
    """A StyleGAN2 with constant noise.

    The spaces: `z`; `w`; `w_plus`, one w for each layer; `p`, whitened coordinates of w; and `b4`, `b8`, ...: the
    features after a block, with the image so far (`rgb`) and the later styles (`ws`) as context.

    Attributes:
        name: what reports call it.
        network: the weights, on any device and in any floating dtype.
        psi: truncation of every w that comes from a z; 1 = none.
        dtype: of the features, to render fp32 weights in bf16; that of the weights by default.
        alignment, licence: as the checkpoint's card says.
        person: the first so many numbers of z say who is on an image; 0 = z does not tell people from photos.
    """

    name: str
    network: StyleGAN2
    psi: float = 1.0
    dtype: torch.dtype | None = None
    alignment: str = "unknown"
    licence: str = "unknown"
    person: int = 0

    def __post_init__(self) -> None:
        self.network.eval().requires_grad_(False)

    @property
    def size(self) -> int:
        """Side of the image in pixels."""
        return self.network.config.resolution

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., size: the sum of the RGB layers so far is a rendering at each."""
        return self.network.config.resolutions

    @property
    def spaces(self) -> tuple[str, ...]:
        """z, w, w_plus, p and one for each block but the last."""
        return ("z", "w", "w_plus", "p", *(f"b{side}" for side in self.resolutions[:-1]))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the architecture and the weights; truncation is not part of it."""
        return fingerprint(self.network, asdict(self.network.config))

    @cached_property
    def p_space(self) -> PSpace:
        """Fitted once to 10,000 w, the same for the same weights."""
        stream = torch.Generator().manual_seed(seed_for(0, "p space"))
        count = max(P_SAMPLES, 4 * self.network.config.w_dim)
        with torch.no_grad():
            return PSpace.fit(self.network.mapping(self.sample(count, stream).values))

    def sample(self, n: int, generator: torch.Generator) -> Latents:
        """n standard normal z."""
        z = torch.randn(n, self.network.config.z_dim, generator=generator, device=generator.device)
        return Latents("z", z.to(self._w_avg))

    def to(self, latents: Latents, space: str) -> Latents:
        """The same images in another space: any way but back to z, out of w_plus, or out of the features.

        Raises:
            UsageError: there is no such way.
        """
        if space == latents.space and space in self.spaces:
            return latents
        if space in ("w", "p") and latents.space in ("z", "w", "p"):
            w = self._w(latents)
            return Latents(space, w if space == "w" else self.p_space.whiten(w))
        if space == "w_plus" and latents.space in ("z", "w", "p"):
            return Latents(space, self._styles(latents))
        if space in self.spaces[4:] and latents.space in self.spaces[:4]:
            return self._after_block(latents, int(space[1:]))
        raise self._no_way(f"from {latents.space!r} to {space!r}")

    def render(self, latents: Latents, upto: int | None = None) -> Tensor:
        """(n, 3, side, side) RGB in [0, 1], side = `upto` or `size`; clamped, with the gradient let through."""
        context = latents.context
        start = None
        if latents.space in self.spaces[4:]:
            start = (int(latents.space[1:]), latents.values, _of(context, "rgb"))
        ws = self._styles(latents)
        rgb = self.network.synthesis.run(ws, upto=upto, start=start, dtype=self._features).rgb
        side = upto or self.size
        check_images(f"{self.name}: render", rgb, len(latents), self.network.config.rgb_channels, side)
        return displayed(rgb, -1.0, 1.0)

    def prior(self, space: str) -> LatentPrior:
        """N(0, I) of z and p; of w and of every layer of w_plus the Gaussian in P.

        Raises:
            UsageError: block features have none.
        """
        config, p = self.network.config, self.p_space
        if space in ("z", "p"):
            return standard_normal(space, self._w_avg.new_zeros(config.z_dim if space == "z" else config.w_dim))
        if space not in ("w", "w_plus"):
            raise self._no_way(f"a prior of {space!r}")
        centre = p.colour(torch.zeros_like(p.mean))
        mean = centre if space == "w" else centre.expand(config.num_ws, -1)
        return LatentPrior(space, mean, p.whiten, p.colour)

    def variation(self, count: int = 3) -> SiblingMaker:
        """Siblings: the same person's numbers in z if it has them, else the same coarse layers."""
        config = self.network.config
        if self.person:
            return Redrawn(config.z_dim, self.person, count)
        return StyleMixing(self, config.z_dim, config.num_ws // 2, count)

    def _w(self, latents: Latents) -> Tensor:
        if latents.space == "z":
            mapping = self.network.mapping
            return mapping.truncate(mapping(latents.values), self.psi)
        return latents.values if latents.space == "w" else self.p_space.colour(latents.values)

    def _styles(self, latents: Latents) -> Tensor:
        if latents.space == "w_plus":
            return latents.values
        if latents.space in self.spaces[4:]:
            return _of(latents.context, "ws")
        if latents.space not in self.spaces:
            raise self._no_way(f"latents in {latents.space!r}")
        return self.network.mapping.broadcast(self._w(latents))

    def _after_block(self, latents: Latents, block: int) -> Latents:
        ws = self._styles(latents)
        after = self.network.synthesis.run(ws, upto=block, dtype=self._features)
        return Latents(f"b{block}", after.x, {"rgb": after.rgb, "ws": ws})

    @property
    def _w_avg(self) -> Tensor:
        return self.network.mapping.w_avg

    @property
    def _features(self) -> torch.dtype:
        return self.dtype or self._w_avg.dtype

    def _no_way(self, got: str) -> UsageError:
        return UsageError(
            f"{self.name}: latent spaces",
            got=got,
            expected=f"one of {', '.join(self.spaces)}, reached from z towards the image",
        )


def _of(context: Mapping[str, Tensor], name: str) -> Tensor:
    try:
        return context[name]
    except KeyError as error:
        raise UsageError(
            "Latents.context", got=f"no {name!r}", expected="the context that `to` returned with the features"
        ) from error
