"""Which images a step sees, and how they are varied.

Every draw hangs on (seed, epoch, row) alone, so a resumed run sees what an undisturbed one would have seen.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.faces.source import ArrayImages, Images
from bareface.settings.recipe import Recipe
from bareface.streams import stream

MEMORY_BYTES = 2 << 30


def held_in_memory(images: Images, limit: int = MEMORY_BYTES) -> Images:
    """The same images, decoded once if all of them fit into `limit` bytes."""
    rows = np.arange(len(images))
    first = images.load(rows[:1])
    if first.nbytes * len(rows) > limit:
        return images
    pixels = torch.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
    for part in np.array_split(rows, math.ceil(len(rows) / 256)):
        pixels[torch.from_numpy(part)] = images.load(part)
    return ArrayImages(pixels)


def batch_count(count: int, batch_size: int) -> int:
    """Steps of one epoch. A last batch of one image joins the one before it: BatchNorm cannot normalise one row."""
    whole, rest = divmod(count, batch_size)
    return max(1, whole + (rest > 1))


def epoch_batches(count: int, recipe: Recipe, epoch: int) -> list[NDArray[np.intp]]:
    """Row numbers of every step of an epoch: each row once, in an order drawn for that epoch."""
    order = stream(recipe.seed, "order", epoch).permutation(count)
    cuts = recipe.batch_size * np.arange(1, batch_count(count, recipe.batch_size))
    return np.split(order, cuts)


@dataclass(frozen=True)
class EpochVariation:
    """How one epoch varies each image.

    Attributes:
        flip: (n,) which images are mirrored.
        down, right: (n,) shift in pixels.
        light: (n,) grey levels added.
        contrast: (n,) factor of the distance from mid-grey.
    """

    flip: NDArray[np.bool_]
    down: NDArray[np.int64]
    right: NDArray[np.int64]
    light: NDArray[np.float32]
    contrast: NDArray[np.float32]

    def apply(self, pixels: Tensor, rows: NDArray[np.intp]) -> Tensor:
        """(n, 3, h, w) uint8 images of the given rows to the same shape in float32, still on 0..255."""
        moved = _move(pixels, self.down[rows], self.right[rows], self.flip[rows])
        contrast, light = (torch.from_numpy(v[rows]).view(-1, 1, 1, 1) for v in (self.contrast, self.light))
        return ((moved - 127.5) * contrast + 127.5 + light).clamp(0, 255)


def draw_variation(count: int, recipe: Recipe, epoch: int) -> EpochVariation:
    """What an epoch does to each of `count` images; a kind of variation that the recipe leaves out does nothing."""

    def draw(name: str) -> NDArray[np.float32]:
        return stream(recipe.seed, name, epoch).uniform(-1, 1, count).astype(np.float32)

    def move(name: str) -> NDArray[np.int64]:
        return stream(recipe.seed, name, epoch).integers(-recipe.shift, recipe.shift, count, endpoint=True)

    return EpochVariation(
        flip=(draw("flip") < 0) & recipe.flip,
        down=move("down"),
        right=move("right"),
        light=np.float32(recipe.brightness) * draw("light"),
        contrast=1 + np.float32(recipe.contrast) * draw("contrast"),
    )


def _move(pixels: Tensor, down: NDArray[np.int64], right: NDArray[np.int64], flip: NDArray[np.bool_]) -> Tensor:
    """Mirror the images that `flip` names, then shift each, repeating its border; one gather does both."""
    height, width = pixels.shape[2:]
    y = (np.arange(height) - down[:, None]).clip(0, height - 1)
    x = (np.arange(width) - right[:, None]).clip(0, width - 1)
    x = np.where(flip[:, None], width - 1 - x, x)
    image = torch.arange(len(pixels)).view(-1, 1, 1)
    rows, columns = torch.from_numpy(y)[:, :, None], torch.from_numpy(x)[:, None, :]
    return pixels.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)
