"""The ROC against scikit-learn and against counting pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.stats.roc import LOW_FPR, MAX_POINTS, Roc, auc, person_scores, roc, weighted_auc

Judged = tuple[NDArray[np.float64], NDArray[np.bool_]]


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    """Scores with many ties, both sides present."""
    members = draw(st.lists(st.integers(-4, 4), min_size=1, max_size=30))
    others = draw(st.lists(st.integers(-4, 4), min_size=1, max_size=30))
    order = draw(st.permutations(range(len(members) + len(others))))
    scores, member = np.array(members + others, float), np.array([True] * len(members) + [False] * len(others))
    return scores[order], member[order]


@given(judged())
def test_curve_and_area_are_those_of_scikit_learn(data: Judged) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    fpr, tpr, thresholds = roc_curve(data[1], data[0], drop_intermediate=False)
    ours = roc(*data)
    for got, expected in ((ours.fpr, fpr), (ours.tpr, tpr), (ours.thresholds, thresholds)):
        np.testing.assert_allclose(got, expected)
    assert auc(*data) == pytest.approx(roc_auc_score(data[1], data[0]))


@given(judged())
def test_auc_counts_pairs_with_ties_one_half(data: Judged) -> None:
    scores, member = data
    pairs = scores[member][:, None] - scores[~member]
    assert auc(scores, member) == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())


@given(judged(), st.randoms(use_true_random=False))
def test_auc_is_symmetric_and_blind_to_order_and_to_monotone_changes(data: Judged, random: object) -> None:
    scores, member = data
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(scores))  # type: ignore[attr-defined]
    assert auc(-scores, member) == pytest.approx(1 - auc(scores, member))
    assert auc(scores, ~member) == pytest.approx(1 - auc(scores, member))
    assert auc(scores[order], member[order]) == auc(scores, member)
    assert auc(np.exp(scores) * 3 - 1, member) == auc(scores, member)


def test_abstentions_are_left_out() -> None:
    assert auc([3, np.nan, 1, np.nan], [True, True, False, False]) == 1.0


@pytest.mark.parametrize("of", [auc, roc])
def test_an_empty_side_is_named(of: object) -> None:
    with pytest.raises(UsageError, match="got 0 members and 1 non-members with a score; expected at least one on each"):
        of([np.nan, 2], [True, False])  # type: ignore[operator]


def area(curve: Roc) -> float:
    return float(np.trapezoid(curve.tpr, curve.fpr))


@pytest.mark.parametrize("others", [50, 2_000, 60_000])
def test_thinned_curves_keep_the_low_end_and_the_area(others: int) -> None:
    rng = np.random.default_rng(others)
    scores = np.concatenate([rng.normal(1, 1, others), rng.normal(0, 1, others)])
    whole = roc(scores, np.arange(2 * others) < others)
    thin = whole.thinned()
    assert len(thin.fpr) <= MAX_POINTS
    assert (thin.fpr[0], thin.tpr[0], thin.fpr[-1], thin.tpr[-1]) == (0, 0, 1, 1)
    assert area(thin) == pytest.approx(area(whole), abs=2e-4)
    assert set(zip(thin.fpr, thin.tpr, strict=True)) <= set(zip(whole.fpr, whole.tpr, strict=True))


def test_no_corner_below_one_per_cent_is_lost() -> None:
    rng = np.random.default_rng(1)
    scores, member = rng.normal(size=8_000), rng.random(8_000) < 0.5
    whole = roc(scores + member, member)
    thin, low = whole.thinned(), np.arange(0, LOW_FPR, 1e-4)
    assert (whole.fpr < LOW_FPR).sum() > 200
    np.testing.assert_allclose(np.interp(low, thin.fpr, thin.tpr), np.interp(low, whole.fpr, whole.tpr), atol=1e-12)


def test_a_straight_stretch_is_drawn_by_its_ends() -> None:
    curve = roc([4, 3, 2, 1], [True, True, False, False]).thinned()
    assert list(zip(curve.fpr, curve.tpr, strict=True)) == [(0, 0), (0, 1), (1, 1)]


def test_person_scores_are_means_for_each_side() -> None:
    scores, subject, member = person_scores([1, 3, 5, np.nan], ["ann", "ann", "bob", "cy"], [True, True, False, False])
    np.testing.assert_array_equal(scores, [2, 5, np.nan])
    assert subject.tolist() == ["ann", "bob", "cy"]
    assert member.tolist() == [True, False, False]


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=40), st.integers(1, 39), st.booleans())
def test_sides_that_separate_reach_exactly_one_or_zero_whatever_their_weights(
    weights: list[float], members: int, above: bool
) -> None:
    weight = np.array(weights)
    inside = np.where(np.arange(len(weight)) < min(members, len(weight) - 1), weight, 0.0)
    outside = np.where(inside > 0, 0.0, weight)
    scores = np.where(inside > 0, 1.0, 0.0) + 0.001 * np.arange(len(weight))
    assert weighted_auc(scores if above else -scores, inside, outside) == float(above)
