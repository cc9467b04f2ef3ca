"""Which verdict, and why."""

from dataclasses import replace
from typing import Any

import pytest

from bareface.errors import UsageError
from bareface.records.evidence import Balance, Control, Direction, Interval, Matched, Measurement
from bareface.stats.overall import of_game, overall
from bareface.stats.verdict import Grounds, decide
from bareface.vocabulary import Verdict

LEAK, NOT, INVALID, NO = Verdict.LEAK_SHOWN, Verdict.NOT_SHOWN, Verdict.INVALID, Verdict.NOT_ESTIMABLE


def attack(auc: float = 0.7, half: float = 0.1, p: float | None = 0.001, **changes: Any) -> Measurement:
    counts = {"members": 60, "nonmembers": 60, "abstained_members": 0, "abstained_nonmembers": 0}
    people = {"member_people": 20, "nonmember_people": 20}
    found = {"auc": auc, "auc_interval": Interval(low=auc - half, high=auc + half), "p_value": p, "p_value_holm": p}
    rest: dict[str, Any] = {"smallest_effect": 0.65, "operating_points": (), "roc_fpr": (), "roc_tpr": ()}
    return Measurement(**{"unit": "image", **counts, **people, **found, **rest, **changes})


def control(kind: Any, auc: float, excess: float, half: float = 0.1, p: float = 0.5, decides: bool = True) -> Control:
    return Control(
        kind=kind, status="done", what="", auc=auc, auc_interval=Interval(low=auc - half, high=auc + half),
        difference=excess, difference_interval=Interval(low=excess - half, high=excess + half),
        p_value=p, p_value_holm=p, decides=decides,
    )  # fmt: skip


def skipped(kind: Any) -> Control:
    return Control(
        kind=kind, status="skipped", what="", auc=None, auc_interval=None, difference=None, difference_interval=None
    )


def balance(overlap: str = "", reason: str = "") -> Balance:
    told = {"auc": 0.7, "auc_interval": Interval(low=0.6, high=0.8), "overlap": overlap}
    return Balance(game="dataset", status="skipped", reason=reason) if reason else Balance(
        game="dataset", status="done", **told
    )  # fmt: skip


def matched(auc: float, excess: float = 0.2, p: float = 0.001, effective: float = 18.0) -> Matched:
    both = {"effective_members": effective, "effective_nonmembers": effective}
    return Matched(measurement=attack(auc, p=p, **both), foreign=control("foreign", auc - excess, excess))


BLIND, FOREIGN = control("blind", 0.52, 0.18), control("foreign", 0.51, 0.19)
UNTRAINED = control("foreign", 0.5, 0.2, decides=False)
SEEN = control("who", 0.72, -0.02, p=0.001)
LOTS, RECORD, PEOPLE = Grounds("randomised"), Grounds(same_people=True), Grounds(balance=balance())
BLINDFOLDED = Grounds(balance=balance(reason="the foreign model was never trained"))
BACK = Direction(auc=0.2, p_value=1e-4, reversed=True)
CASES: dict[str, tuple[Measurement, list[Control], Grounds, Verdict]] = {
    "lots: above chance": (attack(), [BLIND, FOREIGN], LOTS, LEAK),
    "lots: no control is needed": (attack(), [], LOTS, LEAK),
    "lots: a control a little above chance is luck": (attack(), [control("blind", 0.6, 0.05, p=0.06)], LOTS, LEAK),
    "lots: not kept": (attack(), [control("blind", 0.7, 0.0, p=0.001)], LOTS, INVALID),
    "lots: not kept, no signal": (attack(0.5, p=0.5), [control("blind", 0.8, -0.3, p=0.001)], LOTS, INVALID),
    "lots: far above a control that fails": (attack(0.9), [control("blind", 0.65, 0.25, p=0.001)], LOTS, LEAK),
    "lots: not significant": (attack(p=0.05), [BLIND], LOTS, NOT),
    "lots: sides exchanged": (attack(), [BLIND], replace(LOTS, direction=BACK, game_reversed=True), INVALID),
    "lots: one signal points back": (attack(), [BLIND], replace(LOTS, direction=BACK), NOT),
    "record: above both controls": (attack(), [BLIND, FOREIGN], RECORD, LEAK),
    "record: a control below chance is no floor": (attack(), [control("blind", 0.45, 0.05), FOREIGN], RECORD, LEAK),
    "record: one control is enough": (attack(), [BLIND, skipped("foreign")], RECORD, LEAK),
    "record: an untrained copy decides nothing": (attack(), [UNTRAINED], RECORD, INVALID),
    "record: BN-swap does not decide": (attack(), [BLIND, control("bn-swap", 0.7, 0.0, p=0.001)], RECORD, LEAK),
    "record: interval reaches chance": (attack(0.55), [BLIND, FOREIGN], RECORD, NOT),
    "record: excess over foreign not shown": (attack(), [BLIND, control("foreign", 0.58, 0.05)], RECORD, NOT),
    "record: explained by blind": (attack(), [control("blind", 0.7, 0.0, p=0.001), FOREIGN], RECORD, INVALID),
    "record: no control": (attack(), [skipped("blind")], RECORD, INVALID),
    "people: matched leak": (attack(), [BLIND, SEEN], replace(PEOPLE, matched=matched(0.7)), LEAK),
    "people: gone when matched": (attack(0.8), [SEEN], replace(PEOPLE, matched=matched(0.53, p=0.4)), NOT),
    "people: matched, not beyond foreign": (attack(), [SEEN], replace(PEOPLE, matched=matched(0.7, 0.05)), NOT),
    "people: no overlap": (attack(), [SEEN], Grounds(balance=balance("hardly anybody could stand")), INVALID),
    "people: few when matched": (attack(member_people=20), [SEEN], replace(
        PEOPLE, matched=Matched(measurement=attack(member_people=9), foreign=FOREIGN)), NO),
    "people: nothing trained, signal": (attack(), [BLIND, UNTRAINED], BLINDFOLDED, INVALID),
    "people: nothing trained, no signal": (attack(0.5, p=0.5), [BLIND, UNTRAINED], BLINDFOLDED, INVALID),
    "people: nothing trained, pictures differ": (
        attack(0.5, p=0.5), [control("blind", 0.8, -0.3, p=0.001)], BLINDFOLDED, INVALID),
    "nine people": (attack(member_people=9), [BLIND, FOREIGN], LOTS, NO),
    "nine strangers": (attack(nonmember_people=9), [BLIND, FOREIGN], RECORD, NO),
    "mostly abstained": (attack(abstained_nonmembers=31), [BLIND, FOREIGN], LOTS, NO),
    "half abstained": (attack(abstained_members=30), [BLIND, FOREIGN], LOTS, LEAK),
    "nothing moves": (attack(smallest_effect=None, reason="equal scores"), [BLIND, FOREIGN], LOTS, NO),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    *given, verdict = CASES[case]
    assert decide(*given).verdict is verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("record: above both controls", "AUC 0.700 [0.600, 0.800] per image, 20 member and 20 non-member people, Holm"),
        (
            "record: above both controls",
            "It exceeds the blind baseline (AUC 0.520 [0.420, 0.620]; difference +0.180 [+0.0",
        ),
        ("lots: not significant", "No leak shown; this audit would have shown an AUC of 0.650 with 80 % power, and a"),
        (
            "lots: not kept",
            "either no lots were drawn (--assignment observational matches people instead), or the files",
        ),
        ("lots: sides exchanged", "The roles of the two sides may be exchanged"),
        ("lots: one signal points back", "The signal points the other way: unfitted, with the sign that memory gives"),
        ("record: excess over foreign not shown", "Above chance, but it does not exceed the foreign model ("),
        ("record: no control", "but no control was run, and nothing tells a leak from an artefact."),
        ("people: matched leak", "On matched people (worth 18 + 18 equally weighted ones): AUC 0.700"),
        ("people: no overlap", "what anybody can tell without the target reaches AUC 0.700 [0.600, 0.800] per person"),
        ("people: nothing trained, signal", "nobody drew lots, and the foreign model was never trained"),
        ("people: nothing trained, signal", "bring a backbone that was trained on other people (--foreign)"),
        ("nine people", "Not estimable: 9 people with a score on the member side, 10 are needed."),
        ("mostly abstained", "Not estimable: the attack gave no score to 31 of 60 non-member images."),
        ("nothing moves", "Not estimable: equal scores."),
    ],
)
def test_sentences_give_the_reason(case: str, words: str) -> None:
    measured, controls, grounds, _ = CASES[case]
    assert words in decide(measured, controls, grounds).sentence


def test_no_sentence_says_safe() -> None:
    assert not [case for case, (m, c, g, _) in CASES.items() if "safe" in decide(m, c, g).sentence.lower()]


def test_too_few_people_for_any_number() -> None:
    empty = attack(auc_interval=None, p=None, smallest_effect=None, member_people=1, reason="1 member")
    assert decide(empty.model_copy(update={"auc": None}), [], LOTS).verdict is NO


def test_an_unadjusted_p_value_is_refused() -> None:
    with pytest.raises(UsageError, match=r"got no adjusted p-value; expected p_value_holm. Try: with_holm"):
        decide(attack(p_value_holm=None), [BLIND], LOTS)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [([NOT, INVALID, LEAK, NO], INVALID), ([NO, NOT, LEAK], LEAK), ([NO, NOT], NOT), ([NO], NO), ([], NO)],
)
def test_within_a_game_invalid_goes_before_a_leak(found: list[Verdict], verdict: Verdict) -> None:
    assert of_game(found) is verdict


@pytest.mark.parametrize(
    ("games", "verdict"),
    [
        ({"record": [LEAK, NOT], "dataset": [INVALID, LEAK]}, LEAK),
        ({"person": [NOT], "dataset": [INVALID, LEAK]}, INVALID),
        ({"person": [NOT], "dataset": [NO]}, NOT),
        ({"dataset": []}, NO),
        ({}, NO),
    ],
)
def test_a_game_that_cannot_be_compared_says_nothing_of_the_others(games: Any, verdict: Verdict) -> None:
    assert overall(games) is verdict


def test_an_audit_that_could_not_have_shown_a_leak_says_what_to_bring_and_states_no_power() -> None:
    decision = decide(attack(0.5, p=0.5), [BLIND, UNTRAINED], BLINDFOLDED)
    assert decision.cause == "unseen"
    assert "no leak could have been shown here, whatever its size" in decision.sentence
    assert "--foreign" in decision.sentence
    assert "80 % power" not in decision.sentence


def test_the_control_that_tells_most_is_named_and_a_small_p_with_a_wide_interval_explained() -> None:
    weak, strong = control("blind", 0.6, 0.0, p=0.001), control("who", 0.93, -0.2, p=0.001)
    decision = decide(attack(), [weak, strong], LOTS)
    assert decision.cause == "lots"
    assert "what anybody can tell without the target tells the sides apart" in decision.sentence
    wide = attack(0.6, p=0.02, auc_interval=Interval(low=0.49, high=0.7))
    assert "its interval reaches 0.5" in decide(wide, [BLIND, FOREIGN], LOTS).sentence
