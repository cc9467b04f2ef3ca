"""The regression behind the propensities, against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from bareface.stats.logistic import ridge_logistic


@given(seed=st.integers(0, 10_000), n=st.integers(4, 80), f=st.integers(1, 60), ridge=st.sampled_from([0.1, 1.0, 50.0]))
def test_it_finds_what_scikit_learn_finds(seed: int, n: int, f: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    x, member, weight = rng.normal(size=(n, f)), rng.random(n) < 0.5, rng.random(n)
    member[:2] = [True, False]
    weight[:2] = 1.0
    coefficients, intercept = ridge_logistic(x, member, weight, ridge)
    other = LogisticRegression(C=1 / ridge, tol=1e-10, max_iter=10_000).fit(x, member, sample_weight=weight)
    assert coefficients == pytest.approx(other.coef_[0], abs=2e-3)
    assert intercept == pytest.approx(other.intercept_[0], abs=2e-3)


def test_sides_that_separate_have_a_finite_answer() -> None:
    x = np.r_[np.full(20, -3.0), np.full(20, 3.0)][:, None]
    coefficients, intercept = ridge_logistic(x, x[:, 0] > 0, np.ones(40), 0.01)
    assert 1 < coefficients[0] < 10
    assert intercept == pytest.approx(0, abs=1e-6)
