"""Intervals against literal resampling, exact tests and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.records.evidence import Interval
from bareface.stats.intervals import (
    auc_by_images,
    auc_by_people,
    auc_interval,
    clopper_pearson,
    difference_interval,
    mid_p,
    resampled_aucs,
    share,
    share_of_people,
)
from bareface.stats.rates import negatives_needed
from bareface.stats.roc import auc
from bareface.stats.sample import Sample, sample


def people(count: int, images: int, rng: np.random.Generator, share: float, shift: float = 0.0) -> Sample:
    """`count` people on each side, a `share` of the variance between them."""
    person = np.repeat(np.arange(2 * count), images)
    noise = rng.normal(size=len(person)) * (1 - share) ** 0.5
    member = person < count
    return sample(rng.normal(size=2 * count)[person] * share**0.5 + noise + shift * member, member, person)


def of(judged: Sample, seed: int = 0, draws: int = 1000, *, crossfit: bool = False) -> Interval:
    """The interval of a sample's AUC."""
    (resampled,) = resampled_aucs([judged], np.random.default_rng(seed), draws)
    return auc_interval(judged, resampled, crossfit=crossfit)


def between(first: Sample, second: Sample, *, crossfit: bool = False) -> Interval:
    """The interval of the difference of two AUCs."""
    resampled = resampled_aucs([first, second], np.random.default_rng(0), 1000)
    return difference_interval(first, second, resampled, crossfit=crossfit)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_is_the_exact_binomial_interval(counted: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    exact = binomtest(*counted).proportion_ci(0.95, "exact")
    ours = clopper_pearson(*counted)
    assert (ours.low, ours.high, ours.level) == pytest.approx((exact.low, exact.high, 0.95), abs=1e-9)


@pytest.mark.parametrize(("events", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_named(events: int, trials: int) -> None:
    with pytest.raises(UsageError, match=f"got {events} events in {trials} trials; expected at least one trial"):
        clopper_pearson(events, trials)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_mid_p_leaves_a_fortieth_beyond_each_bound_and_lies_within_the_exact_interval(counted: tuple[int, int]) -> None:
    """Oracle: the binomial distribution, half of the probability of what was seen on either side."""
    from scipy.stats import binom

    events, trials = counted
    found, exact = mid_p(events, trials), clopper_pearson(events, trials)
    if events:
        assert binom.sf(events, trials, found.low) + binom.pmf(events, trials, found.low) / 2 == pytest.approx(0.025)
    if events < trials:
        high = found.high
        assert binom.cdf(events, trials, high) - binom.pmf(events, trials, high) / 2 == pytest.approx(0.025)
    assert exact.low <= found.low <= events / trials <= found.high <= exact.high


def test_no_event_among_as_many_as_a_rate_needs_ends_the_interval_at_that_rate() -> None:
    for rate in (0.1, 0.01):
        assert mid_p(0, negatives_needed(rate)).high <= rate < mid_p(0, negatives_needed(rate) - 1).high


@st.composite
def counted(draw: st.DrawFn) -> tuple[Sample, list[int]]:
    """A sample with ties and people on one or both sides, and how often each person was drawn."""
    rows = draw(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
    scores, member, subject = zip(*rows, strict=True)
    judged = sample([*scores, 1, 2], [*member, True, False], [*subject, 6, 7])
    count = len(judged.side_of_person())
    counts = draw(st.lists(st.integers(0, 3), min_size=count - 2, max_size=count - 2))
    return judged, [*counts, 1, 1]


@given(counted())
def test_weighted_auc_is_the_auc_of_the_literal_resample(data: tuple[Sample, list[int]]) -> None:
    judged, counts = data
    rows = np.concatenate([np.repeat(np.flatnonzero(judged.person == g), c) for g, c in enumerate(counts)])
    literal = auc(judged.scores[rows], judged.member[rows])
    for quick in (auc_by_people, auc_by_images):
        assert quick(judged)(np.array([counts, counts], float).T) == pytest.approx([literal, literal])


def test_resampling_agrees_with_drawing_people_by_hand() -> None:
    rng = np.random.default_rng(3)
    judged = people(15, 4, rng, 0.3, 0.7)
    by_hand = []
    for _ in range(1500):
        drawn = np.concatenate([rng.choice(15, 14), rng.choice(np.arange(15, 30), 14)])
        rows = np.concatenate([np.flatnonzero(judged.person == g) for g in drawn])
        by_hand.append(auc(judged.scores[rows], judged.member[rows]))
    fast = resampled_aucs([judged], rng)[0]
    assert fast.mean() == pytest.approx(np.mean(by_hand), abs=0.01)
    assert fast.std() == pytest.approx(np.std(by_hand), rel=0.1)


def test_people_on_both_sides_are_drawn_whole() -> None:
    """A person's own level cancels only if both sides of a person are drawn together."""
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(60), 2)
    member = np.tile([True, False], 60)
    scores = 10.0 * rng.normal(size=60)[person] + rng.normal(size=120)
    together = resampled_aucs([sample(scores, member, person)], rng, 500).std()
    apart = resampled_aucs([sample(scores, member, person + 60 * member)], rng, 500).std()
    assert together < apart / 3


def test_chunks_do_not_matter_for_the_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = people(10, 3, np.random.default_rng(5), 0.2)
    whole = resampled_aucs([judged], np.random.default_rng(0), 801)
    monkeypatch.setattr("bareface.stats.intervals._CELLS", 60 * 50)
    chunked = resampled_aucs([judged], np.random.default_rng(0), 801)
    assert chunked.shape == whole.shape == (1, 801)
    assert chunked.std() == pytest.approx(whole.std(), rel=0.15)


def test_two_scores_of_the_same_images_see_the_same_people() -> None:
    rng = np.random.default_rng(6)
    first = people(25, 4, rng, 0.5, 0.5)
    second = sample(first.scores + 0.1 * rng.normal(size=len(first)), first.member, first.person)
    single, paired = of(first), between(first, second)
    assert paired.high - paired.low < (single.high - single.low) / 4
    same = between(first, first)
    assert (same.low, same.high) == (0, 0)


def test_cross_fitting_widens_the_difference_by_the_root_of_two() -> None:
    first, second = (people(12, 3, np.random.default_rng(s), 0.2) for s in (1, 2))
    second = sample(second.scores, first.member, first.person)
    given_models, refitted = (between(first, second, crossfit=crossfit) for crossfit in (False, True))
    ratio = (refitted.high - refitted.low) / (given_models.high - given_models.low)
    assert ratio == pytest.approx(2**0.5)


def test_complete_separation_is_bounded_by_the_number_of_separate_pairs() -> None:
    member, person = np.repeat([True, False], 20), np.arange(40) // 2
    above = of(sample(member * 1.0, member, person))
    below = of(sample(member * -1.0, member, person))
    assert (above.low, above.high) == pytest.approx((0.025 ** (1 / 10), 1))
    assert (below.low, below.high) == pytest.approx((0, 1 - 0.025 ** (1 / 10)))


def test_equal_scores_are_chance_for_sure() -> None:
    judged = sample(np.zeros(8), np.arange(8) < 4, np.arange(8))
    interval = of(judged)
    assert (interval.low, interval.high) == (0.5, 0.5)


@pytest.mark.parametrize(("members", "others", "freedom"), [(8, 8, 14), (20, 20, 38), (4, 40, 3.6272)])
def test_few_people_widen_by_students_t_with_welchs_degrees_of_freedom(
    members: int, others: int, freedom: float
) -> None:
    from scipy.stats import t

    rng, count = np.random.default_rng(7), members + others
    first, second = (sample(rng.normal(size=count), np.arange(count) < members, np.arange(count)) for _ in range(2))
    resampled = resampled_aucs([first, second], rng, 500)
    found = difference_interval(first, second, resampled, crossfit=False)
    half = t.ppf(0.975, freedom) * (resampled[0] - resampled[1]).std()
    difference = auc(first.scores, first.member) - auc(second.scores, second.member)
    assert (found.low, found.high) == pytest.approx((difference - half, difference + half), rel=1e-4)


def test_a_stream_gives_one_interval() -> None:
    judged = people(10, 3, np.random.default_rng(8), 0.2)
    assert of(judged, 1) == of(judged, 1) != of(judged, 2)


def test_without_leak_images_cry_leak_and_people_do_not() -> None:
    """30 + 30 people x 10 images, half of the variance between people, nothing to find; nominal 2.5 % above chance."""
    rng = np.random.default_rng(9)
    alarms = np.zeros(2)
    for run in range(120):
        judged = people(30, 10, rng, 0.5)
        each_image = sample(judged.scores, judged.member, np.arange(len(judged)))
        alarms += [of(s, run, 200).low > 0.5 for s in (each_image, judged)]
    by_image, by_person = alarms / 120
    assert by_image > 0.12
    assert by_person < 0.07


@pytest.mark.parametrize("count", [12, 40])
@pytest.mark.parametrize(("stray_is_member", "strays"), [(True, 1), (False, 1), (True, 3)])
def test_a_few_strays_hardly_touch_the_interval(count: int, stray_is_member: bool, strays: int) -> None:
    """Somebody with photos on one side only, among people with photos on both: one stray took all freedom but one."""
    rng = np.random.default_rng(5)
    person = np.concatenate([np.repeat(np.arange(count), 6), count + np.arange(strays)])
    member = np.concatenate([np.tile([True] * 3 + [False] * 3, count), np.full(strays, stray_is_member)])
    scores = rng.normal(size=count + strays)[person] * 0.4 + rng.normal(size=len(person)) + 1.3 * member
    plain = of(sample(scores[:-strays], member[:-strays], person[:-strays]), draws=4000)
    strayed = of(sample(scores, member, person), draws=4000)
    wide = plain.high - plain.low
    assert strayed.high - strayed.low == pytest.approx(wide, rel=0.1)
    assert strayed.low == pytest.approx(plain.low, abs=0.1 * wide)
    assert strayed.high == pytest.approx(plain.high, abs=0.1 * wide)


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_a_rate_of_people_covers_where_images_alone_would_not(rate: float) -> None:
    """Six images of a person that go together: the interval of people holds the rate as often as it says."""
    held = {"people": 0, "images": 0}
    person = np.repeat(np.arange(80), 6)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        inclined = rng.beta(rate * 2, (1 - rate) * 2, size=80)
        events = rng.random(480) < inclined[person]
        both = {"people": share_of_people(events, person), "images": share(int(events.sum()), 480)}
        for name, found in both.items():
            held[name] += found.interval.low <= rate <= found.interval.high
    assert held["people"] / 300 > 0.92 > 0.85 > held["images"] / 300


def test_without_events_people_are_counted() -> None:
    found = share_of_people(np.zeros(60, bool), np.repeat(np.arange(10), 6))
    assert (found.events, found.trials) == (0, 60)
    assert found.interval.high == pytest.approx(1 - 0.05 ** (1 / 10)), "ten people, not sixty images"
    with pytest.raises(UsageError, match="got no images"):
        share_of_people(np.zeros(0, bool), np.zeros(0, int))
