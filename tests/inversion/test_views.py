"""Views: PIL's resampling as the oracle, windows that stay where they should, streams that belong to rows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inverted import noise_images, still, through
from PIL import Image

from bareface.errors import UsageError
from bareface.faces.template import ARCFACE_POINTS
from bareface.inversion.alignment import WHOLE, CropWindow, window_for
from bareface.inversion.views import DRAWS, STILL, ViewAugmentation, draw, fixed_draws, resample

shares = st.floats(0.0, 0.4)


@settings(max_examples=40)
@given(old=st.integers(4, 40), new=st.integers(2, 40), left=shares, top=shares, side=st.floats(0.3, 0.6))
def test_windows_are_resampled_as_pil_does(old: int, new: int, left: float, top: float, side: float) -> None:
    image = noise_images(1, old, seed=old, dtype=torch.float32)
    ours = resample(image, torch.tensor([[[left, top, side, side]]]), new, new + 1)[0, 0]
    box = (left * old, top * old, (left + side) * old, (top + side) * old)
    plane = Image.fromarray(image[0, 1].numpy(), mode=None)
    theirs = np.asarray(plane.resize((new + 1, new), Image.Resampling.BILINEAR, box=box))
    np.testing.assert_allclose(ours[1].numpy(), theirs, atol=1e-5)  # positions are rounded to fp32


def test_the_whole_image_at_its_own_size_is_itself() -> None:
    images = noise_images(2)
    whole = torch.tensor([[[0.0, 0, 1, 1]]] * 2).double()
    torch.testing.assert_close(resample(images, whole, 8, 8)[:, 0], images)
    views = still(images).views(8, 8)
    torch.testing.assert_close(views[:, 0, 0], images)
    torch.testing.assert_close(views[:, 0, 1], images.flip(-1))


def test_beyond_the_border_lies_the_border() -> None:
    images = noise_images(1)
    shifted = resample(images, torch.tensor([[[-0.5, 0.0, 1.0, 1.0]]]).double(), 8, 8)[0, 0]
    torch.testing.assert_close(shifted[..., 4:], images[0, ..., :4])
    torch.testing.assert_close(shifted[..., :4], images[0, ..., :1].expand(-1, -1, 4))


def test_resampling_has_gradients() -> None:
    images = noise_images(2, 5).requires_grad_(True)
    windows = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.5 + 0.2
    assert torch.autograd.gradcheck(lambda x: resample(x, windows, 4, 3), images)


def test_windows_keep_to_the_crop_and_the_shift() -> None:
    draws = torch.from_numpy(np.random.default_rng(0).random((4000, DRAWS)))
    left, top, width, height = ViewAugmentation(crop=0.9, shift=0.02).windows(draws).unbind(-1)
    assert torch.equal(width, height)
    area = width.square()
    assert area.min() >= 0.9
    assert area.max() <= 1
    assert area.mean() == pytest.approx(0.95, abs=0.002)
    for start in (left, top):
        assert start.min() >= -0.02
        assert (start + width).max() <= 1.02
        assert start.min() < -0.015
    inside = ViewAugmentation(crop=0.9, shift=0.0).windows(draws, CropWindow(0.2, 0.1, 0.5, 0.4))
    assert (inside[:, 0] >= 0.2).all()
    assert (inside[:, 1] + inside[:, 3] <= 0.5 + 1e-12).all()


def test_a_still_view_is_the_window_itself() -> None:
    assert ViewAugmentation().windows(torch.tensor(STILL).double()).tolist() == [0, 0, 1, 1]
    assert not ViewAugmentation().swapped(torch.tensor(STILL))
    assert torch.equal(fixed_draws(16)[0], torch.tensor(STILL).double())
    assert torch.equal(fixed_draws(16), fixed_draws(20)[:16])
    assert len(fixed_draws(16).unique(dim=0)) == 16


def test_a_flip_swaps_the_pair() -> None:
    images, draws = noise_images(2)[:, None], torch.rand(2, 1, 1, DRAWS, dtype=torch.float64)
    plain, swapped = draws.clone(), draws.clone()
    plain[..., -1], swapped[..., -1] = 0.1, 0.9
    a, b = through(images, plain).views(6, 6), through(images, swapped).views(6, 6)
    torch.testing.assert_close(a, b.flip(2))
    torch.testing.assert_close(a[:, :, 0].flip(-1), a[:, :, 1])
    never = ViewAugmentation(flip=False)
    torch.testing.assert_close(through(images, swapped, never).views(6, 6), a)


def test_what_a_row_draws_is_its_own() -> None:
    together = draw(5, [3, 8, 1], 2, pairs=2)
    assert together.shape == (3, 2, DRAWS)
    assert torch.equal(draw(5, [8], 2, pairs=2)[0], together[1])
    for seed, number, step in ((6, 8, 2), (5, 9, 2), (5, 8, 3)):
        assert not torch.equal(draw(seed, [number], step, pairs=2)[0], together[1])


@pytest.mark.parametrize("wrong", [{"crop": 0.0}, {"crop": 1.1}, {"shift": 0.5}, {"pairs": 0}])
def test_impossible_augmentations_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"expected 0 < crop <= 1, 0 <= shift < 0\.5, pairs >= 1"):
        ViewAugmentation(**wrong)  # type: ignore[arg-type]


def test_an_ffhq_face_is_seen_as_an_arcface_crop() -> None:
    """Where FFHQ's rule puts eyes and mouth, the window must show them at ArcFace's points."""
    window = window_for("ffhq")
    assert window.width == window.height
    eyes, mouth = np.mean(ARCFACE_POINTS[:2], 0) / 112, np.mean(ARCFACE_POINTS[3:], 0) / 112
    seen = [np.array([window.left, window.top]) + window.width * point for point in (eyes, mouth)]
    # The square's side is 3.6 times the way from the eyes to the mouth, its centre a tenth of it below the eyes.
    assert math.dist(seen[0], seen[1]) == pytest.approx(1 / 3.6)
    np.testing.assert_allclose(seen[0] + 0.1 * (seen[1] - seen[0]), [0.5, 0.5], atol=1e-12)
    assert 0.1 < window.left < window.left + window.width < 0.9
    assert window_for("unknown") == WHOLE
