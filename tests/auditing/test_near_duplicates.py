"""Pictures in two places are found, and strangers are left alone."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from bareface.auditing.overlap.near_duplicates import Pictures, near_duplicates, pictures_of
from bareface.faces.examine import examine
from bareface.rosters.roster import Roster
from bareface.synthetic import SyntheticFaces

FACES = [
    Image.fromarray(face)
    for face in SyntheticFaces(3, 64).render(np.arange(30), np.zeros(30, np.int64)).permute(0, 2, 3, 1).numpy()
]


def jpeg(image: Image.Image, quality: int = 60) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def pictures(folder: Path, images: dict[str, Image.Image]) -> Pictures:
    folder.mkdir()
    for name, image in images.items():
        image.save(folder / name)
    names = tuple(images)
    roster = Roster(folder, names, np.array(names), np.full(len(names), "public"))
    return pictures_of(examine(roster))


ALTERED: dict[str, tuple[Callable[[Image.Image], Image.Image], bool]] = {
    "recompressed": (jpeg, False),
    "another format": (lambda image: image, False),
    "smaller": (lambda image: image.resize((40, 40), Image.Resampling.BILINEAR), False),
    "brighter": (lambda image: ImageEnhance.Brightness(image).enhance(1.2), False),
    "mirrored and recompressed": (lambda image: jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)), True),
}


@pytest.mark.parametrize(("alter", "mirror"), ALTERED.values(), ids=ALTERED)
def test_altered_copies_are_found_and_strangers_are_not(
    tmp_path: Path, alter: Callable[[Image.Image], Image.Image], mirror: bool
) -> None:
    one = pictures(tmp_path / "one", {f"{n}.png": face for n, face in enumerate(FACES[:20])})
    other = pictures(tmp_path / "other", {f"{n}.bmp": alter(face) for n, face in enumerate(FACES[10:], start=10)})
    found = near_duplicates(one, other)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(n, n - 10) for n in range(10, 20)]
    assert not found.exact.any()
    assert (found.mirror == mirror).all()


def test_the_same_bytes_are_named_once_and_stand_everywhere(tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", {"a.png": FACES[0], "b.png": FACES[1], "c.png": FACES[0]})
    other = pictures(tmp_path / "other", {"x.png": FACES[2], "y.png": FACES[0], "z.png": FACES[0]})
    found = near_duplicates(one, other)
    assert (len(found), found.exact.tolist(), found.mirror.tolist()) == (1, [True], [False])
    mine, theirs = found.everywhere(one.digest, other.digest)
    assert (mine.tolist(), theirs.tolist()) == ([True, False, True], [False, True, True])


def test_pictures_without_contrast_are_not_alike(tmp_path: Path) -> None:
    black = {f"{level}.png": Image.new("RGB", (20, 20), (level, level, level)) for level in range(4)}
    white = {f"{level}.png": Image.new("RGB", (20, 20), (level, level, level)) for level in range(200, 204)}
    assert len(near_duplicates(pictures(tmp_path / "one", black), pictures(tmp_path / "other", white))) == 0


def test_a_copy_that_is_also_a_mirror_image_counts_once(tmp_path: Path) -> None:
    half = np.asarray(FACES[4])[:, :32]
    face = Image.fromarray(np.concatenate([half, half[:, ::-1]], axis=1))
    found = near_duplicates(pictures(tmp_path / "one", {"a.png": face}), pictures(tmp_path / "other", {"a.bmp": face}))
    assert (len(found), found.mirror.tolist()) == (1, [False])


def test_nothing_has_nothing_in_common_with_anything(tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", {"a.png": FACES[0]})
    nothing = one.take(np.zeros(1, dtype=bool))
    assert (
        len(near_duplicates(one, nothing))
        == len(near_duplicates(nothing, one))
        == len(near_duplicates(nothing, nothing))
        == 0
    )
