"""Every image once per epoch, and every draw tied to (seed, epoch, row)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bareface.faces.source import ArrayImages
from bareface.settings.recipe import Recipe
from bareface.training.batches import (
    EpochVariation,
    batch_count,
    draw_variation,
    epoch_batches,
    held_in_memory,
)


@given(count=st.integers(2, 200), size=st.integers(2, 70))
def test_every_image_once_and_no_batch_of_one(count: int, size: int) -> None:
    batches = epoch_batches(count, Recipe(batch_size=size), epoch=3)
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert len(batches) == batch_count(count, size)
    assert min(map(len, batches)) >= 2
    assert max(map(len, batches)) <= size + 1


def test_epochs_and_seeds_order_the_images_differently() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(epoch_batches(50, Recipe(seed=seed), epoch)).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def vary_slowly(pixels: torch.Tensor, variation: EpochVariation, rows: NDArray[np.intp]) -> torch.Tensor:
    """Pixel by pixel."""
    out = torch.empty(pixels.shape)
    height, width = pixels.shape[2:]
    for i, row in enumerate(rows):
        image = pixels[i].flip(2) if variation.flip[row] else pixels[i]
        for y in range(height):
            for x in range(width):
                from_y = min(max(y - int(variation.down[row]), 0), height - 1)
                from_x = min(max(x - int(variation.right[row]), 0), width - 1)
                out[i, :, y, x] = image[:, from_y, from_x].float()
        out[i] = (out[i] - 127.5) * float(variation.contrast[row]) + 127.5 + float(variation.light[row])
    return out.clamp(0, 255)


def test_variation_agrees_with_the_slow_oracle() -> None:
    recipe = Recipe(shift=3, brightness=40, contrast=0.5)
    variation = draw_variation(20, recipe, epoch=2)
    rows = np.array([3, 0, 19, 7, 7])
    pixels = torch.randint(0, 256, (5, 3, 6, 5), dtype=torch.uint8)
    assert torch.allclose(variation.apply(pixels, rows), vary_slowly(pixels, variation, rows), atol=1e-4)
    assert len(set(variation.down.tolist())) > 1
    assert np.abs(variation.down).max() == 3


@pytest.mark.parametrize("flip", [True, False])
def test_kinds_of_variation_that_are_off_do_nothing(flip: bool) -> None:
    pixels = torch.randint(0, 256, (40, 3, 4, 4), dtype=torch.uint8)
    varied = draw_variation(40, Recipe(flip=flip), epoch=1).apply(pixels, np.arange(40))
    same, mirrored = (varied == pixels).all((1, 2, 3)), (varied == pixels.flip(3)).all((1, 2, 3))
    assert (same | mirrored).all()
    assert bool(mirrored.any()) is flip


def test_switching_one_kind_on_leaves_the_draws_of_the_others() -> None:
    recipe = Recipe(shift=2)
    first, second = draw_variation(30, recipe, 1), draw_variation(30, replace(recipe, contrast=0.3), 1)
    assert np.array_equal(first.flip, second.flip)
    assert np.array_equal(first.down, second.down)


class Counting:
    """Images that remember how often they were asked."""

    def __init__(self, pixels: torch.Tensor) -> None:
        self.pixels, self.calls = pixels, 0

    def __len__(self) -> int:
        return len(self.pixels)

    def load(self, rows: NDArray[np.intp]) -> torch.Tensor:
        self.calls += 1
        return self.pixels[torch.from_numpy(rows)]


def test_images_that_fit_are_decoded_once() -> None:
    images = Counting(torch.randint(0, 256, (600, 3, 2, 2), dtype=torch.uint8))
    held = held_in_memory(images)
    calls = images.calls
    assert torch.equal(held.load(np.arange(600)), images.pixels)
    assert images.calls == calls
    assert isinstance(held, ArrayImages)


def test_images_that_do_not_fit_are_read_batch_by_batch() -> None:
    images = Counting(torch.zeros((600, 3, 2, 2), dtype=torch.uint8))
    assert held_in_memory(images, limit=600 * 12 - 1) is images
