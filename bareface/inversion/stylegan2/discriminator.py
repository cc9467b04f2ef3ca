"""Real or generated: the residual discriminator with minibatch standard deviation; names are NVIDIA's."""

from math import gcd, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.fir import blur, downsample2d
from bareface.inversion.stylegan2.layers import EPSILON, GAIN, Dense, leaky_relu

GROUP = 4  # images compared with one another by the minibatch standard deviation


class Conv(nn.Module):
    """Convolution scaled by 1 / sqrt(fan-in), leaky ReLU with a gain, clamp."""

    def __init__(self, inputs: int, outputs: int, size: int, *, gain: float = 1.0, clamp: float | None = None) -> None:
        super().__init__()
        self.gain, self.clamp = gain, clamp
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, down: bool = False) -> Tensor:
        """(n, inputs, r, r) to (n, outputs, r, r), or half the side if `down` (3x3 only)."""
        gain = GAIN * self.gain
        weight = (self.weight * (gain / sqrt(self.weight[0].numel()))).to(x.dtype)
        bias = (self.bias * gain).to(x.dtype)
        if down:
            y = F.conv2d(blur(x, pad=2), weight, bias, stride=2)
        else:
            y = F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
        return leaky_relu(y, None if self.clamp is None else self.clamp * self.gain)


class Skip(nn.Module):
    """Half the side, 1x1 convolution, no bias, no activation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, 2r, 2r) to (n, outputs, r, r), times sqrt(1/2)."""
        weight = (self.weight * sqrt(0.5 / self.weight.shape[1])).to(x.dtype)
        return F.conv2d(downsample2d(x), weight)


class DiscriminatorBlock(nn.Module):
    """Two convolutions and the shortcut; the first block also reads the image."""

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        channels, outputs, clamp = config.channels[index], config.channels[index - 1], config.conv_clamp
        first = index == len(config.channels) - 1
        self.fromrgb = Conv(config.rgb_channels, channels, 1, clamp=clamp) if first else None
        self.conv0 = Conv(channels, channels, 3, clamp=clamp)
        self.conv1 = Conv(channels, outputs, 3, gain=sqrt(0.5), clamp=clamp)
        self.skip = Skip(channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels or rgb_channels, 2r, 2r) to (n, outputs, r, r)."""
        x = x if self.fromrgb is None else self.fromrgb(x)
        return self.skip(x) + self.conv1(self.conv0(x), down=True)  # type: ignore[no-any-return]


class Epilogue(nn.Module):
    """From 4x4 features to one logit."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = config.channels[0]
        self.conv = Conv(channels + 1, channels, 3, clamp=config.conv_clamp)
        self.fc = Dense(channels * 16, channels, activate=True)
        self.out = Dense(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, 4, 4) to (n,)."""
        x = self.conv(torch.cat([x, minibatch_std(x)], 1))
        return self.out(self.fc(x.flatten(1)))[:, 0]  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """The mirror of a generator's configuration: image to logit, > 0 = real.

    Raises:
        UsageError: the configuration has no block above 4 pixels.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        if len(config.channels) < 2:
            raise UsageError("Discriminator", got="a 4-pixel configuration", expected="8 pixels or more")
        for index in reversed(range(1, len(config.channels))):
            self.add_module(f"b{config.resolutions[index]}", DiscriminatorBlock(config, index))
        self.b4 = Epilogue(config)

    def forward(self, images: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """(n, rgb_channels, r, r) in [-1, 1] to (n,) logits; features above 4 pixels in `dtype`, else as `images`."""
        x = images.to(dtype or images.dtype, memory_format=torch.channels_last)
        for resolution in reversed(self.config.resolutions[1:]):
            x = self.get_submodule(f"b{resolution}")(x)
        return self.b4(x.to(images.dtype))  # type: ignore[no-any-return]


def minibatch_std(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, 1, h, w): how much the images of a group differ, one number for each group of up to 4.

    Reference: Karras et al., "Progressive Growing of GANs", ICLR 2018, section 3.
    """
    n, c, h, w = x.shape
    grouped = x.reshape(gcd(n, GROUP), -1, c, h, w)
    spread = (grouped - grouped.mean(0)).square().mean(0).add(EPSILON).sqrt().mean((1, 2, 3))
    return spread.repeat(len(grouped)).view(n, 1, 1, 1).expand(-1, 1, h, w)
