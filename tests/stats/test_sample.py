"""Scores beside the truth."""

import numpy as np
import pytest

from bareface.errors import UsageError
from bareface.stats.sample import sample, too_few

NAN = float("nan")


def test_person_means_leave_out_abstentions_and_keep_people_who_got_no_score() -> None:
    judged = sample([1, NAN, 5, NAN, 2], [True, True, False, False, True], ["a", "a", "b", "c", "a"]).by_person()
    np.testing.assert_array_equal(judged.scores, [1.5, 5, NAN])
    assert judged.member.tolist() == [True, False, False]


def test_a_person_on_both_sides_gives_two_units_in_one_fold() -> None:
    judged = sample([1, 2, 3, 4], [True, False, True, False], [7, 7, 7, 7], [2, 1, 0, 1]).by_person()
    assert judged.scores.tolist() == [3, 2]
    assert judged.member.tolist() == [False, True]
    assert judged.fold.tolist() == [2, 2]


def test_sides_of_people() -> None:
    judged = sample([0] * 4, [True, False, True, False], ["in", "out", "both", "both"])
    assert dict(zip(["both", "in", "out"], judged.side_of_person().tolist(), strict=True)) == dict(
        both=3, out=1, **{"in": 2}
    )
    assert (judged.people(True), judged.people(False)) == (2, 2)


def test_what_was_answered_numbers_the_remaining_people_anew() -> None:
    judged = sample([NAN, 1, 2], [True, True, False], ["a", "b", "c"]).answered
    assert judged.person.tolist() == [0, 1]
    assert len(judged.side_of_person()) == 2


def test_one_person_on_a_side_is_too_few() -> None:
    judged = sample([1, NAN, 2, 3], [True, True, False, False], ["a", "b", "c", "d"])
    assert too_few(judged) == "1 member and 2 non-member people with a score; at least 2 on each side are needed"
    assert not too_few(sample([1, 2, 3, 4], judged.member, judged.person))


@pytest.mark.parametrize(
    ("scores", "member", "subject", "message"),
    [
        ([1, 2], [True], ["a", "b"], r"scores \(2,\), member \(1,\).*expected vectors of one length"),
        ([[1.0]], [[True]], [["a"]], "expected vectors of one length"),
        ([1.0], [1], ["a"], "got member of type int64; expected booleans"),
        ([np.inf], [True], ["a"], "infinite score; expected finite scores, NaN where an attack abstained"),
    ],
)
def test_columns_that_do_not_fit_are_named(scores: object, member: object, subject: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sample(scores, member, subject)  # type: ignore[arg-type]
