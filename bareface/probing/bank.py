"""The bank of views: the same picture, moved, lit, blurred, compressed and covered in fixed ways.

Everything is done to the pixels, so a black box can be asked about it as well. Distances are shares of the picture's
side, so a picture of 112 pixels is changed as one of 48. What is random (noise, patches) is drawn from the picture's
own digest: it is the same in every batch and on every machine.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import cos, pi, radians, sin

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# Raise it when a change of a view changes its pixels.
BANK_SCHEMA = 1

View = Callable[[Tensor, NDArray[np.str_]], Tensor]
"""(n, 3, h, w) float32 on the scale 0..255 and (n,) digests to the same shape; what leaves the scale is clipped."""

_BLOCK = 8  # JPEG's
_PATCHES = 6  # to a side
_QUANTUM = 24.0
"""Levels in one step of the lowest frequency; the highest has steps (1 + 14 / 2) as large: about quality 30."""


def _flip(pixels: Tensor, _: NDArray[np.str_]) -> Tensor:
    return pixels.flip(-1)


def _warp(
    pixels: Tensor, _: NDArray[np.str_], *, zoom: float = 1.0, right: float = 0.0, down: float = 0.0, turn: float = 0.0
) -> Tensor:
    """Magnified by `zoom`, moved by shares of the side, turned by `turn` degrees; the border is repeated."""
    h, w = pixels.shape[2:]
    c, s = cos(radians(turn)) / zoom, sin(radians(turn)) / zoom
    rows = [[c, s * h / w, -2 * right], [-s * w / h, c, -2 * down]]
    back = torch.tensor([rows], dtype=pixels.dtype, device=pixels.device).expand(len(pixels), 2, 3)
    grid = functional.affine_grid(back, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def _light(pixels: Tensor, _: NDArray[np.str_], *, add: float = 0.0, contrast: float = 1.0) -> Tensor:
    """Grey levels added, and the distance from the picture's own mean multiplied."""
    mean = pixels.mean((1, 2, 3), keepdim=True)
    return (pixels - mean) * contrast + mean + add


def _blur(pixels: Tensor, _: NDArray[np.str_], *, sigma: float) -> Tensor:
    """A Gaussian of `sigma` shares of the height."""
    width = sigma * pixels.shape[2]
    reach = max(1, round(2.5 * width))
    bell = torch.exp(-torch.arange(-reach, reach + 1, device=pixels.device).float().square() / (2 * width**2))
    kernel = (bell / bell.sum()).view(1, 1, 1, -1)
    each = functional.pad(pixels, [reach] * 4, mode="replicate").flatten(0, 1).unsqueeze(1)
    return functional.conv2d(functional.conv2d(each, kernel), kernel.mT).view_as(pixels)


def _coarse(pixels: Tensor, _: NDArray[np.str_]) -> Tensor:
    """Half as many pixels to a side, and back."""
    small = functional.interpolate(pixels, scale_factor=0.5, mode="area")
    return functional.interpolate(small, size=pixels.shape[2:], mode="bilinear", align_corners=False)


def _noise(pixels: Tensor, digests: NDArray[np.str_], *, levels: float) -> Tensor:
    """Gaussian noise of `levels` deviations."""
    shape = pixels.shape[1:]
    drawn = np.stack([_drawn("noise", digest).standard_normal(shape, np.float32) for digest in digests.tolist()])
    return pixels + levels * torch.from_numpy(drawn).to(pixels.device)


def _jpeg(pixels: Tensor, _: NDArray[np.str_]) -> Tensor:
    """Every 8 x 8 block of every colour through a cosine transform with rounded coefficients, as JPEG does."""
    h, w = pixels.shape[2:]
    padded = functional.pad(pixels, [0, -w % _BLOCK, 0, -h % _BLOCK], mode="replicate")
    frequency = torch.arange(_BLOCK, device=pixels.device).float()
    basis = torch.cos(pi * (2 * frequency + 1) * frequency[:, None] / (2 * _BLOCK)) / 2
    basis[0] /= 2**0.5
    steps = _QUANTUM * (1 + (frequency + frequency[:, None]) / 2)
    blocks = padded.reshape(*padded.shape[:2], -(-h // _BLOCK), _BLOCK, -(-w // _BLOCK), _BLOCK).transpose(3, 4)
    rounded = (basis @ (blocks - 128) @ basis.T / steps).round() * steps
    back = (basis.T @ rounded @ basis + 128).transpose(3, 4)
    return back.reshape(padded.shape)[:, :, :h, :w]


def _cover(pixels: Tensor, _: NDArray[np.str_], *, top: float, bottom: float, left: float, right: float) -> Tensor:
    """A rectangle in the picture's mean colour; its edges are shares of the sides."""
    h, w = pixels.shape[2:]
    covered = pixels.clone()
    rows, columns = slice(round(top * h), round(bottom * h)), slice(round(left * w), round(right * w))
    covered[:, :, rows, columns] = pixels.mean((2, 3), keepdim=True)
    return covered


def _patches(pixels: Tensor, digests: NDArray[np.str_], *, share: float) -> Tensor:
    """Each of 6 x 6 patches covered with probability `share`."""
    drawn = np.stack([_drawn("patches", digest).random((1, _PATCHES, _PATCHES)) < share for digest in digests.tolist()])
    mask = torch.from_numpy(drawn).to(pixels.device).float()
    mask = functional.interpolate(mask, size=pixels.shape[2:], mode="nearest")
    return torch.where(mask > 0, pixels.mean((2, 3), keepdim=True), pixels)


def _drawn(what: str, digest: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(f"{what} {digest}".encode()).digest()[:8]))


_PARTS: dict[str, View] = {
    "no-eyes": partial(_cover, top=0.3, bottom=0.52, left=0.1, right=0.9),
    "no-nose": partial(_cover, top=0.45, bottom=0.7, left=0.35, right=0.65),
    "no-mouth": partial(_cover, top=0.68, bottom=0.9, left=0.2, right=0.8),
    "no-left-half": partial(_cover, top=0.0, bottom=1.0, left=0.0, right=0.5),
    "no-right-half": partial(_cover, top=0.0, bottom=1.0, left=0.5, right=1.0),
    "no-upper-half": partial(_cover, top=0.0, bottom=0.5, left=0.0, right=1.0),
    "no-lower-half": partial(_cover, top=0.5, bottom=1.0, left=0.0, right=1.0),
    "no-patches": partial(_patches, share=0.25),
}
_BANK: dict[str, View] = {
    "image": lambda pixels, _: pixels,
    "flip": _flip,
    "nearer": partial(_warp, zoom=1.12),
    "farther": partial(_warp, zoom=0.88),
    "corner": partial(_warp, zoom=1.15, right=0.06, down=0.06),
    "left": partial(_warp, right=-0.06),
    "right": partial(_warp, right=0.06),
    "up": partial(_warp, down=-0.06),
    "down": partial(_warp, down=0.06),
    "turned-left": partial(_warp, turn=-8.0),
    "turned-right": partial(_warp, turn=8.0),
    "brighter": partial(_light, add=40.0),
    "darker": partial(_light, add=-40.0),
    "harder": partial(_light, contrast=1.5),
    "softer": partial(_light, contrast=0.6),
    "blurred": partial(_blur, sigma=0.02),
    "coarse": _coarse,
    "noisy": partial(_noise, levels=12.0),
    "compressed": _jpeg,
    **_PARTS,
}
BANK = tuple(_BANK)
"""Names of the views; the first is the picture as it is, the second its mirror image."""


def bank(pixels: Tensor, digests: NDArray[np.str_], names: Sequence[str] = BANK) -> Iterator[Tensor]:
    """Views of some pictures, one at a time.

    Args:
        pixels: (n, 3, h, w) uint8 RGB.
        digests: (n,) content digests, from which noise and patches are drawn.
        names: which views; all of them, unless stated.

    Yields:
        (n, 3, h, w) uint8 RGB.
    """
    exact = pixels.float()
    for name in names:
        yield _BANK[name](exact, digests).round().clamp(0, 255).to(torch.uint8)
