"""Rates at thresholds from other people."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.stats.rates import conformal_thresholds, negatives_needed, operating_points, threshold
from bareface.stats.sample import Sample, sample


@pytest.mark.parametrize(("fpr", "needed"), [(0.1, 29), (0.01, 299), (0.001, 2995), (0.0001, 29956)])
def test_negatives_needed(fpr: float, needed: int) -> None:
    assert negatives_needed(fpr) == needed
    assert 1 - 0.05 ** (1 / needed) <= fpr < 1 - 0.05 ** (1 / (needed - 1))


@pytest.mark.parametrize("fpr", [0.0, 1.0, -0.1])
def test_a_rate_lies_between_0_and_1(fpr: float) -> None:
    with pytest.raises(UsageError, match="expected a rate between 0 and 1"):
        negatives_needed(fpr)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.sampled_from([0.5, 0.1, 0.01]))
def test_the_threshold_is_the_lowest_that_keeps_the_rate(negatives: list[int], fpr: float) -> None:
    values, allowed = np.array(negatives, float), math.floor(fpr * len(negatives))
    at = threshold(values, fpr)
    assert (values > at).sum() <= allowed
    lower = values[values < at]
    assert not len(lower) or (values > lower.max()).sum() > allowed


def test_with_nobody_to_choose_it_on_a_threshold_detects_nothing() -> None:
    assert threshold(np.array([]), 0.1) == math.inf


def arena(members: np.ndarray, others: np.ndarray) -> Sample:
    member = np.arange(len(members) + len(others)) < len(members)
    return sample(np.concatenate([members, others]), member, np.arange(len(member)), np.arange(len(member)) % 2)


def test_a_case_by_hand() -> None:
    """Two folds of 20 non-members 0, ..., 19: at 10 % of 21 one may exceed, and the .1 that is left is not enough."""
    others = np.repeat(np.arange(20.0), 2)
    point = operating_points(arena(np.array([17.0, 17.5, 18, np.nan]), others))[0]
    assert (point.positives, point.negatives, point.negatives_needed) == (4, 40, 29)
    assert point.true_positive is not None
    assert point.false_positive is not None
    assert (point.true_positive.events, point.true_positive.trials) == (0, 4)
    assert (point.false_positive.events, point.false_positive.trials, point.false_positive.rate) == (2, 40, 0.05)


def test_a_rate_without_enough_non_members_is_no_number() -> None:
    ten, one, tenth = operating_points(arena(np.ones(5), np.zeros(60)))
    assert ten.true_positive is not None
    assert [(p.true_positive, p.false_positive, p.negatives_needed) for p in (one, tenth)] == [
        (None, None, 299),
        (None, None, 2995),
    ]


def test_without_members_there_is_no_rate() -> None:
    assert operating_points(arena(np.ones(0), np.zeros(60)))[0].false_positive is None


def test_a_fold_does_not_choose_its_own_threshold() -> None:
    """Raising every score of one fold far above the other makes all of its people exceed the other's threshold."""
    judged = arena(np.zeros(20), np.arange(40.0))
    lifted = sample(judged.scores + 1000 * (judged.fold == 0), judged.member, judged.person, judged.fold)
    point = operating_points(lifted)[0]
    assert point.false_positive is not None
    assert point.false_positive.events == 20


def test_abstaining_is_no_detection_on_either_side() -> None:
    judged = arena(np.full(30, np.nan), np.full(30, np.nan))
    point = operating_points(judged)[0]
    assert point.true_positive is not None
    assert point.false_positive is not None
    assert (point.true_positive.events, point.false_positive.events) == (0, 0)


def test_false_positives_keep_the_nominal_rate_on_new_people() -> None:
    rng = np.random.default_rng(0)
    events = [operating_points(arena(rng.normal(size=2), rng.normal(size=300)))[0].false_positive for _ in range(60)]
    assert np.mean([share.rate for share in events if share]) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("fpr", [0.1, 0.01])
def test_folds_of_different_models_keep_the_nominal_rate(fpr: float) -> None:
    """Every fold's model has its own centre and scale; people bring three images that go together."""
    rng, shares = np.random.default_rng(1), []
    for _ in range(40):
        person = np.repeat(np.arange(400), 3)
        fold, member = person % 5, person < 40
        own = rng.normal(size=400)[person] * 0.5 + rng.normal(size=1200)
        scores = own * rng.uniform(0.5, 2, 5)[fold] + rng.normal(size=5)[fold]
        points = operating_points(sample(scores, member, person, fold), (fpr,), crossfit=True)
        assert points[0].false_positive is not None
        shares.append(points[0].false_positive)
    assert np.mean([share.rate for share in shares]) == pytest.approx(fpr, abs=0.2 * fpr)
    assert np.mean([share.interval.low <= fpr <= share.interval.high for share in shares]) >= 0.9


def test_photos_that_share_the_score_of_their_set_are_one_unit() -> None:
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(80), 5)
    scores = rng.normal(size=80)[person]
    (point,) = operating_points(sample(scores, person < 40, person, person % 4), (0.1,))
    assert (point.positives, point.negatives) == (40, 40)


def test_one_fold_has_nobody_else() -> None:
    judged = sample([1.0, 2.0], [True, False], ["a", "b"])
    with pytest.raises(UsageError, match=r"got a single fold; expected at least two.*Try: pass the folds"):
        operating_points(judged)


def test_the_interval_of_detected_members_allows_for_the_thresholds() -> None:
    """Without a leak the truth is the nominal rate; intervals of the members alone hold it in four of five samples."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(200):
        person = np.repeat(np.arange(120), 2)
        scores = rng.normal(size=120)[person] + rng.normal(size=240)
        (point,) = operating_points(sample(scores, person < 60, person, person % 5), (0.1,))
        assert point.true_positive is not None
        held += point.true_positive.interval.low <= 0.1 <= point.true_positive.interval.high
    assert 0.92 <= held / 200 <= 0.99


@given(st.integers(2, 6), st.integers(5, 60), st.sampled_from([0.1, 0.05, 0.01]))
def test_what_a_fold_cannot_allow_is_left_to_the_next(folds: int, people: int, fpr: float) -> None:
    negatives = [np.arange(float(people)) for _ in range(folds)]
    limits = conformal_thresholds(negatives, fpr)
    allowed = sum(
        1 + int((scores > limit).sum()) if limit < math.inf else 0
        for scores, limit in zip(negatives, limits, strict=True)
    )
    assert allowed == math.floor(fpr * folds * (people + 1) + 1e-6)


@pytest.mark.parametrize("share", [0.15, 0.5, 0.75])
@pytest.mark.parametrize("gap", [0.0, 2.0, 12.0])
def test_folds_keep_the_nominal_rate_however_far_the_sides_lie_apart(share: float, gap: float) -> None:
    """Folds of other models, and of other shares of members, as where people bring unequal numbers of photos."""
    rng, rates = np.random.default_rng(4), []
    for _ in range(30):
        person = np.repeat(np.arange(300), rng.integers(1, 5, 300))
        fold, member = person % 5, rng.random(300)[person] < share
        scores = rng.normal(size=len(person)) + gap * member
        scores = scores * rng.uniform(0.5, 2, 5)[fold] + 3 * rng.normal(size=5)[fold]
        (point,) = operating_points(sample(scores, member, person, fold), (0.1,), crossfit=True)
        assert point.false_positive is not None
        rates.append(point.false_positive.rate)
    assert np.mean(rates) == pytest.approx(0.1, abs=0.025)
