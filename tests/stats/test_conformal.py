"""Ranks among strangers: never too small, and uniform where the person is one of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bareface.errors import UsageError
from bareface.stats.conformal import at_or_above, conformal_p, strangers_needed

SCORES = arrays(np.float64, st.integers(1, 12), elements=st.integers(-3, 3).map(float))


@given(SCORES)
def test_whoever_of_the_exchangeable_is_asked_small_p_values_are_rare(scores: np.ndarray) -> None:
    """Each of n + 1 in turn against the others: at most a share a of them has p <= a, ties or not."""
    p = np.array([conformal_p(int((np.delete(scores, i) >= one).sum()), len(scores) - 1)
                  for i, one in enumerate(scores)])  # fmt: skip
    for level in np.unique(p):
        assert (p <= level).mean() <= level + 1e-12


@given(SCORES, st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_counting_by_fold_is_what_a_loop_counts(strangers: np.ndarray, folds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fold = rng.integers(folds, size=len(strangers))
    asked = rng.integers(-3, 4, size=(folds, 3)).astype(float)
    slow = [sum(score >= asked[f, q] for score, f in zip(strangers, fold, strict=True)) for q in range(3)]
    assert at_or_above(asked, strangers, fold).tolist() == slow


@pytest.mark.parametrize(("fpr", "needed"), [(0.05, 19), (0.01, 99), (0.001, 999), (0.3, 3), (0.5, 1)])
def test_with_fewer_strangers_nothing_could_be_as_small(fpr: float, needed: int) -> None:
    assert strangers_needed(fpr) == needed
    assert conformal_p(0, needed) <= fpr + 1e-12
    assert conformal_p(0, needed - 1) > fpr


@pytest.mark.parametrize("fpr", [0.0, 1.0, -1.0, float("nan")])
def test_a_rate_lies_between_none_and_all(fpr: float) -> None:
    with pytest.raises(UsageError, match="expected a rate between 0 and 1"):
        strangers_needed(fpr)
