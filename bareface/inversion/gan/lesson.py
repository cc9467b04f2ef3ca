"""Lessons from the renderer: what a latent is to look like.

The renderer decodes latents that are standard normal by design, as those of a StyleGAN2 are. So a generator can be
taught by regression: it is shown the calm photo of each latent and told how far its own image lies from it. That is
cheaper and steadier than a game against a discriminator, and the generator's z then says, as the renderer's does, in
its first IDENTITY_SIZE numbers who is on an image and in the others how it was taken.
"""

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.layers import GAIN, normalise
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.synthetic import IDENTITY_SIZE, NUISANCE_SIZE, calm, one_thread, render_parameters

Z_DIM = IDENTITY_SIZE + NUISANCE_SIZE
SMALLEST = 8  # pixels of the last octave
EPSILON = 1e-3  # of the range, for photos that are all alike


def pupil(channels: tuple[int, ...]) -> Config:
    """A generator with the renderer's latents, whose w holds each number of z twice: as it is, and negated."""
    return Config(channels, z_dim=Z_DIM, w_dim=2 * Z_DIM, mapping_layers=1, mapping_lr=1.0)


@torch.no_grad()
def pass_through(network: StyleGAN2) -> None:
    """Let the mapping of a new pupil begin by passing z on: w = lrelu(z), lrelu(-z).

    A mapping that begins at random mixes what the renderer keeps apart, and must first learn to tell it apart again.
    """
    layer = network.mapping.get_submodule("fc0")
    own = torch.eye(Z_DIM) * (sqrt(Z_DIM) / GAIN / network.config.mapping_lr)
    layer.get_parameter("weight").copy_(torch.cat([own, -own]))
    layer.get_parameter("bias").zero_()


@torch.no_grad()
def shown(z: Tensor, side: int) -> Tensor:
    """(n, Z_DIM) latents to the (n, 3, side, side) calm photos in [-1, 1] that the renderer makes of them.

    z is normalised first, as the mapping network does: its length says nothing to a StyleGAN2.
    """
    latents = normalise(z.cpu().float())
    with one_thread():
        photos = render_parameters(latents[:, :IDENTITY_SIZE], calm(latents[:, IDENTITY_SIZE:]), side)
    return photos.mul(2).sub(1).to(z)


def apart(made: Tensor, photos: Tensor) -> Tensor:
    """How far (n, 3, r, r) images lie from n photos, in units of how far photos lie from each other.

    Both are taken apart into octaves: what r pixels show beyond r / 2, ... and what 8 pixels show. Mean absolute
    differences are divided by the photos' own mean absolute deviation from their mean and averaged over octaves:
    counted in grey levels, eyes and mouths are next to nothing beside hair and background, and stay blurs.
    """
    parts = [
        (one - other).abs().mean() / ((other - other.mean(0)).abs().mean() + EPSILON)
        for one, other in zip(octaves(made), octaves(photos), strict=True)
    ]
    return torch.stack(parts).mean()


def octaves(images: Tensor) -> list[Tensor]:
    """(n, c, r, r) as images of r, r / 2, ... 8 pixels that add up to it when enlarged (a Laplacian pyramid)."""
    parts = []
    while images.shape[-1] > SMALLEST:
        smaller = F.avg_pool2d(images, 2)
        parts.append(images - F.interpolate(smaller, scale_factor=2, mode="bilinear", align_corners=False))
        images = smaller
    return [*parts, images]
