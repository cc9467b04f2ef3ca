"""Who would stand on which side, judged without the target, and weights that make the sides alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.stats.permutation import null_aucs, redrawn_aucs
from bareface.stats.propensity import components, deal, effective_number, overlap, told_apart
from bareface.stats.roc import auc, judged_auc, weighted_auc
from bareface.stats.sample import sample


def slow_weighted_auc(scores: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> float:
    wins = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    return float((inside[:, None] * outside * wins).sum() / (inside.sum() * outside.sum()))


@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), levels=st.integers(1, 20))
def test_a_weighted_auc_is_the_weighted_share_of_pairs(seed: int, n: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(levels, size=n).astype(float)
    inside, outside = rng.random(n), rng.random(n)
    assert weighted_auc(scores, inside, outside) == pytest.approx(slow_weighted_auc(scores, inside, outside))


@given(seed=st.integers(0, 10_000), n=st.integers(4, 60))
def test_equal_weights_are_no_weights(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    scores, member = rng.normal(size=n), np.arange(n) % 2 == 0
    person = np.arange(n)
    plain, even = sample(scores, member, person), sample(scores, member, person, weight=np.full(n, 0.3))
    assert judged_auc(even) == pytest.approx(judged_auc(plain)) == pytest.approx(auc(scores, member))


@pytest.mark.parametrize(("members", "others"), [(60, 60), (30, 120)])
def test_weighted_means_are_the_same_on_both_sides(members: int, others: int) -> None:
    rng = np.random.default_rng(0)
    member = np.arange(members + others) < members
    numbers = rng.normal(size=(len(member), 4)) + 0.8 * member[:, None]
    found = overlap(numbers, member)
    assert found.probability.sum() == pytest.approx(members)
    for column in numbers.T:
        inside, outside = (np.average(column[s], weights=found.weight[s]) for s in (member, ~member))
        assert abs(inside - outside) < 0.02 < abs(column[member].mean() - column[~member].mean())


def test_few_people_are_matched_by_few_numbers() -> None:
    rng = np.random.default_rng(1)
    member = np.arange(20) < 10
    numbers = rng.normal(size=(20, 8))
    assert overlap(numbers, member).weight == pytest.approx(overlap(numbers[:, :2], member).weight)


def test_sides_that_nobody_could_change_overlap_by_nothing() -> None:
    member = np.arange(80) < 40
    apart = overlap(np.where(member, 4.0, -4.0)[:, None], member)
    alike = overlap(np.random.default_rng(2).normal(size=(80, 1)), member)
    assert apart.share < 0.05 < 0.9 < alike.share <= 1
    assert max(apart.effective(member)) < 4
    assert min(alike.effective(member)) > 35


def test_an_effective_number_counts_equal_weights() -> None:
    assert effective_number(np.full(7, 0.2)) == pytest.approx(7)
    assert effective_number(np.array([1.0, 0, 0])) == pytest.approx(1)
    assert effective_number(np.zeros(3)) == 0


def told(shift: float, seed: int, size: int = 120) -> float:
    rng = np.random.default_rng(seed)
    member = np.arange(size) < size // 2
    groups = {
        "scalars": rng.normal(size=(size, 3)) + shift * member[:, None],
        "embedding": rng.normal(size=(size, 64)),
        "pictures": rng.normal(size=(size, 20)),
    }
    return auc(told_apart(groups, member, deal(member, 5, rng), rng).together, member)


def test_three_numbers_are_not_drowned_in_eighty() -> None:
    assert np.mean([told(0.8, seed) for seed in range(4)]) > 0.75


def test_where_there_is_nothing_to_tell_nothing_is_told() -> None:
    assert np.mean([told(0.0, seed) for seed in range(12)]) == pytest.approx(0.5, abs=0.05)


def test_components_are_those_of_the_singular_value_decomposition() -> None:
    values = np.random.default_rng(3).normal(size=(30, 7)) * np.arange(1, 8)
    found = components(values, 3)
    assert found.shape == (30, 3)
    assert np.abs(np.corrcoef(found.T) - np.eye(3)).max() < 1e-9
    assert (np.diff(found.std(axis=0)) < 0).all()


def test_redrawn_sides_give_the_permutation_null_where_everybody_is_as_likely() -> None:
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(60), 3)
    judged = sample(rng.normal(size=60)[person] + rng.normal(size=180), person < 30, person, weight=np.full(180, 0.5))
    redrawn = redrawn_aucs(judged, np.full(180, 0.5), np.random.default_rng(5), 4000)
    permuted = null_aucs(judged, np.random.default_rng(6), 4000)
    assert redrawn.mean() == pytest.approx(permuted.mean(), abs=0.01)
    assert redrawn.std() == pytest.approx(permuted.std(), rel=0.1)


def test_redrawing_holds_its_level_where_a_trait_decides_membership_and_scores() -> None:
    """The trait moves scores and membership; unmatched the AUC is far from .5, matched the p-values are even."""
    raw, p_values = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        trait = rng.normal(size=120)
        member = rng.random(120) < 1 / (1 + np.exp(-1.2 * trait))
        scores = trait + rng.normal(size=120)
        weights = overlap(trait[:, None], member)
        judged = sample(scores, member, np.arange(120), weight=weights.weight)
        null = redrawn_aucs(judged, weights.probability, rng, 300)
        raw.append(auc(scores, member))
        p_values.append((1 + (null >= judged_auc(judged)).sum()) / 301)
    assert np.mean(raw) > 0.65
    assert np.mean(np.array(p_values) < 0.05) < 0.1
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.12)
