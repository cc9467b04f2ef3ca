"""Block-wise matching against all products at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.stats import matching
from bareface.stats.matching import largest_products, matches, median_product


def vectors(seed: int, n: int, d: int = 5) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "BLOCK", 7)


@given(seed=st.integers(0, 999), n=st.integers(0, 30), m=st.integers(0, 30), threshold=st.floats(-1, 1))
def test_matches_are_all_products_above_the_threshold(seed: int, n: int, m: int, threshold: float) -> None:
    first, second = vectors(seed, n), vectors(seed + 1, m)
    found = matches(first, second, threshold)
    product = np.array([[np.dot(a, b) for b in second] for a in first], dtype=np.float64).reshape(n, m)
    clear = np.abs(product - threshold) > 1e-6
    expected = {(i, j) for i, j in np.argwhere((product >= threshold) & clear).tolist()}
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert len(pairs) == len(found)
    assert {(i, j) for i, j in pairs if clear[i, j]} == expected
    assert (np.diff(found.product) <= 0).all()


@given(seed=st.integers(0, 999), n=st.integers(0, 30), count=st.integers(1, 60))
def test_the_largest_products_within_a_set(seed: int, n: int, count: int) -> None:
    some = vectors(seed, n)
    product = [float(some[i] @ some[j]) for i in range(n) for j in range(i)]
    assert largest_products(some, count) == pytest.approx(sorted(product, reverse=True)[:count], abs=1e-6)


def test_progress_goes_over_all_blocks() -> None:
    seen: list[tuple[int, int]] = []
    matches(vectors(0, 15), vectors(1, 8), 0.5, report=lambda *at: seen.append(at))
    assert seen == [(n, 6) for n in range(1, 7)]


def test_a_flood_of_matches_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_MATCHES", 50)
    with pytest.raises(UsageError, match=r"got more than 50 pairs at or above -1; .* Try: a higher threshold"):
        matches(vectors(0, 20), vectors(1, 20), -1.0)


@given(seed=st.integers(0, 99), n=st.integers(2, 40))
def test_the_median_of_products(seed: int, n: int) -> None:
    some = vectors(seed, n)
    products = [float(some[i] @ some[j]) for i in range(n) for j in range(i)]
    assert median_product(some) == pytest.approx(float(np.median(products)), abs=1e-6)
    assert -1 <= median_product(some, most=2) <= 1
