"""Choosing within what is known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bareface.membership.engine.attack_model import TrainingSet
from bareface.membership.engine.nested import Peopled, Setting, area, choose

TAME_FIRST = tuple(Setting("logistic", penalty) for penalty in (1e4, 100.0, 1.0, 1e-3))


def known(seed: int, *, useful: int, useless: int, people: int = 60, lift: float = 1.0) -> Peopled:
    """Four images a person; the useless columns tell who somebody is."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), 4)
    member = person % 2 == 0
    signal = rng.normal(size=(len(person), useful)) + lift * member[:, None]
    faces = rng.normal(size=(people, useless))[person] + 0.1 * rng.normal(size=(len(person), useless))
    return Peopled(TrainingSet(np.c_[signal, faces], member), person)


def test_columns_that_tell_people_apart_are_not_mistaken_for_a_leak() -> None:
    """With folds that cut through people, the loosest fit would look best: it knows everybody by face."""
    chosen = choose([known(0, useful=1, useless=80)], TAME_FIRST, np.random.default_rng(0))
    assert chosen.penalty >= 100


def test_a_loose_fit_is_taken_where_it_pays() -> None:
    """Two columns that only tell something by their small difference."""
    one = known(1, useful=1, useless=0, people=200, lift=2.0)
    drift = 50 * np.random.default_rng(2).normal(size=(len(one.people), 1))
    features = np.c_[one.lesson.features + drift, drift]
    loose = Peopled(TrainingSet(features, one.lesson.member), one.people)
    assert choose([loose], TAME_FIRST, np.random.default_rng(0)).penalty <= 1


def test_of_equals_the_tamest_is_taken() -> None:
    assert choose([known(3, useful=1, useless=0)], TAME_FIRST, np.random.default_rng(0)) == TAME_FIRST[0]


def test_several_lessons_of_other_scales_are_each_judged_by_their_own() -> None:
    first, second = known(4, useful=2, useless=60), known(5, useful=2, useless=60)
    far = Peopled(TrainingSet(second.lesson.features * 100 + 7, second.lesson.member), second.people)
    rng = np.random.default_rng
    assert choose([first, far], TAME_FIRST, rng(0)) == choose([first, second], TAME_FIRST, rng(0))


def test_columns_that_nobody_knows_and_rows_with_a_hole_do_no_harm() -> None:
    one = known(6, useful=1, useless=80)
    features = np.c_[one.lesson.features, np.full(len(one.people), np.nan)]
    features[5, 0] = np.nan
    holed = Peopled(TrainingSet(features, one.lesson.member), one.people)
    assert choose([holed], TAME_FIRST, np.random.default_rng(0)).penalty >= 100


def test_with_too_few_people_for_folds_the_tamest_is_taken() -> None:
    one = known(7, useful=1, useless=0, people=2)
    assert choose([one], TAME_FIRST[::-1], np.random.default_rng(0)) == TAME_FIRST[-1]


@pytest.mark.parametrize("seed", range(5))
def test_area_is_the_auc(seed: int) -> None:
    rng = np.random.default_rng(seed)
    members, others = rng.integers(0, 9, 40) / 3, rng.integers(0, 6, 30) / 3
    expected = roc_auc_score([1] * 40 + [0] * 30, np.r_[members, others])
    assert area(members, others) == pytest.approx(expected)


def test_what_one_model_alone_shows_is_not_believed_of_another() -> None:
    """A column that speaks for membership in one shadow and against it in the next; within each it looks splendid."""
    first, second = known(8, useful=1, useless=0, people=200), known(9, useful=1, useless=0, people=200)
    signs = [1.0, -1.0]
    turned = [
        Peopled(
            TrainingSet(np.c_[one.lesson.features, sign * (one.lesson.member + 0.01 * drift)], one.lesson.member),
            one.people,
        )
        for one, sign, drift in zip(
            (first, second), signs, np.random.default_rng(0).normal(size=(2, len(first.people))), strict=True
        )
    ]
    assert choose(turned[:1], TAME_FIRST, np.random.default_rng(0)) == TAME_FIRST[0]
    assert choose(turned, TAME_FIRST, np.random.default_rng(0)) == TAME_FIRST[0]
