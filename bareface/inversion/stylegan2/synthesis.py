"""From styles to an image, block by block, resumable after every block."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.fir import upsample2d
from bareface.inversion.stylegan2.layers import NoiseMode, StyledConv, ToRGB


class Features(NamedTuple):
    """What leaves a block, and all that the next one needs besides its styles.

    Attributes:
        block: the block's resolution.
        x: (n, channels, block, block) features.
        rgb: (n, rgb_channels, block, block) sum of the images so far: already a low-resolution rendering.
    """

    block: int
    x: Tensor
    rgb: Tensor


class SynthesisBlock(nn.Module):
    """Two styled convolutions (one at 4 pixels, which starts from a learned constant) and a ToRGB."""

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        self.resolution = config.resolutions[index]
        outputs, w_dim, clamp = config.channels[index], config.w_dim, config.conv_clamp
        if index == 0:
            self.const = nn.Parameter(torch.zeros(outputs, 4, 4))
        else:
            inputs = config.channels[index - 1]
            self.conv0 = StyledConv(inputs, outputs, w_dim, self.resolution, up=True, clamp=clamp)
        self.conv1 = StyledConv(outputs, outputs, w_dim, self.resolution, up=False, clamp=clamp)
        self.torgb = ToRGB(outputs, config.rgb_channels, w_dim, clamp=clamp)

    def forward(
        self,
        before: Features | None,
        ws: tuple[Tensor, ...],
        noise: NoiseMode,
        generator: torch.Generator | None,
        dtype: torch.dtype,
    ) -> Features:
        """The block's features; `ws` holds one (n, w_dim) for each convolution and one for the ToRGB."""
        if before is None:
            x = self.const.to(dtype).expand(len(ws[0]), -1, -1, -1)
        else:
            x = self.conv0(before.x.to(dtype), ws[0], noise, generator)
        x = self.conv1(x.contiguous(memory_format=torch.channels_last), ws[-2], noise, generator)
        rgb = self.torgb(x, ws[-1]).to(ws[-1].dtype)
        return Features(self.resolution, x, rgb if before is None else upsample2d(before.rgb) + rgb)


class Synthesis(nn.Module):
    """The synthesis network with skip connections."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        for index, resolution in enumerate(config.resolutions):
            self.add_module(f"b{resolution}", SynthesisBlock(config, index))

    def forward(
        self,
        ws: Tensor,
        *,
        noise: NoiseMode = "const",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """(n, num_ws, w_dim) styles to (n, rgb_channels, resolution, resolution), unbounded; [-1, 1] is displayed."""
        return self.run(ws, noise=noise, generator=generator, dtype=dtype).rgb

    def run(
        self,
        ws: Tensor,
        *,
        upto: int | None = None,
        start: tuple[int, Tensor, Tensor] | None = None,
        noise: NoiseMode = "const",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> Features:
        """The features after block `upto` (the last by default), from the constant or from those in `start`.

        Args:
            ws: (n, num_ws, w_dim).
            start: (block, x, rgb) as an earlier run returned it; the blocks up to it are not run again.
            noise: `const` = the maps of the checkpoint, `random` = drawn from `generator`, `none`.
            dtype: of the features; that of `ws` by default. The image keeps the dtype of `ws`.

        Raises:
            UsageError: shapes that do not fit the network, or no block left to run.
        """
        self._check_styles(ws)
        features = None if start is None else Features(*start)
        for block, styles in self._blocks(ws, 0 if features is None else features.block, upto):
            features = block(features, styles, noise, generator, dtype or ws.dtype)
        if features is None:
            raise AssertionError("the first block is always run when there is no start")
        return features

    def _blocks(self, ws: Tensor, after: int, upto: int | None) -> Iterator[tuple[nn.Module, tuple[Tensor, ...]]]:
        last = self.config.resolution if upto is None else upto
        if last not in self.config.resolutions or after not in (0, *self.config.resolutions) or after > last:
            raise UsageError(
                "synthesis.run",
                got=f"start after block {after}, upto={upto}",
                expected=f"blocks among {self.config.resolutions}, start before the end",
            )
        for index, resolution in enumerate(self.config.resolutions):
            if after < resolution <= last:
                first = max(2 * index - 1, 0)
                yield self.get_submodule(f"b{resolution}"), ws[:, first : 2 * index + 2].unbind(1)

    def _check_styles(self, ws: Tensor) -> None:
        expected = (self.config.num_ws, self.config.w_dim)
        if ws.ndim != 3 or tuple(ws.shape[1:]) != expected:
            raise UsageError(
                "synthesis.run",
                got=f"styles of shape {tuple(ws.shape)}",
                expected=f"(n, {expected[0]}, {expected[1]})",
                hint="mapping.broadcast(w) turns one w for each image into all of them",
            )
