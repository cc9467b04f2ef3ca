"""How near a generator comes to images that it was not trained on."""

import numpy as np
import pytest
import torch
from stylegans import tiny

from bareface.auditing.generator_quality import _drawn, distance_to
from bareface.cli.generators import split
from bareface.faces.source import ArrayImages


def noise(n: int, side: int) -> ArrayImages:
    stream = torch.Generator().manual_seed(3)
    return ArrayImages(torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8, generator=stream))


def test_a_generator_is_near_its_own_images_and_far_from_others() -> None:
    made = tiny()
    side = made.config.resolution
    own = ArrayImages(_drawn(made, 60, seed=1))
    near, far = (distance_to(images, 0)(made) for images in (own, noise(60, side)))
    assert abs(near) < 0.1 * far


def test_it_measures_the_same_twice_and_leaves_the_global_stream_alone() -> None:
    made = tiny()
    images = noise(30, made.config.resolution)
    before = torch.random.get_rng_state()
    assert distance_to(images, 0)(made) == pytest.approx(distance_to(images, 0)(made), rel=1e-6)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("count", "held_out"), [(199, None), (200, 20), (5_000, 500), (41_000, 1_000)])
def test_a_tenth_is_held_out_and_never_shown(count: int, held_out: int | None) -> None:
    faces = ArrayImages(torch.arange(count).view(-1, 1, 1, 1))
    shown, kept = split(faces)
    assert (None if kept is None else len(kept)) == held_out
    rows = [images.load(np.arange(len(images))) for images in (shown, kept) if images is not None]
    assert torch.equal(torch.cat(rows), faces.pixels)
