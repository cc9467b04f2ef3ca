"""How far members are lifted for an AUC, and how much photos of a person have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.stats.planted import in_common, shift
from bareface.stats.roc import judged_auc
from bareface.stats.sample import Sides, units


def drawn(shared: float, people: int, images: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(2 * people), images)
    scores = np.sqrt(shared) * rng.normal(size=2 * people)[subject] + np.sqrt(1 - shared) * rng.normal(
        size=len(subject)
    )
    return scores, subject < people, subject


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("unit", ["image", "person"])
def test_the_members_reach_the_auc_that_was_asked_for(shared: float, unit: str) -> None:
    scores, member, subject = drawn(shared, 2000, 3, 1)
    lift = shift(0.7, shared, (subject, member) if unit == "person" else None)
    reached = judged_auc(units(scores + lift * member, Sides(member, subject), unit))  # type: ignore[arg-type]
    assert reached == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.8])
def test_what_photos_of_a_person_have_in_common_is_found_again_whatever_the_leak(shared: float) -> None:
    scores, member, subject = drawn(shared, 1500, 4, 2)
    assert in_common(7 * scores + 5 * member, member, subject) == pytest.approx(shared, abs=0.04)


def test_with_one_photo_of_each_person_nothing_is_said_to_be_in_common() -> None:
    scores, member, subject = drawn(0.5, 30, 1, 3)
    assert in_common(scores, member, subject) == 0
    assert in_common(np.zeros(60), member, np.repeat(np.arange(20), 3)) == 0


@given(st.floats(0.5, 0.99), st.floats(0, 0.99))
def test_a_larger_effect_takes_a_larger_shift(effect: float, shared: float) -> None:
    by = (np.repeat(np.arange(8), [1, 2, 3, 4, 1, 2, 3, 4]), np.repeat(np.arange(8), [1, 2, 3, 4, 1, 2, 3, 4]) < 4)
    assert 0 <= shift(effect, shared, by) <= shift(effect, shared) + 1e-4
    assert shift(effect, shared, by) <= shift(min(0.995, effect + 0.005), shared, by)
