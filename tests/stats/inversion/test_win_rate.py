"""Win rates: what is counted, what permutations and bootstraps say, and how often they are wrong."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.stats.inversion.claims import Claims, above, cosines, nearest
from bareface.stats.inversion.clusters import (
    contrast,
    effective_identities,
    freedom,
    standard_error,
)
from bareface.stats.inversion.permutation import null_contrasts, one_sided, two_sided
from bareface.stats.inversion.winrate import difference_interval, excess, interval, win_rate


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def world(rng: np.random.Generator, n: int, people: int, *, hub: float = 0.3, leak: float = 0.0) -> np.ndarray:
    """(n, 2 people) cosines: images share a direction (hubs), and lean towards a random training person."""
    templates = unit(rng.normal(size=(2 * people, 16)))
    images = unit(rng.normal(size=(n, 16)) + hub * 4 * np.eye(16)[0])
    return unit(images + leak * templates[rng.integers(0, people, n)]) @ templates.T


def judged(values: np.ndarray, start: np.ndarray | None = None) -> object:
    inside, outside = np.split(values, 2, axis=1)
    return cosines(inside, outside, start)


def slow_rate(values: np.ndarray, training: np.ndarray) -> float:
    won = [
        0.5
        if np.isnan(row).any()
        else (max(row[training]) > max(row[~training])) + 0.5 * (max(row[training]) == max(row[~training]))
        for row in values
    ]
    return float(np.mean(won))


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6), st.booleans())
def test_the_rate_is_the_share_nearer_to_training_people(seed: int, n: int, people: int, missing: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-3, 4, size=(n, 2 * people)) / 4  # coarse: ties happen
    if missing:
        values[0] = np.nan
    claims = nearest(judged(values))
    assert 0.5 + contrast([(0.5, claims)]) == pytest.approx(slow_rate(values, np.arange(2 * people) < people))


def test_by_hand() -> None:
    values = np.array([[0.9, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4], [0.5, 0, 0.5, 0], [np.nan] * 4])
    claims = nearest(judged(values))
    assert claims.side.tolist() == [1, -1, 0, 0]
    assert claims.nearest.tolist() == [0, 3, 0, 7]
    assert above(judged(values), 0.25).side.tolist() == [0, -1, 0, 0]
    assert above(judged(values), 0.35).side.tolist() == [1, -1, 0, 0]


@pytest.mark.parametrize("count", [nearest, lambda c: above(c, 0.3)])
def test_permutations_recompute_the_statistic(count: object) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(-3, 4, size=(7, 6)) / 4
    claims = count(judged(values))  # type: ignore[operator]
    null = null_contrasts([(1.0, claims)], rng, 6000)
    every = []
    for chosen in combinations(range(6), 3):
        order = [*chosen, *(i for i in range(6) if i not in chosen)]
        every.append(contrast([(1.0, count(judged(values[:, order])))]))  # type: ignore[operator]
    assert {round(float(x), 6) for x in null} == {round(x, 6) for x in every}
    assert null.mean() == pytest.approx(0, abs=0.02)
    assert null.std() == pytest.approx(np.std(every), rel=0.05)
    observed = contrast([(1.0, claims)])
    assert one_sided([(1.0, claims)], null) == pytest.approx(np.mean(np.array(every) >= observed - 1e-9), abs=0.03)
    assert two_sided([(1.0, claims)], null) == pytest.approx(np.mean(np.abs(every) >= abs(observed) - 1e-9), abs=0.03)


def claims_of(side: list[int], nearest_identity: list[int], start: list[int] | None = None) -> Claims:
    claimed = np.zeros((len(side), 8), bool)
    for i, (way, who) in enumerate(zip(side, nearest_identity, strict=True)):
        claimed[i, who % 4 + (0 if way > 0 else 4)] = way != 0
    return Claims(claimed, np.arange(len(side)) if start is None else np.array(start), np.array(nearest_identity))


def test_the_standard_error_is_that_of_clusters() -> None:
    """One image for each start: starts lie within identities, and only identities count."""
    rng = np.random.default_rng(1)
    side, who = [1, 1, 1, -1, -1, 1], [0, 0, 0, 4, 5, 1]
    claims = claims_of(side, who)
    mean = np.mean(side)
    sums = [sum(s - mean for s, w in zip(side, who, strict=True) if w == x) / 6 for x in (0, 4, 5, 1)]
    linear = np.sqrt(np.sum(np.square(sums)) * 4 / 3)
    assert standard_error([(1.0, claims)], rng, 20_000) == pytest.approx(linear, rel=0.25)
    assert effective_identities(claims) == pytest.approx(1 / (0.25 + 3 / 36))
    assert freedom([(1.0, claims)]) == pytest.approx(2.0)


def test_arms_that_agree_have_no_difference() -> None:
    claims = claims_of([1, -1, 1, 1], [0, 5, 1, 2])
    assert standard_error([(1.0, claims), (-1.0, claims)], np.random.default_rng(2)) == 0


def test_pairing_by_start_sharpens_the_difference() -> None:
    rng = np.random.default_rng(3)
    base = world(rng, 200, 100)
    better = np.clip(base + 0.02 * rng.normal(size=base.shape), -1, 1)
    shuffled = rng.permutation(200)
    paired = excess("base", judged(better), judged(base), rng, 500).interval
    apart = excess("base", judged(better), judged(base[shuffled], shuffled[::-1]), rng, 500).interval
    assert paired.high - paired.low <= apart.high - apart.low + 1e-9


def test_a_planted_leak_is_found_and_a_hub_is_not_mistaken_for_one() -> None:
    rng = np.random.default_rng(4)
    found = win_rate(judged(world(rng, 100, 50, leak=1.0)), rng, draws=500)
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert found.interval is not None
    assert found.interval.low > 0.6
    assert sum(found.training_shares) == pytest.approx(1)
    one_hub = np.full((60, 40), -0.5)
    one_hub[:, 3] = 0.9
    hub = win_rate(judged(one_hub), rng, draws=500)
    assert (hub.wins, hub.losses) == (60, 0)
    assert hub.p_value is not None
    assert hub.p_value > 0.3
    assert hub.interval is not None
    assert hub.interval.low < 0.03  # one person is one trial


def test_a_judge_that_sees_no_difference_gives_no_number() -> None:
    rng = np.random.default_rng(5)
    flat = win_rate(judged(np.zeros((30, 40))), rng, draws=50)
    assert (flat.ties, flat.p_value, flat.smallest_effect) == (30, None, None)
    assert "no permutation" in flat.reason
    few = win_rate(judged(np.zeros((30, 18))), rng, draws=50)
    assert few.reason == "9 people in a gallery, 10 are needed"
    short = win_rate(judged(np.zeros((19, 40))), rng, draws=50)
    assert short.reason == "19 images, 20 are needed"


def test_faceless_images_stay_in_the_denominator() -> None:
    rng = np.random.default_rng(6)
    values = world(rng, 40, 20, leak=3.0)
    values[:20] = np.nan
    found = win_rate(judged(values), rng, draws=100)
    assert found.images == 40
    assert found.ties == 20
    assert found.rate <= 0.75


def test_without_a_random_split_there_is_no_p_value() -> None:
    rng = np.random.default_rng(7)
    assert win_rate(judged(world(rng, 40, 20)), rng, draws=100, random_split=False).p_value is None


@pytest.mark.parametrize("hub", [0.0, 1.0])
def test_false_alarms_are_nominal(hub: float) -> None:
    """Nothing to find, images that flock to few identities; nominal 5 % for p < .05 and for the interval."""
    rng = np.random.default_rng(8)
    p, missed = [], 0
    for _ in range(250):
        claims = nearest(judged(world(rng, 48, 30, hub=hub)))
        terms = [(1.0, claims)]
        p.append(one_sided(terms, null_contrasts(terms, rng, 200)))
        around = interval(claims, rng, 200)
        missed += not around.low <= 0.5 <= around.high
    assert np.mean(np.array(p) < 0.05) < 0.09
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.12)
    assert missed / 250 < 0.09


def test_intervals_cover_a_leak() -> None:
    """The win rate that 300 worlds of this kind have on average; resampled galleries would cover it far less often."""
    rng = np.random.default_rng(9)
    all_claims = [nearest(judged(world(rng, 48, 30, leak=1.0))) for _ in range(200)]
    true = 0.5 + np.mean([contrast([(0.5, claims)]) for claims in all_claims])
    intervals = [interval(claims, rng, 200) for claims in all_claims]
    assert true > 0.7
    assert np.mean([i.low <= true <= i.high for i in intervals]) > 0.92


def test_differences_between_arms_are_covered() -> None:
    """Base and a second arm, neither with a leak; the same galleries."""
    rng = np.random.default_rng(10)
    covered = []
    for _ in range(200):
        templates = unit(rng.normal(size=(60, 16)))
        images = unit(rng.normal(size=(48, 16)) + np.eye(16)[0] * 2)
        moved = unit(images + 0.5 * rng.normal(size=images.shape) / 4)
        terms = [(0.5, nearest(judged(rows @ templates.T))) for rows in (moved, images)]
        found = difference_interval([terms[0], (-0.5, terms[1][1])], rng, 200)
        covered.append(found.low <= 0 <= found.high)
    assert np.mean(covered) > 0.91


@pytest.mark.parametrize(
    ("training", "decoy", "start", "words"),
    [
        (np.zeros((4, 3)), np.zeros((4, 2)), None, "as many decoys as training people"),
        (np.zeros((4, 0)), np.zeros((4, 0)), None, "as many decoys as training people"),
        (np.full((4, 3), 7.0), np.zeros((4, 3)), None, "a value outside"),
        (np.array([[np.nan, 1.0]]), np.zeros((1, 2)), None, "partly NaN"),
        (np.zeros((4, 3)), np.zeros((4, 3)), np.zeros(3), "starts of shape"),
    ],
)
def test_galleries_that_cannot_be_compared_are_refused(
    training: np.ndarray, decoy: np.ndarray, start: np.ndarray | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        cosines(training, decoy, start)
