"""Differentiable views of an image: a random resized crop, a small shift, and the mirror image of each.

What is random comes as numbers, drawn for each row from its own stream: a row sees the same views whichever other rows
are with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.alignment import WHOLE, CropWindow
from bareface.streams import stream

DRAWS = 6  # area, crop x, crop y, shift x, shift y, flip
STILL = (0.0, 0.0, 0.0, 0.5, 0.5, 0.0)  # no crop, no shift, no flip


@dataclass(frozen=True)
class ViewAugmentation:
    """How a view may differ from the image.

    Attributes:
        crop: smallest share of the area that a random crop keeps; 1 = no crop.
        shift: largest shift to each side, in widths of the view.
        flip: whether the two images of a pair change places at random.
        pairs: views of an image at each step; each comes with its mirror image.

    Raises:
        UsageError: a value is out of range.
    """

    crop: float = 0.9
    shift: float = 0.02
    flip: bool = True
    pairs: int = 2

    def __post_init__(self) -> None:
        if not (0 < self.crop <= 1 and 0 <= self.shift < 0.5 and self.pairs >= 1):
            got = f"crop={self.crop}, shift={self.shift}, pairs={self.pairs}"
            raise UsageError("ViewAugmentation", got=got, expected="0 < crop <= 1, 0 <= shift < 0.5, pairs >= 1")

    def windows(self, draws: Tensor, within: CropWindow = WHOLE) -> Tensor:
        """(..., DRAWS) uniform numbers to (..., 4) windows: left, top, width, height in fractions of the image."""
        area, x, y, shift_x, shift_y, _ = draws.unbind(-1)
        side = (1 - (1 - self.crop) * area).sqrt()
        left = (1 - side) * x + self.shift * (2 * shift_x - 1)
        top = (1 - side) * y + self.shift * (2 * shift_y - 1)
        fractions = torch.stack([left, top, side, side], -1)
        scale = fractions.new_tensor([within.width, within.height, within.width, within.height])
        return fractions * scale + fractions.new_tensor([within.left, within.top, 0.0, 0.0])

    def swapped(self, draws: Tensor) -> Tensor:
        """(...) whether the mirror image comes first in the pair."""
        return (draws[..., -1] >= 0.5) & self.flip


UNAUGMENTED = ViewAugmentation(crop=1.0, shift=0.0, flip=False)
"""Every view is the image as it is, its mirror image second."""


def draw(seed: int, numbers: Sequence[int], step: int, pairs: int) -> Tensor:
    """(n, pairs, DRAWS) uniform numbers: row i is what restart numbers[i] draws at a step, whoever is with it."""
    drawn = [stream(seed, "views", number, step).random((pairs, DRAWS)) for number in numbers]
    return torch.from_numpy(np.stack(drawn))


def fixed_draws(pairs: int) -> Tensor:
    """(pairs, DRAWS) the same for every row and every run; the first is the image as it is."""
    drawn = torch.from_numpy(stream(0, "fixed views").random((pairs, DRAWS)))
    drawn[0] = torch.tensor(STILL, dtype=torch.float64)
    return drawn


def resample(images: Tensor, windows: Tensor, height: int, width: int) -> Tensor:
    """What p windows show of each image: (n, 3, H, W) and (n, p, 4) to (n, p, 3, height, width).

    A triangle filter as wide as the larger of the two pixels, so that shrinking does not alias (`BILINEAR` of PIL);
    beyond the border lies the border pixel.
    """
    left, top, wide, high = windows.unbind(-1)
    down = _triangles(top, high, images.shape[-2], height)[:, :, None]
    across = _triangles(left, wide, images.shape[-1], width)[:, :, None]
    return down @ images[:, None] @ across.transpose(-1, -2)


def _triangles(start: Tensor, extent: Tensor, old: int, new: int) -> Tensor:
    """(n, p, new, old) weights of the old pixels along one axis, for windows that begin at `start`."""
    step = (extent * old / new)[..., None]
    centres = start[..., None] * old + step * (torch.arange(new).to(start) + 0.5)
    pixels = torch.arange(old).to(start) + 0.5
    away = (centres.clamp(0.5, old - 0.5)[..., None] - pixels).abs()
    weights = (1 - away / step.clamp(min=1.0)[..., None]).clamp(min=0)
    return weights / weights.sum(-1, keepdim=True)
