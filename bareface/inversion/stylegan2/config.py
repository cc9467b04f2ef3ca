"""The shape of a StyleGAN2."""

from dataclasses import dataclass
from typing import Any, ClassVar

from bareface.errors import UsageError


@dataclass(frozen=True)
class Config:
    """Everything that fixes the architecture ('skip' generator, unconditional, FIR filter [1, 3, 3, 1]).

    Attributes:
        channels: feature channels of the blocks at 4, 8, 16, ... pixels; their number fixes the resolution.
        z_dim, w_dim: sizes of the two latent spaces.
        mapping_layers: dense layers between them (8 in the paper, 2 in NVIDIA's 'auto' presets).
        mapping_lr: learning-rate multiplier of those layers, part of how their weights are stored.
        rgb_channels: 3, or 1 for grey images.
        conv_clamp: activations are kept within +-conv_clamp (times their gain); None = unbounded.

    Raises:
        UsageError: a number that no network can be built from.

    Reference: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020.
    """

    channels: tuple[int, ...]
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    mapping_lr: float = 0.01
    rgb_channels: int = 3
    conv_clamp: float | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        sizes = (*self.channels, self.z_dim, self.w_dim, self.mapping_layers)
        if not self.channels or min(sizes) < 1 or self.mapping_lr <= 0:
            raise UsageError("stylegan2.Config", got=str(self), expected="positive sizes and one block at least")
        if self.rgb_channels not in (1, 3):
            raise UsageError("stylegan2.Config", got=f"rgb_channels={self.rgb_channels}", expected="1 or 3")
        if self.conv_clamp is not None and self.conv_clamp <= 0:
            raise UsageError("stylegan2.Config", got=f"conv_clamp={self.conv_clamp}", expected="None or > 0")

    @classmethod
    def scaled(cls, resolution: int, *, channel_base: int = 32768, channel_max: int = 512, **others: Any) -> "Config":
        """The published sizes: min(channel_base / r, channel_max) channels at r pixels.

        Raises:
            UsageError: the resolution is no power of two from 4 on.
        """
        if resolution < 4 or resolution & (resolution - 1):
            raise UsageError("stylegan2.Config", got=f"resolution={resolution}", expected="4, 8, 16, ...")
        sides = [4 << i for i in range(resolution.bit_length() - 2)]
        return cls(tuple(min(channel_base // side, channel_max) for side in sides), **others)

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The side of each block's output in pixels: 4, 8, 16, ..."""
        return tuple(4 << i for i in range(len(self.channels)))

    @property
    def resolution(self) -> int:
        """The side of the image in pixels."""
        return self.resolutions[-1]

    @property
    def num_ws(self) -> int:
        """How many w a picture takes: one for each convolution, and one for the last ToRGB."""
        return 2 * len(self.channels)
