"""What pixels a backbone expects."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

ChannelOrder = Literal["RGB", "BGR", "GRAY"]


@dataclass(frozen=True)
class ImageSpec:
    """Size, channel order and normalisation of a backbone's input: x -> (x - mean) / std with x in 0..255.

    Attributes:
        height, width: of the input, in pixels.
        order: channel order; `GRAY` is one channel, the ITU-R 601 luma.
        mean, std: on the 0..255 scale, one number for all channels or one for each.
    """

    height: int
    width: int
    order: ChannelOrder = "RGB"
    mean: tuple[float, ...] = (127.5,)
    std: tuple[float, ...] = (127.5,)

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return 1 if self.order == "GRAY" else 3

    def normalise(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) uint8 RGB to the (n, channels, h, w) float32 that the backbone takes."""
        pixels = images.float()
        if self.order == "BGR":
            pixels = pixels.flip(1)
        elif self.order == "GRAY":
            luma = torch.tensor([0.299, 0.587, 0.114], device=pixels.device).view(1, 3, 1, 1)
            pixels = (pixels * luma).sum(1, keepdim=True)
        mean = torch.tensor(self.mean, device=pixels.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, -1, 1, 1)
        return (pixels - mean) / std

    def __str__(self) -> str:
        mean, std = (" ".join(f"{v:g}" for v in values) for values in (self.mean, self.std))
        return f"{self.height}x{self.width} {self.order}, (x - {mean}) / {std}"


USUAL_INPUT = ImageSpec(112, 112)
"""What most face recognisers take; stands in where a target does not say."""
