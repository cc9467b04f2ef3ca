"""The cascade with networks that are known by heart, and the real ones on rendered faces."""

import numpy as np
import pytest
from PIL import Image

from bareface.faces.detection.cascade import faces_on, patches
from bareface.faces.detection.networks import O_SIDE, P_SIDE, P_STRIDE, R_SIDE


class BrightSpot:
    """Networks to which a white square on black is a face; the box they are shown is right as it is."""

    def __init__(self, sure: float = 0.9) -> None:
        self.sure = sure

    def propose(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        grey = pictures[..., 0].astype(float) / 255
        rows, columns = ((side - P_SIDE) // P_STRIDE + 1 for side in grey.shape[1:])
        windows = np.lib.stride_tricks.sliding_window_view(grey[0], (P_SIDE, P_SIDE))[::P_STRIDE, ::P_STRIDE]
        whole = grey[0].sum()
        share = windows.sum((2, 3)) / max(whole, 1e-9) * windows.mean((2, 3))
        return share[None, :rows, :columns], np.zeros((1, rows, columns, 4))

    def refine(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert pictures.shape[1:] == (R_SIDE, R_SIDE, 3)
        return pictures.mean((1, 2, 3)) / 255, np.zeros((len(pictures), 4))

    def finish(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert pictures.shape[1:] == (O_SIDE, O_SIDE, 3)
        points = np.tile([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], (len(pictures), 1, 1))
        return np.full(len(pictures), self.sure), np.tile([0.0, 0.0, 0.0, -0.5], (len(pictures), 1)), points


def spot(left: int, top: int, side: int) -> Image.Image:
    pixels = np.zeros((160, 240, 3), np.uint8)
    pixels[top : top + side, left : left + side] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize(("left", "top", "side"), [(100, 60, 24), (30, 20, 48), (120, 40, 96)])
def test_a_face_is_found_where_it_is_at_any_size(left: int, top: int, side: int) -> None:
    found = faces_on(spot(left, top, side), BrightSpot(), 20)  # type: ignore[arg-type]
    assert len(found) == 1
    slack = 0.25 * side  # levels of the pyramid are a factor of .709 apart, places two of their pixels
    x, y, right, bottom = found.boxes[0]
    assert abs(x - left) < slack
    assert abs(y - top) < slack
    assert abs(right - left - side) < 2 * slack
    # The last network took half of the height away; landmarks are shares of the box before that.
    assert bottom - y == pytest.approx((right - x) / 2)
    assert found.landmarks[0, 0] == pytest.approx([x + 0.3 * (right - x), y + 0.4 * (right - x)])


def test_nobody_is_found_where_nobody_is_or_the_last_network_is_not_sure() -> None:
    black = Image.new("RGB", (100, 80))
    assert len(faces_on(black, BrightSpot(), 20)) == 0  # type: ignore[arg-type]
    assert len(faces_on(spot(100, 60, 24), BrightSpot(sure=0.69), 20)) == 0  # type: ignore[arg-type]
    assert len(faces_on(Image.new("RGB", (9, 300), "white"), BrightSpot(), 20)) == 0  # type: ignore[arg-type]


def test_patches_are_cut_where_the_boxes_are_and_black_outside() -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    inside, over = patches(image, np.array([[5.0, 7, 17, 19], [-6.0, -6, 6, 6]]), 12)
    assert (inside == pixels[7:19, 5:17]).all()
    assert (over[6:, 6:] == pixels[:6, :6]).all()
    assert over[:6].max() == over[:, :6].max() == 0
    (halved,) = patches(image, np.array([[0.0, 0, 24, 24]]), 12)
    assert abs(float(halved.mean()) - float(pixels[:24, :24].mean())) < 3
