"""Thresholds for many comparisons: the formula, what they keep, and where they are refused."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from bareface.stats.impostors import TAIL, calibrate, strictest
from bareface.stats.matching import largest_products, median_product


def people(rng: np.random.Generator, n: int, groups: np.ndarray) -> np.ndarray:
    """(n, 64) directions of people, in groups that look alike."""
    drawn = 0.5 * groups[rng.integers(0, len(groups), n)] + 0.87 * rng.normal(size=(n, 64)) / 8
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_the_formula_by_the_textbook() -> None:
    largest = np.sort(np.random.default_rng(0).exponential(0.03, 5000))[::-1][: TAIL + 1] + 0.2
    pairs, comparisons, median = 200_000, 1_000_000, 0.05
    raised = (largest - median) ** 1.5
    excess = raised[:200] - raised[200]
    slope = 2 * (excess[50:].sum() + 50 * excess[49]) / chi2.ppf(0.025, 2 * 150)
    count = chi2.ppf(0.975, 2 * 201) / 2
    reached = raised[200] + slope * math.log(count / pairs * comparisons / 2.0)
    found = calibrate(largest, median, pairs, comparisons, 2.0)
    assert found.threshold == pytest.approx(median + reached ** (2 / 3))
    assert found.above == int((largest >= found.threshold).sum())


@pytest.mark.parametrize("expected", [0.5, 5.0])
def test_strangers_keep_to_what_was_promised(expected: float) -> None:
    rng = np.random.default_rng(4)
    groups = rng.normal(size=(20, 64)) / 8
    many = people(rng, 4000, groups)
    over = 0
    for _ in range(12):
        some = people(rng, 300, groups)
        found = calibrate(largest_products(some, TAIL + 1), median_product(some), 300 * 299 // 2, 300 * 300, expected)
        assert found.threshold is not None
        rate = float((some @ many.T >= found.threshold).mean())
        over += rate * 300 * 300 > expected
    assert over <= 1


def test_a_few_people_under_two_names_do_not_decide() -> None:
    rng = np.random.default_rng(5)
    some = people(rng, 400, rng.normal(size=(20, 64)) / 8)
    twice = some.copy()
    twice[:10] = some[10:20]
    clean, spoilt = (
        calibrate(largest_products(each, TAIL + 1), median_product(each), 400 * 399 // 2, 160_000, 1.0)
        for each in (some, twice)
    )
    assert clean.threshold is not None
    assert spoilt.threshold is not None
    assert abs(spoilt.threshold - clean.threshold) < 0.04
    assert spoilt.above == 10


def test_a_set_full_of_people_under_two_names_is_refused() -> None:
    some = people(np.random.default_rng(6), 400, np.zeros((1, 64)))
    some[:150] = some[150:300]
    found = calibrate(largest_products(some, TAIL + 1), median_product(some), 400 * 399 // 2, 160_000, 1.0)
    assert found.threshold is None
    assert "a set seems to have people under several names" in found.reason


@pytest.mark.parametrize(
    ("pairs", "comparisons", "expected", "reason"),
    [
        (4_949, 100, 1.0, "4,949 pairs of different people, at least 4,950 (100 people in a set) are needed"),
        (5_000, 1_000_000, 0.5, "they support 2 expected false matches, 0.5 were asked for"),
    ],
)
def test_what_the_pairs_cannot_support_is_said(pairs: int, comparisons: int, expected: float, reason: str) -> None:
    found = calibrate(np.linspace(0.5, 0.2, TAIL + 1), 0.0, pairs, comparisons, expected)
    assert found.threshold is None
    assert reason in found.reason


def test_of_two_sets_the_stricter_counts_and_a_small_one_does_not_stand_in_the_way() -> None:
    largest = np.linspace(0.3, 0.25, TAIL + 1)
    low, high = (calibrate(values, 0.0, 40_000, 10_000, 1.0) for values in (largest, largest + 0.1))
    none = calibrate(largest, 0.0, 9, 10_000, 1.0)
    assert strictest([low, high, none]) is high
    assert strictest([none, low]) is low
    assert strictest([none, none]).reason
