"""Boxes against definitions written out slowly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bareface.faces.detection.boxes import moved, overlaps, squares, suppress

# Whole numbers of quarters are exact, so that an overlap of just the limit is one here and there.
EDGES = st.integers(-40, 40).map(lambda quarters: quarters / 4)


@st.composite
def boxes(draw: st.DrawFn, most: int = 12) -> np.ndarray:
    count = draw(st.integers(0, most))
    corners = draw(st.lists(st.tuples(EDGES, EDGES, EDGES, EDGES), min_size=count, max_size=count))
    ordered = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    return np.array(ordered, dtype=float).reshape(-1, 4)


def slow_overlap(one: np.ndarray, other: np.ndarray, of_smaller: bool) -> float:
    """By the definition, for two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = width * height if width > 0 and height > 0 else 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    of = min(areas) if of_smaller else sum(areas) - shared
    return shared / of if of > 0 else 0.0


def slow_suppress(found: np.ndarray, scores: list[float], most: float, of_smaller: bool) -> list[int]:
    """A box stays unless one that stays and is better overlaps it too much: asked of each box, best first."""
    stays: list[int] = []
    for row in sorted(range(len(found)), key=lambda row: (-scores[row], row)):
        if all(slow_overlap(found[better], found[row], of_smaller) <= most for better in stays):
            stays.append(row)
    return stays


@given(found=boxes(), seed=st.integers(0, 999), most=st.sampled_from([0, 0.25, 0.5, 0.7, 1]), of_smaller=st.booleans())
def test_suppression_is_that_of_a_brute_force_oracle(
    found: np.ndarray, seed: int, most: float, of_smaller: bool
) -> None:
    scores = np.random.default_rng(seed).integers(0, 5, len(found)) / 4  # with ties
    kept = suppress(found, scores, most, of_smaller=of_smaller)
    assert kept.tolist() == slow_suppress(found, scores.tolist(), most, of_smaller)


@given(found=boxes(), of_smaller=st.booleans())
def test_overlaps_are_those_of_the_definition(found: np.ndarray, of_smaller: bool) -> None:
    for box in found:
        expected = [slow_overlap(box, other, of_smaller) for other in found]
        assert overlaps(box, found, of_smaller=of_smaller).tolist() == expected


def test_a_box_inside_another_goes_only_by_the_smaller() -> None:
    found, scores = np.array([[0.0, 0, 10, 10], [4, 4, 6, 6]]), np.array([0.9, 0.8])
    assert suppress(found, scores, 0.5).tolist() == [0, 1]
    assert suppress(found, scores, 0.5, of_smaller=True).tolist() == [0]


def test_edges_move_by_shares_of_their_own_side() -> None:
    box, shares = np.array([[10.0, 20, 30, 60]]), np.array([[0.1, -0.1, 0.5, 0.25]])
    assert moved(box, shares).tolist() == [[12, 16, 40, 70]]


@given(found=boxes())
def test_squares_keep_centre_and_longer_side(found: np.ndarray) -> None:
    for before, after in zip(found, squares(found), strict=True):
        longer = max(before[2] - before[0], before[3] - before[1])
        assert after[2] - after[0] == after[3] - after[1] == longer
        assert (after[:2] + after[2:]).tolist() == (before[:2] + before[2:]).tolist()
