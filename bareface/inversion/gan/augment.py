"""The same random changes for real and generated images, so that few images do not teach the discriminator by heart.

An image is moved, scaled, turned and recoloured, each with probability p. While p stays below about 0.8 the
generator cannot mistake a change for a property of the faces.

Reference: Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020, section 2.2.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_P = 0.8
SHIFT, SCALE, TURN = 0.125, 0.2, 0.15  # of the side; deviation of log2; radians
BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.25, 0.5  # deviations; the last two of log2


def augment(images: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """(n, c, h, w) in [-1, 1] to the same, changed; differentiable once.

    Args:
        p: probability of each change, 0 = none.
        generator: everything drawn comes from here.
    """
    if p <= 0:
        return images
    return _recolour(_move(images, p, generator), p, generator)


def next_p(p: float, mean_sign: float, target: float, images: int, images_to_one: int) -> float:
    """p after `images` more: up where the discriminator knows the real images too well, else down."""
    step = math.copysign(images / images_to_one, mean_sign - target)
    return min(max(p + step, 0.0), LARGEST_P)


def _drawn(n: int, p: float, deviation: float, generator: torch.Generator) -> Tensor:
    """(n,) normal numbers, 0 with probability 1 - p."""
    happens = torch.rand(n, generator=generator) < p
    return torch.randn(n, generator=generator) * deviation * happens


def _move(images: Tensor, p: float, generator: torch.Generator) -> Tensor:
    n = len(images)
    scale, turn = (_drawn(n, p, deviation, generator) for deviation in (SCALE, TURN))
    shifts = [_drawn(n, p, SHIFT, generator) * 2 for _ in range(2)]
    zoom = torch.exp2(-scale)
    cosine, sine = zoom * torch.cos(turn), zoom * torch.sin(turn)
    rows = [torch.stack([cosine, -sine, shifts[0]], 1), torch.stack([sine, cosine, shifts[1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1).to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _recolour(images: Tensor, p: float, generator: torch.Generator) -> Tensor:
    n = len(images)
    brightness, contrast, saturation = (
        _drawn(n, p, deviation, generator).view(n, 1, 1, 1).to(images)
        for deviation in (BRIGHTNESS, CONTRAST, SATURATION)
    )
    images = images * torch.exp2(contrast) + brightness
    grey = images.mean(1, keepdim=True)
    return torch.lerp(grey.expand_as(images), images, torch.exp2(saturation))
