"""Which face is meant; and the real networks on rendered faces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bareface.errors import UsageError
from bareface.faces.detection.cascade import Faces
from bareface.faces.detection.finder import OwnFinder, chosen


def faces(*boxes: tuple[float, float, float, float]) -> Faces:
    return Faces(np.array(boxes, dtype=float), np.zeros((len(boxes), 5, 2)), np.ones(len(boxes)))


def test_of_two_the_central_or_the_largest_is_meant() -> None:
    middle, aside = (70.0, 70, 130, 130), (140.0, 60, 220, 140)
    assert chosen(faces(aside, middle), (200, 200), "central") == 1
    assert chosen(faces(aside, middle), (200, 200), "largest") == 0


def test_what_lies_beyond_the_edge_makes_no_face_larger() -> None:
    whole, cut = (60.0, 60, 130, 130), (150.0, -60, 260, 50)
    assert chosen(faces(cut, whole), (200, 200), "largest") == 1


def test_a_small_face_in_the_very_middle_is_not_meant() -> None:
    bystander, subject = (98.0, 98, 102, 102), (60.0, 90, 140, 170)
    assert chosen(faces(bystander, subject), (200, 200), "central") == 1


@given(seed=st.integers(0, 999), count=st.integers(1, 6), factor=st.floats(0.1, 10))
def test_the_choice_does_not_depend_on_the_photos_size(seed: int, count: int, factor: float) -> None:
    corner = np.random.default_rng(seed).uniform(0, 150, (count, 2))
    size = np.random.default_rng(seed + 1).uniform(10, 60, (count, 2))
    found = Faces(np.concatenate([corner, corner + size], 1), np.zeros((count, 5, 2)), np.ones(count))
    width, height = 200, 180
    larger = found.scaled(np.array([factor, factor]))
    assert chosen(found, (width, height), "central") == chosen(larger, (width * factor, height * factor), "central")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("eyes", r"got a str; expected five landmarks \(5, 2\), or None"),
        ([[1, 2], [3]], r"got a list; expected five landmarks"),
        (ZeroDivisionError("no"), r"a detector that fails: ZeroDivisionError \(no\); expected five landmarks"),
        (SystemExit(3), r"a detector that fails: SystemExit \(3\)"),
    ],
)
def test_what_somebodys_detector_gets_wrong_is_said(told: object, message: str) -> None:
    def detector(image: np.ndarray) -> object:
        if isinstance(told, BaseException):
            raise told
        return told

    with pytest.raises(UsageError, match=message):
        OwnFinder(detector)(Image.new("RGB", (4, 4)))  # type: ignore[arg-type]


def test_somebodys_detector_is_shown_the_pixels_and_believed() -> None:
    points = [[1, 1], [3, 1], [2, 2], [1, 3], [3, 3]]
    found = OwnFinder(lambda image: points if image.shape == (6, 5, 3) else None)
    told = found(Image.new("RGB", (5, 6)))
    assert told is not None
    assert told.landmarks.tolist() == points
    assert found(Image.new("RGB", (6, 5))) is None
