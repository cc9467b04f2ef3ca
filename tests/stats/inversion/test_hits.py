"""Thresholds, hits, lifts, diversity, transfer and power."""

from itertools import combinations
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.stats.inversion.claims import above, cosines
from bareface.stats.inversion.hits import consensus, exposure, hits, leakage_lift, named, no_hits, off_nominal, robust
from bareface.stats.inversion.power import images_needed, smallest_lift
from bareface.stats.inversion.spread import counts_of, effective, effective_share, largest_share, rarefied
from bareface.stats.inversion.thresholds import calibrate, strangers
from bareface.stats.inversion.transfer import rise, transfer


def test_the_threshold_holds_for_galleries_of_its_size_and_not_for_larger_ones() -> None:
    """Normal cosines: a stranger is above for 1 in 10 at N = 20, and for more at N = 200."""
    rng = np.random.default_rng(0)
    known = strangers(0.1 * rng.normal(size=(2000, 60)).clip(-5, 5), rng.integers(0, 60, 2000), 20, rng)
    (found,) = calibrate(known, rng, (0.1,), 200)
    assert found.value is not None
    fresh = 0.1 * rng.normal(size=(4000, 200))
    assert (fresh[:, :20].max(axis=1) > found.value).mean() == pytest.approx(0.1, abs=0.02)
    assert (fresh.max(axis=1) > found.value).mean() > 0.5
    assert found.fmr == pytest.approx(1 - 0.9 ** (1 / 20), rel=0.2)
    assert found.interval is not None
    assert found.interval.low <= found.value <= found.interval.high


def test_nobody_is_searched_against_themselves() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(-0.5, 0.5, size=(300, 12))
    person = rng.integers(0, 12, 300)
    values[np.arange(300), person] = 0.99
    known = strangers(values, person, 11, rng)
    assert known.best.max() < 0.51
    others = np.where(np.arange(12) == person[:, None], -1, values).max(axis=1)
    assert known.best == pytest.approx(others)


def test_too_few_strangers_give_no_threshold() -> None:
    rng = np.random.default_rng(2)
    known = strangers(rng.uniform(-1, 1, (200, 30)), rng.integers(0, 30, 200), 10, rng)
    ten, one, tenth = calibrate(known, rng, draws=50)
    assert ten.value is not None
    assert one.value is None
    assert one.reason == "200 photos of strangers, 299 are needed"
    assert tenth.probes_needed == 2995
    assert no_hits(one).reason == one.reason
    arm = cosines(rng.uniform(-1, 1, (30, 10)), rng.uniform(-1, 1, (30, 10)))
    assert leakage_lift(arm, arm, one, rng, draws=20).reason == one.reason


@pytest.mark.parametrize(
    ("shape", "person", "gallery", "words"),
    [
        ((5, 10), [0] * 5, 10, "got 10 calibration people; expected more than the 10"),
        ((5, 10), [10] * 5, 4, "each photo's own among them"),
        ((5, 10), [0] * 4, 4, "expected .photos, people. and .photos,."),
        ((0, 10), [], 4, "expected .photos, people."),
        ((5, 10), [-1] * 5, 4, "expected .photos, people."),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(
    shape: tuple[int, int], person: list[int], gallery: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        strangers(np.zeros(shape), person, gallery, np.random.default_rng(0))


def test_hits_name_the_best_of_those_they_claim() -> None:
    arm = cosines([[0.9, 0.8], [0.1, 0.6], [0.0, 0.1]], [[0.1, 0.0], [0.7, 0.9], [0.2, 0.3]])
    claimed = above(arm, 0.5).claimed
    inside, outside = named(arm, claimed)
    assert inside.tolist() == [0, 1, -1]
    assert outside.tolist() == [-1, 1, -1]
    found = hits(arm, claimed, 0.1)
    assert found.training is not None
    assert (found.training.events, found.training.trials) == (2, 3)
    assert found.training_named is not None
    assert (found.training_named.identities, found.training_named.rarefied) == (2, 1)
    assert exposure(inside, 2) == 1.0


def test_robust_and_consensus_hits_agree_on_the_person() -> None:
    a = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool)
    b = np.array([[0, 1, 0, 0], [0, 1, 0, 0]], bool)
    assert robust([a, b]).tolist() == [[False, True, False, False], [False] * 4]
    assert consensus([a, b]).tolist() == robust([a, b]).tolist()
    assert consensus([a, b, b], 2).tolist() == b.tolist()


def test_the_lift_sets_decoys_and_base_beside_the_hits() -> None:
    rng = np.random.default_rng(3)
    base = rng.uniform(-0.4, 0.4, size=(60, 40))
    arm = base.copy()
    arm[np.arange(30), rng.integers(0, 20, 30)] = 0.9  # 30 of 60 images hit somebody in training
    arm[30:36, 25] = 0.9  # and 6 one decoy
    threshold = calibrate(
        strangers(rng.uniform(-0.4, 0.4, (400, 30)), rng.integers(0, 30, 400), 20, rng), rng, (0.1,), 50
    )
    pair = [cosines(*np.split(values, 2, axis=1)) for values in (arm, base)]
    at = threshold[0].model_copy(update={"value": 0.5})
    found = leakage_lift(*pair, at, rng, draws=500)
    assert found.difference == pytest.approx(30 / 60 - 6 / 60)
    assert found.ratio == pytest.approx((30.5 / 6.5) / 1)
    assert found.p_value is not None
    assert found.p_value < 0.05
    assert found.interval is not None
    assert found.interval.low > 0
    assert leakage_lift(pair[1], pair[1], at, rng, draws=50).reason == "no permutation of membership changes the hits"


@settings(max_examples=30)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 9))
def test_rarefaction_is_the_mean_over_all_subsets(counts: list[int], size: int) -> None:
    people = [i for i, count in enumerate(counts) for _ in range(count)]
    if size > len(people):
        assert rarefied(counts, size) is None
        return
    distinct = [len(set(some)) for some in combinations(people, size)]
    assert rarefied(counts, size) == pytest.approx(np.mean(distinct))


def test_diversity_by_hand() -> None:
    counts = counts_of([3, 3, -1, 0, 3, 7, -1])
    assert counts == [3, 1, 1]
    assert effective(counts) == pytest.approx(exp(-(0.6 * log(0.6) + 2 * 0.2 * log(0.2))))
    assert largest_share(counts) == 0.6
    assert effective_share([0.25] * 4) == pytest.approx(4)
    assert (effective([]), largest_share([]), rarefied([], 1), effective_share([])) == (None, None, None, 0)


@pytest.mark.parametrize(
    ("rates", "needed"), [((0.01, 0.02), 2319), ((0.01, 0.03), 769), ((0.02, 0.05), 588), ((0.05, 0.1), 435)]
)
def test_power_agrees_with_the_textbook(rates: tuple[float, float], needed: int) -> None:
    assert images_needed(*rates) == needed


def test_the_smallest_lift() -> None:
    assert smallest_lift(0.1) == pytest.approx((1.6449 + 0.8416) * 0.1, abs=1e-4)
    assert smallest_lift(9.0) == 2.0
    with pytest.raises(UsageError, match="two rates in"):
        images_needed(0.1, 0.1)


def test_transfer_tells_a_rise_from_a_fooled_model() -> None:
    rng = np.random.default_rng(4)
    base, other = rng.normal(size=50), rng.normal(size=50)
    real = transfer((base + 3, base), (other + 1.5, other), members=[2.0, 4.0], nonmembers=[-1.0, 1.0])
    assert real.own is not None
    assert real.own.value == pytest.approx(3 / base.std(ddof=1))
    assert real.held_out is not None
    assert real.held_out.interval.low > 0
    assert real.position == pytest.approx((other + 1.5).mean() / 3)
    fooled = transfer((base + 3, base), (other + 0.1 * rng.normal(size=50), other))
    assert fooled.held_out is not None
    assert fooled.held_out.interval.low < 0
    assert fooled.position is None


def test_missing_scores_are_left_out_and_counted() -> None:
    base = np.arange(10.0)
    after = base + 1
    after[2] = np.nan
    found = rise(after, base)
    assert found is not None
    assert found.starts == 9
    assert rise([1.0, 2], [0.0, 1]) is None
    assert rise([1.0] * 5, [0.0] * 5) is None
    alone = transfer((after, base), None)
    assert alone.reason == "no attack model was held out"
    assert "fewer than 3" in transfer((after, base), (np.full(10, np.nan), base)).reason
    with pytest.raises(UsageError, match="pair arms by start"):
        rise([1.0, 2, 3], [1.0, 2])


def test_a_threshold_that_does_not_hold_for_generated_faces_is_noted() -> None:
    arm = cosines(np.zeros((60, 5)), np.full((60, 5), 0.5))
    assert "hit decoys 60 of 60 times where 10 % were meant" in off_nominal(hits(arm, above(arm, 0.3).claimed, 0.1))
    rare = cosines(np.zeros((60, 5)), np.where(np.arange(60)[:, None] < 6, 0.5, 0.0) * np.ones(5))
    assert off_nominal(hits(rare, above(rare, 0.3).claimed, 0.1)) == ""
