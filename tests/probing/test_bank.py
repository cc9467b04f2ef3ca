"""The views: sizes, determinism, and a few of them by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bareface.probing.bank import BANK, bank

DIGESTS = np.array(["a", "b", "c"])


def pictures(height: int = 24, width: int = 20) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(3, 3, 5, 5, generator=generator) * 200 + 20
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear").round().to(torch.uint8)


def view(name: str, pixels: Tensor, digests: np.ndarray = DIGESTS) -> Tensor:
    return next(bank(pixels, digests, [name]))


@pytest.mark.parametrize("name", BANK)
def test_every_view_is_a_picture_of_the_same_size_and_its_own(name: str) -> None:
    for height, width in ((24, 20), (17, 31), (112, 112)):
        pixels = pictures(height, width)
        seen = view(name, pixels)
        assert (seen.shape, seen.dtype) == (pixels.shape, torch.uint8)
        assert (name == "image") == bool((seen == pixels).all())


def assert_one_picture(one: Tensor, other: Tensor) -> None:
    """A number that lies between two greys may be rounded to either in other company."""
    apart = (one.int() - other.int()).abs()
    assert (apart > 1).float().mean() < 0.01
    assert apart.float().mean() < 0.1


@pytest.mark.parametrize("name", BANK)
def test_a_view_depends_on_its_picture_alone(name: str) -> None:
    pixels, order = pictures(), [2, 0, 1]
    together = view(name, pixels)
    assert_one_picture(view(name, pixels[order], DIGESTS[order]), together[order])
    assert_one_picture(view(name, pixels[:1], DIGESTS[:1]), together[:1])


def test_no_two_views_are_the_same() -> None:
    assert len(BANK) == len(set(BANK)) >= 12
    seen = [one.numpy().tobytes() for one in bank(pictures(), DIGESTS)]
    assert len(set(seen)) == len(BANK)


def test_the_mirror_image_is_the_second() -> None:
    assert BANK[:2] == ("image", "flip")
    pixels = pictures()
    assert (view("flip", pixels) == pixels.flip(-1)).all()


def test_shifts_and_light_by_hand() -> None:
    pixels = torch.zeros(1, 3, 50, 50, dtype=torch.uint8)
    pixels[:, :, 20, 30] = 100
    one = np.array(["a"])
    assert (view("right", pixels, one)[0, 0] == 100).nonzero().tolist() == [[20, 33]]
    assert (view("up", pixels, one)[0, 0] == 100).nonzero().tolist() == [[17, 30]]
    grey = torch.full((1, 3, 8, 8), 230, dtype=torch.uint8)
    assert view("brighter", grey, one).unique().tolist() == [255]
    assert view("darker", grey, one).unique().tolist() == [190]
    assert view("harder", grey, one).unique().tolist() == [230]


def test_a_turn_keeps_the_middle_and_turns_the_same_way_in_oblong_pictures() -> None:
    pixels = torch.zeros(1, 3, 80, 40, dtype=torch.uint8)
    pixels[:, :, 8:12, 18:22] = 255
    seen = view("turned-right", pixels, np.array(["a"]))[0, 0].double()
    weight = seen / seen.sum()
    row, column = (weight.sum(1) * torch.arange(80)).sum(), (weight.sum(0) * torch.arange(40)).sum()
    assert float(row) == pytest.approx(39.5 - 30 * np.cos(np.deg2rad(8)), abs=0.1)
    assert abs(float(column) - 19.5) == pytest.approx(30 * np.sin(np.deg2rad(8)), abs=0.1)


def test_covered_parts_are_covered_and_the_rest_is_as_it_was() -> None:
    pixels = pictures(40, 40)
    half = view("no-left-half", pixels)
    assert (half[..., 20:] == pixels[..., 20:]).all()
    assert all(half[0, channel, :, :20].unique().numel() == 1 for channel in range(3))
    patched = view("no-patches", pixels) != pixels
    assert 0.05 < patched.any(1).float().mean() < 0.5


def test_noise_and_patches_hang_on_the_digest() -> None:
    pixels = pictures()
    for name in ("noisy", "no-patches"):
        assert (view(name, pixels) != view(name, pixels, np.array(["a", "b", "d"])))[2].any()
    difference = view("noisy", torch.full((1, 3, 100, 100), 128, dtype=torch.uint8), np.array(["a"])).float() - 128
    assert float(difference.std()) == pytest.approx(12, rel=0.05)


def test_compression_is_exact_cosines_rounded() -> None:
    flat = torch.full((1, 3, 16, 16), 128, dtype=torch.uint8)
    assert (view("compressed", flat, np.array(["a"])) == 128).all()
    from scipy.fft import dctn, idctn

    block = pictures(8, 8)[:1]
    steps = 24 * (1 + np.add.outer(np.arange(8), np.arange(8)) / 2)
    for channel in range(3):
        rounded = np.round(dctn(block[0, channel].numpy() - 128.0, norm="ortho") / steps) * steps
        expected = np.clip(np.round(idctn(rounded, norm="ortho") + 128), 0, 255)
        assert np.abs(view("compressed", block)[0, channel].numpy() - expected).max() <= 1
