from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bareface.errors import ImageError
from bareface.faces.decode import decode, fit
from bareface.faces.images import RosterImages
from bareface.rosters.roster import read_folder


@pytest.fixture
def images(tmp_path) -> RosterImages:
    rng = np.random.default_rng(0)
    (tmp_path / "ada").mkdir()
    for number in range(40):
        pixels = rng.integers(0, 256, (20 + number % 3, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "ada" / f"{number:02d}.png")
    return RosterImages(read_folder(tmp_path, "member"), 20, 16)


def test_rows_come_in_the_order_asked_for_as_the_decoder_gives_them(images):
    rows = np.array([31, 0, 7, 7, 39])
    loaded = images.load(rows)
    assert loaded.shape == (5, 3, 20, 16)
    assert loaded.dtype == torch.uint8
    assert loaded.is_contiguous()
    for image, row in zip(loaded, rows, strict=True):
        one_by_one = fit(decode(images.roster.paths[row]), 20, 16)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), one_by_one)


def test_all_at_once_equals_one_at_a_time(images):
    alone = torch.cat([images.load(np.array([row])) for row in range(len(images))])
    assert torch.equal(images.load(np.arange(len(images))), alone)


def test_no_rows_give_no_images(images):
    assert images.load(np.array([], dtype=np.intp)).shape == (0, 3, 20, 16)


def test_a_file_that_broke_since_is_named_relative_to_the_root(images):
    broken = Path(images.roster.root) / "ada" / "03.png"
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(ImageError, match=r"^ada/03\.png: got truncated .*Try: examine the images again") as caught:
        images.load(np.arange(10))
    assert str(images.roster.root) not in str(caught.value)


def test_a_file_that_vanished_is_named(images):
    (images.roster.root / "ada" / "05.png").unlink()
    with pytest.raises(ImageError, match=r"ada/05\.png: got unreadable \(No such file"):
        images.load(np.array([5]))
