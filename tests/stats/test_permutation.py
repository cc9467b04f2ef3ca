"""The permutation null against enumeration and simulation."""

from itertools import combinations, product

import numpy as np
import pytest

from bareface.stats.intervals import CROSSFIT
from bareface.stats.permutation import null_aucs, null_error, p_value
from bareface.stats.roc import auc
from bareface.stats.sample import Sample, sample


def enumerated(judged: Sample) -> np.ndarray:
    """The AUC of every choice of as many member people as there are."""
    count = len(judged.side_of_person())
    choices = combinations(range(count), judged.people(True))
    return np.array([auc(judged.scores, np.isin(judged.person, choice)) for choice in choices])


def swapped(judged: Sample) -> np.ndarray:
    """The AUC of every way to swap the two sides of people."""
    count = len(judged.side_of_person())
    return np.array(
        [auc(judged.scores, judged.member ^ np.array(s)[judged.person]) for s in product([False, True], repeat=count)]
    )


def test_people_are_permuted_with_all_their_images() -> None:
    rng = np.random.default_rng(0)
    person = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 5])
    judged = sample(rng.integers(0, 6, 10), person < 3, person)
    null, every = null_aucs(judged, rng, 8000), enumerated(judged)
    assert {round(a, 9) for a in null} == {round(a, 9) for a in every}
    for quantile in (0.1, 0.5, 0.9):
        at = np.quantile(every, quantile)
        assert (null >= at - 1e-9).mean() == pytest.approx((every >= at - 1e-9).mean(), abs=0.02)


def test_the_two_sides_of_a_person_are_swapped() -> None:
    rng = np.random.default_rng(1)
    person, member = np.repeat(np.arange(5), 4), np.tile([True, True, False, False], 5)
    judged = sample(rng.integers(0, 9, 20), member, person)
    null, every = null_aucs(judged, rng, 8000), swapped(judged)
    assert {round(a, 9) for a in null} == {round(a, 9) for a in every}
    assert null.mean() == pytest.approx(0.5, abs=0.005)
    assert null.std() == pytest.approx(every.std(), rel=0.05)


def test_swaps_and_permutations_stand_side_by_side() -> None:
    """Two people on both sides, two on one each: 4 x 2 labelings."""
    person = np.array([0, 0, 1, 1, 2, 3])
    judged = sample([6, 1, 5, 2, 4, 3], [True, False, True, False, True, False], person)
    null = null_aucs(judged, np.random.default_rng(2), 2000)
    labels = [np.array([a, not a, b, not b, c, not c]) for a, b, c in product([False, True], repeat=3)]
    assert {round(a, 9) for a in null} == {round(auc(judged.scores, m), 9) for m in labels}


def test_who_brings_more_training_images_is_no_record_leak() -> None:
    """People with high scores have more images on the member side; within a person nothing differs."""
    person = np.repeat(np.arange(20), 4)
    level = (person < 10) * 1.0
    member = np.where(person < 10, np.tile([True, True, True, False], 20), np.tile([True, False, False, False], 20))
    judged = sample(level, member, person)
    null = null_aucs(judged, np.random.default_rng(3), 200)
    assert auc(judged.scores, member) == pytest.approx(0.75)
    assert p_value(auc(judged.scores, member), null) == 1.0
    assert null_error(null) == 0.0


def test_membership_stays_within_its_fold() -> None:
    person = np.arange(40)
    member, fold = person % 2 == 0, person % 4
    rng = np.random.default_rng(4)
    one_sided = sample(rng.normal(size=40), member, person, member)
    assert null_error(null_aucs(one_sided, rng, 100)) == 0.0
    # The fold explains the score; a permutation across folds would spread the null, one within does not.
    strong = sample(fold // 2 + 0.01 * rng.normal(size=40), member, person, fold // 2)
    assert null_aucs(strong, rng, 500).std() < null_aucs(sample(strong.scores, member, person), rng, 500).std() / 1.1


def test_abstentions_do_not_take_part() -> None:
    rng = np.random.default_rng(5)
    judged = sample([1.0, 4, 2, 3, np.nan, np.nan], np.array([1, 1, 0, 0, 1, 0], bool), np.arange(6))
    assert {round(a, 9) for a in null_aucs(judged, rng, 500)} == {round(a, 9) for a in enumerated(judged.answered)}


def test_chunks_give_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bareface.stats.intervals._CELLS", 60)
    judged = sample(np.arange(6), np.arange(6) < 3, np.arange(6))
    assert null_aucs(judged, np.random.default_rng(6), 25).shape == (25,)


def test_p_counts_the_observed_labels_too() -> None:
    null = np.array([0.4, 0.5, 0.6, 0.7])
    assert p_value(0.6, null, crossfit=False) == pytest.approx(3 / 5)
    assert p_value(0.71, null, crossfit=False) == pytest.approx(1 / 5)
    assert p_value(0.71, null, crossfit=True) == pytest.approx(2 / 5)  # .55 + sqrt(2) .15 = .76
    assert null_error(null) == pytest.approx(CROSSFIT * null.std())


def test_false_alarms_are_nominal_for_people_and_not_for_images() -> None:
    """30 + 30 people x 6 images, half of the variance between people, nothing to find; nominal 5 %."""
    rng = np.random.default_rng(7)
    person = np.repeat(np.arange(60), 6)
    alarms = np.zeros(2)
    for _ in range(300):
        scores = rng.normal(size=60)[person] + rng.normal(size=360)
        observed = auc(scores, person < 30)
        for i, who in enumerate((np.arange(360), person)):
            null = null_aucs(sample(scores, person < 30, who), rng, 200)
            alarms[i] += p_value(observed, null, crossfit=False) < 0.05
    by_image, by_person = alarms / 300
    assert by_image > 0.12
    assert by_person < 0.09
