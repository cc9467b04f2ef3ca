"""The verification protocol: by hand, against slow oracles and scikit-learn, and where it refuses."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from bareface.errors import UsageError
from bareface.stats.intervals import clopper_pearson
from bareface.stats.verification import best_threshold, equal_error_rate, verify_pairs

# Two folds of six pairs, small enough for a pencil.
#            fold 0: three of one person, three of two | fold 1
SIMILARITY = [0.9, 0.6, 0.3, 0.5, 0.2, 0.1, 0.8, 0.7, 0.4, 0.35, 0.25, 0.15]
SAME = np.array([1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0], dtype=bool)
FOLD = [0] * 6 + [1] * 6


def test_by_hand() -> None:
    found = verify_pairs(SIMILARITY, SAME, FOLD, fars=(0.1, 0.3))
    # Fold 1 separates between .4 and .35, so fold 0 is judged at .375: .3 is refused and .5 accepted wrongly, 4 of 6.
    # Fold 0 is best told at (.6 + .5) / 2 = .55 and at (.3 + .2) / 2 = .25 with one mistake each; .55 is stricter.
    # At .55 fold 1 loses .4: 5 of 6.
    assert [one.threshold for one in found.folds] == pytest.approx([0.375, 0.55])
    assert [(one.right, one.pairs) for one in found.folds] == [(4, 6), (5, 6)]
    assert found.accuracy == pytest.approx(0.75)
    assert found.accuracy_std == pytest.approx(1 / 12)
    # Ranks: .4 loses to .5, .3 loses to .5 and .35: 3 of 36 comparisons.
    assert found.auc == pytest.approx(33 / 36)
    # At .4 one of six of two people passes (.5) and one of six of one person does not (.3).
    assert found.eer == pytest.approx(1 / 6)
    # At FAR 30 % at most 0 of the 3 negatives in the other fold may pass: thresholds .35 and .5, strictly above.
    at_10, at_30 = found.tar
    assert (at_10.negatives, at_10.negatives_needed, at_10.true_positive, at_10.false_positive) == (6, 29, None, None)
    assert at_30.negatives_needed == 9
    assert at_30.true_positive is None


def test_true_accept_rates_by_hand() -> None:
    # Twenty of two people in each fold: 10 % allows two above the threshold, which is the third highest, 18 / 100.
    similarity = [*(np.arange(20) / 100 + 0.01), 0.5, 0.17, *(np.arange(20) / 100 + 0.01), 0.19, 0.181]
    same = ([False] * 20 + [True] * 2) * 2
    (point,) = verify_pairs(similarity, same, [0] * 22 + [1] * 22, fars=(0.1,)).tar
    assert point.false_positive is not None
    assert point.true_positive is not None
    assert (point.false_positive.events, point.false_positive.trials) == (4, 40)
    assert (point.true_positive.events, point.true_positive.trials) == (3, 4)


def slow_threshold(similarity: np.ndarray, same: np.ndarray) -> float:
    values = sorted(set(similarity.tolist()), reverse=True)
    cuts = [math.inf, *((a + b) / 2 for a, b in pairwise(values)), -math.inf]
    return max(cuts, key=lambda t: (((similarity >= t) == same).sum(), t))


@given(seed=st.integers(0, 10_000), pairs=st.integers(6, 60), levels=st.integers(1, 12))
def test_folds_agree_with_trying_every_threshold(seed: int, pairs: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    same, fold = rng.random(pairs) < 0.5, rng.integers(0, 3, pairs)
    similarity = rng.integers(0, levels, pairs) + 2 * same
    assert best_threshold(similarity, same) == slow_threshold(similarity, same)
    if min(len(np.unique(fold[same == kind])) for kind in (True, False)) < 2:
        with pytest.raises(UsageError, match="pairs of each kind in at least two folds"):
            verify_pairs(similarity, same, fold)
        return
    found = verify_pairs(similarity, same, fold)
    for number, one in zip(np.unique(fold), found.folds, strict=True):
        threshold = slow_threshold(similarity[fold != number], same[fold != number])
        assert one.right == ((similarity >= threshold) == same)[fold == number].sum()
        assert one.pairs == (fold == number).sum()
    assert found.auc_interval.low <= found.auc <= found.auc_interval.high
    assert found.eer_interval.low <= found.eer <= found.eer_interval.high
    assert found.accuracy_interval.low <= found.accuracy <= found.accuracy_interval.high


@given(seed=st.integers(0, 10_000), apart=st.floats(0, 3))
def test_equal_error_rate_lies_where_scikit_learns_curve_crosses(seed: int, apart: float) -> None:
    rng = np.random.default_rng(seed)
    same = np.arange(80) < 35
    similarity = np.round(rng.normal(apart * same, 1), 1)
    fpr, tpr, _ = roc_curve(same, similarity, drop_intermediate=False)
    grid = np.linspace(0, 1, 20_001)
    # The curve as a chain of straight lines, by the length along it: steps upright have no function of fpr.
    along = np.cumsum(np.append(0, np.hypot(np.diff(fpr), np.diff(tpr))))
    x, y = np.interp(grid * along[-1], along, fpr), np.interp(grid * along[-1], along, tpr)
    nearest = np.argmin(np.abs(x - (1 - y)))
    assert equal_error_rate(similarity, same) == pytest.approx((x[nearest] + 1 - y[nearest]) / 2, abs=2e-4)


def test_perfect_separation_has_an_interval_that_admits_doubt() -> None:
    found = verify_pairs(np.arange(40) % 20 >= 10, np.arange(40) % 20 >= 10, np.arange(40) // 20)
    assert (found.auc, found.eer, found.accuracy) == (1, 0, 1)
    assert found.auc_interval.low == pytest.approx(0.832, abs=1e-3)  # 20 of 20
    assert found.eer_interval.high == pytest.approx(0.168, abs=1e-3)
    assert found.accuracy_interval.high == 1
    assert found.accuracy_interval.low < 1


def test_the_jackknife_is_that_of_the_textbook() -> None:
    rng = np.random.default_rng(3)
    same, fold = np.arange(200) % 2 == 0, np.arange(200) // 20
    similarity = rng.normal(1.2 * same, 1)
    found = verify_pairs(similarity, same, fold)

    def auc(keep: np.ndarray) -> float:
        return float((similarity[keep & same][:, None] > similarity[keep & ~same]).mean())

    without = np.array([auc(fold != number) for number in range(10)])
    error = math.sqrt(9 / 10 * ((without - without.mean()) ** 2).sum())
    width = 2 * 2.262157 * error / (found.auc * (1 - found.auc))
    low, high = (math.log(p / (1 - p)) for p in (found.auc_interval.low, found.auc_interval.high))
    assert high - low == pytest.approx(width, rel=1e-5)


def test_missing_similarities_are_refused() -> None:
    with pytest.raises(UsageError, match="got 1 pairs without a similarity; expected a number for each pair"):
        verify_pairs([np.nan, *SIMILARITY[1:]], SAME, FOLD)


def _alike(folds: int, same: int, wrong: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Folds of so many pairs of each kind with so many errors of each kind in every one of them."""
    truth, fold = np.tile([True, False], folds * same), np.repeat(np.arange(folds), 2 * same)
    score = np.where(truth, 0.9, 0.1) + np.tile(np.linspace(0, 0.01, 2 * same), folds)
    for number in range(folds):
        for kind, count, value in ((True, wrong[0], 0.05), (False, wrong[1], 0.95)):
            score[np.flatnonzero((fold == number) & (truth == kind))[:count]] = value
    return score, truth, fold


@pytest.mark.parametrize("folds", [2, 4, 10])
@pytest.mark.parametrize("wrong", [(1, 1), (2, 2), (3, 3), (2, 0)])
def test_folds_that_err_alike_leave_doubt_all_the_same(folds: int, wrong: tuple[int, int]) -> None:
    found = verify_pairs(*_alike(folds, 5, wrong), fars=())
    for value, interval in (
        (found.accuracy, found.accuracy_interval),
        (found.auc, found.auc_interval),
        (found.eer, found.eer_interval),
    ):
        assert interval.low < value < interval.high
    exact = clopper_pearson(round(found.accuracy * folds * 10), folds * 10)
    assert found.accuracy_interval.low <= exact.low
    assert found.accuracy_interval.high >= exact.high


@pytest.mark.parametrize("folds", [2, 4, 10])
@pytest.mark.parametrize("value", [1.0, 0.0, -0.3])
def test_a_collapsed_model_is_as_doubtful_as_a_coin(folds: int, value: float) -> None:
    truth, fold = np.tile([True, False], 5 * folds), np.repeat(np.arange(folds), 10)
    found = verify_pairs(np.full(10 * folds, value), truth, fold, fars=())
    for interval in (found.accuracy_interval, found.auc_interval, found.eer_interval):
        assert interval.low < 0.5 - 0.5 / np.sqrt(10 * folds)
        assert interval.high > 0.5 + 0.5 / np.sqrt(10 * folds)
