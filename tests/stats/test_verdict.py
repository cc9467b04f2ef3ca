"""Which verdict, and why."""

from typing import Any

import pytest

from bareface.errors import UsageError
from bareface.evidence import Control, Interval, Measurement, Verdict
from bareface.stats.verdict import decide, overall

LEAK, NOT, INVALID, NO = Verdict.LEAK_SHOWN, Verdict.NOT_SHOWN, Verdict.INVALID, Verdict.NOT_ESTIMABLE


def attack(auc: float = 0.7, half: float = 0.1, p: float | None = 0.001, **changes: Any) -> Measurement:
    counts = {"members": 60, "nonmembers": 60, "abstained_members": 0, "abstained_nonmembers": 0}
    people = {"member_people": 20, "nonmember_people": 20}
    found = {"auc": auc, "auc_interval": Interval(low=auc - half, high=auc + half), "p_value": p, "p_value_holm": p}
    rest: dict[str, Any] = {"smallest_effect": 0.65, "operating_points": (), "roc_fpr": (), "roc_tpr": ()}
    return Measurement(**{"unit": "image", **counts, **people, **found, **rest, **changes})


def control(kind: Any, auc: float, excess: float, half: float = 0.1) -> Control:
    return Control(
        kind=kind, status="done", what="", auc=auc, auc_interval=Interval(low=auc - half, high=auc + half),
        difference=excess, difference_interval=Interval(low=excess - half, high=excess + half),
    )  # fmt: skip


def skipped(kind: Any) -> Control:
    return Control(
        kind=kind, status="skipped", what="", auc=None, auc_interval=None, difference=None, difference_interval=None
    )


BLIND, FOREIGN = control("blind", 0.52, 0.18), control("foreign", 0.51, 0.19)
CASES = {
    "above both controls": (attack(), [BLIND, FOREIGN], LEAK),
    "a control below chance is no floor": (attack(), [control("blind", 0.45, 0.05), FOREIGN], LEAK),
    "one control is enough to be told": (attack(), [BLIND, skipped("foreign")], LEAK),
    "far above a confounded control": (attack(0.9), [control("blind", 0.65, 0.25), FOREIGN], LEAK),
    "BN-swap does not decide": (attack(), [BLIND, control("bn-swap", 0.7, 0.0)], LEAK),
    "p-value not below .05": (attack(p=0.05), [BLIND, FOREIGN], NOT),
    "interval reaches chance": (attack(0.55), [BLIND, FOREIGN], NOT),
    "excess over a foreign model at chance not shown": (attack(), [BLIND, control("foreign", 0.58, 0.05)], NOT),
    "excess over blind at chance not shown": (attack(), [control("blind", 0.58, 0.05), FOREIGN], NOT),
    "nothing, no control": (attack(0.5, p=0.5), [], NOT),
    "nothing, foreign above chance": (attack(0.5, p=0.5), [BLIND, control("foreign", 0.65, -0.15)], NOT),
    "signal explained by blind": (attack(), [control("blind", 0.7, 0.0), FOREIGN], INVALID),
    "signal explained by foreign": (attack(), [BLIND, control("foreign", 0.68, 0.02)], INVALID),
    "nothing, but the sides differ": (attack(0.5, p=0.5), [control("blind", 0.8, -0.3), FOREIGN], INVALID),
    "signal, no control": (attack(), [], INVALID),
    "signal, only skipped controls": (attack(), [skipped("blind"), skipped("foreign")], INVALID),
    "signal, only BN-swap": (attack(), [control("bn-swap", 0.5, 0.2)], INVALID),
    "nine people": (attack(member_people=9), [BLIND, FOREIGN], NO),
    "nine strangers": (attack(nonmember_people=9), [BLIND, FOREIGN], NO),
    "mostly abstained": (attack(abstained_nonmembers=31), [BLIND, FOREIGN], NO),
    "half abstained": (attack(abstained_members=30), [BLIND, FOREIGN], LEAK),
    "nothing moves": (attack(smallest_effect=None, reason="equal scores"), [BLIND, FOREIGN], NO),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    measured, controls, verdict = CASES[case]
    assert decide(measured, controls).verdict is verdict


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("above both controls", "AUC 0.700 [0.600, 0.800] per image, 20 member and 20 non-member people, Holm p"),
        ("above both controls", "It exceeds the blind baseline (AUC 0.520 [0.420, 0.620]) by 0.180 [0.080, 0.280] and"),
        ("p-value not below .05", "No leak shown; this audit would have shown an AUC of 0.65 with 80 % power, and a"),
        ("excess over a foreign model at chance not shown", "Above chance, but it does not exceed the foreign model ("),
        ("signal explained by blind", "but it does not exceed the blind baseline (AUC 0.700 [0.600, 0.800]) by 0.000"),
        ("nothing, but the sides differ", "the sides differ in something other than membership."),
        ("signal, no control", "but no control was run, and nothing tells a leak from an artefact."),
        ("nine people", "Not estimable: 9 people with a score on the member side, 10 are needed."),
        ("mostly abstained", "Not estimable: the attack gave no score to 31 of 60 non-member images."),
        ("nothing moves", "Not estimable: equal scores."),
    ],
)  # fmt: skip
def test_sentences_give_the_reason(case: str, words: str) -> None:
    assert words in decide(*CASES[case][:2]).sentence


def test_no_sentence_says_safe() -> None:
    assert not [case for case, (m, c, _) in CASES.items() if "safe" in decide(m, c).sentence.lower()]


def test_too_few_people_for_any_number() -> None:
    empty = attack(auc_interval=None, p=None, smallest_effect=None, member_people=1, reason="1 member")
    assert decide(empty.model_copy(update={"auc": None}), []).verdict is NO


def test_an_unadjusted_p_value_is_refused() -> None:
    with pytest.raises(UsageError, match=r"got no adjusted p-value; expected p_value_holm. Try: with_holm"):
        decide(attack(p_value_holm=None), [BLIND])


@pytest.mark.parametrize(
    ("found", "verdict"),
    [([NOT, INVALID, LEAK, NO], LEAK), ([NO, NOT, INVALID], INVALID), ([NO, NOT], NOT), ([NO], NO), ([], NO)],
)
def test_one_verdict_for_all(found: list[Verdict], verdict: Verdict) -> None:
    assert overall(found) is verdict
