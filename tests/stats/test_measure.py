"""From score vectors to measurements, controls and verdicts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.records.evidence import Control, Measurement
from bareface.stats.measure import Beside, controls_with_holm, excess, measure, with_holm
from bareface.stats.power import Bar
from bareface.stats.sample import Sides
from bareface.stats.verdict import Grounds, decide
from bareface.vocabulary import Verdict

PERSON = np.repeat(np.arange(60), 4)
MEMBER = PERSON < 30
FOLD = PERSON % 5
RECORD = Grounds(same_people=True)
Scores = NDArray[np.float64]


def scores(shift: float, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    return rng.normal(size=60)[PERSON] * 0.5 + rng.normal(size=240) + shift * MEMBER


def measured(values: Scores, unit: str = "image", weight: Scores | None = None, **changes: object) -> Measurement:
    rng = np.random.default_rng(1)
    return measure(values, Sides(MEMBER, PERSON, FOLD, weight), unit, rng, draws=300, **changes)  # type: ignore[arg-type]


def beside(values: Scores, control: Scores, unit: str = "image") -> Control:
    rng = np.random.default_rng(2)
    return excess(Beside("foreign", "other", control), values, Sides(MEMBER, PERSON), rng, unit=unit, draws=300)  # type: ignore[arg-type]


def test_a_measurement_is_a_valid_record_with_everything_in_it() -> None:
    found = measured(scores(1.0))
    assert Measurement.model_validate_json(found.model_dump_json()) == found
    assert (found.members, found.nonmembers, found.member_people, found.nonmember_people) == (120, 120, 30, 30)
    assert found.auc is not None
    assert found.auc_interval is not None
    assert found.auc_interval.low < found.auc < found.auc_interval.high
    assert found.p_value == pytest.approx(1 / 301)
    assert found.p_value_holm is None
    assert [p.nominal_fpr for p in found.operating_points] == [0.1, 0.01, 0.001]
    assert (found.roc_fpr[0], found.roc_tpr[-1]) == (0, 1)


def test_people_are_judged_by_their_mean_scores() -> None:
    image, person = measured(scores(0.6)), measured(scores(0.6), "person")
    assert (person.unit, person.members, person.nonmembers) == ("person", 30, 30)
    assert (person.auc or 0) > (image.auc or 0)


def test_abstentions_are_counted() -> None:
    values = scores(1.0)
    values[:5], values[-3:] = np.nan, np.nan
    image, person = measured(values), measured(values, "person")
    assert (image.abstained_members, image.abstained_nonmembers, image.member_people) == (5, 3, 29)
    assert (person.abstained_members, person.abstained_nonmembers, person.members) == (1, 0, 30)


def test_with_one_person_on_a_side_there_is_a_reason_and_no_number() -> None:
    values = np.where(PERSON > 0, np.where(MEMBER, np.nan, 1.0), 2.0)
    found = measured(values)
    assert (found.auc, found.auc_interval, found.p_value, found.smallest_effect, found.roc_fpr) == (None,) * 4 + ((),)
    assert found.reason == "1 member and 30 non-member people with a score; at least 2 on each side are needed"
    assert decide(with_holm([found])[0], [], RECORD).verdict is Verdict.NOT_ESTIMABLE


def test_equal_scores_are_not_estimable() -> None:
    found = with_holm([measured(np.zeros(240))])[0]
    assert found.reason.startswith("every permutation of membership gives the same AUC")
    assert decide(found, [], RECORD).verdict is Verdict.NOT_ESTIMABLE


def test_more_attacks_and_cross_fitting_raise_the_smallest_effect() -> None:
    values = scores(0.0)
    one, many = measured(values, bar=Bar(1)), measured(values, bar=Bar(50))
    fixed, alone = measured(values, crossfit=False), measured(values, crossfit=False, bar=Bar(controls=0))
    effects = [m.smallest_effect or 0 for m in (alone, fixed, one, many)]
    assert effects == sorted(effects)
    assert len(set(effects)) == 4


def test_holm_leaves_out_what_was_not_estimable() -> None:
    none = measured(np.where(MEMBER, np.nan, 1.0))
    leak, nothing = measured(scores(1.0)), measured(scores(0.0))
    adjusted = [m.p_value_holm for m in with_holm([leak, none, nothing])]
    assert adjusted == [pytest.approx(2 / 301), None, nothing.p_value]


def test_a_strong_leak_is_still_shown_among_four_hundred_attacks() -> None:
    leak, *others = [measured(scores(3.0), bar=Bar(400))] + [measured(scores(0.0), bar=Bar(400))] * 399
    adjusted = with_holm([leak, *others])
    beside_it = beside(scores(3.0), scores(0.0))
    assert decide(adjusted[0], [beside_it], RECORD).verdict is Verdict.LEAK_SHOWN
    assert decide(adjusted[1], [beside_it], RECORD).verdict is Verdict.NOT_SHOWN


def test_one_fold_is_refused() -> None:
    with pytest.raises(UsageError, match="single fold"):
        measure(scores(0), Sides(MEMBER, PERSON, np.zeros(240)), "image", np.random.default_rng(0))


def test_a_stream_gives_one_measurement() -> None:
    assert measured(scores(0.3)) == measured(scores(0.3))
    assert beside(scores(0.3), scores(0.0, 5)) == beside(scores(0.3), scores(0.0, 5))


def test_the_excess_is_the_difference_of_the_two_areas() -> None:
    attack, control = scores(1.0), scores(0.2, 5)
    found = beside(attack, control)
    assert Control.model_validate_json(found.model_dump_json()) == found
    assert (found.kind, found.status, found.what) == ("foreign", "done", "other")
    assert found.difference == pytest.approx((measured(attack).auc or 0) - (found.auc or 0))
    assert found.difference_interval is not None
    assert found.difference_interval.low < (found.difference or 0) < found.difference_interval.high


def test_both_areas_are_taken_over_the_rows_that_both_scored() -> None:
    attack, control = scores(1.0), scores(0.2, 5)
    attack[3], control[200] = np.nan, np.nan
    kept = ~np.isnan(attack + control)
    rng = np.random.default_rng(2)
    alone = excess(
        Beside("foreign", "other", control[kept]), attack[kept], Sides(MEMBER[kept], PERSON[kept]), rng, draws=300
    )
    assert beside(attack, control) == alone


def test_an_excess_per_person() -> None:
    image, person = (beside(scores(0.6), scores(0.0, 5), unit) for unit in ("image", "person"))
    assert (person.difference or 0) > (image.difference or 0)


def test_a_control_that_mostly_abstained_is_skipped_with_its_reason() -> None:
    control = scores(0.0, 5)
    control[:61] = np.nan
    found = beside(scores(1.0), control)
    assert (found.status, found.auc, found.difference_interval) == ("skipped", None, None)
    assert found.reason == "no score for 61 of 120 on the member side"


def test_a_control_without_common_people_is_skipped() -> None:
    attack, control = scores(1.0), scores(0.0, 5)
    attack[60:120], control[:60] = np.nan, np.nan
    assert beside(attack, control).reason.startswith("0 member and 30 non-member people with a score")


def test_a_planted_leak_is_shown_and_a_domain_difference_is_not() -> None:
    leak = with_holm([measured(scores(1.2))])[0]
    assert decide(leak, [beside(scores(1.2), scores(0.0, 5))], RECORD).verdict is Verdict.LEAK_SHOWN
    (seen,) = controls_with_holm([beside(scores(1.2), scores(1.2, 5))])
    assert decide(leak, [seen], RECORD).verdict is Verdict.INVALID
    nothing = with_holm([measured(scores(0.0))])[0]
    assert decide(nothing, [beside(scores(0.0), scores(0.0, 5))], RECORD).verdict is Verdict.NOT_SHOWN


def test_the_record_game_sees_what_differs_within_people() -> None:
    """Each person has images on both sides; people differ a lot, membership by a little."""
    rng = np.random.default_rng(3)
    person, member = np.repeat(np.arange(40), 6), np.tile([True] * 3 + [False] * 3, 40)
    values = 3 * rng.normal(size=40)[person] + rng.normal(size=240)
    quiet, leak = (
        measure(values + shift * member, Sides(member, person, person % 5), "image", rng, draws=500)
        for shift in (0, 1.0)
    )
    assert (quiet.p_value or 0) > 0.05
    assert (leak.p_value or 1) < 0.01
    assert leak.member_people == leak.nonmember_people == 40


def test_matched_people_who_separate_completely_have_an_interval() -> None:
    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(40), 3)
    member, weight = person < 20, rng.uniform(0.05, 0.95, 40)[person]
    for seed in range(20):
        scores = member + 0.1 * np.random.default_rng(seed).random(120)
        found = measure(scores, Sides(member, person, person % 5, weight), "image", rng, draws=50)
        assert found.auc == 1.0
        assert found.auc_interval is not None
        assert found.auc_interval.high == 1.0
        assert 0.5 < found.auc_interval.low < 1
