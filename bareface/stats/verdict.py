"""From measurements to one of four verdicts, and the sentence that says why.

What a number can show depends on how membership came about. Where lots were drawn, membership itself is the
experiment: a permutation test of the attack is enough, and controls only check that the lots were kept. Where nobody
drew lots, the two sides may be different people, and an attack that reads age or pose looks like a leak. Then the
attack is measured on people who were weighted until nobody without the target can tell the sides apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bareface.errors import UsageError
from bareface.records import numbers
from bareface.records.evidence import Balance, Control, Direction, Matched, Measurement
from bareface.stats.power import MAX_SMALLEST_EFFECT
from bareface.stats.sentences import (
    BRING,
    EITHER,
    FAMILIAR,
    NAMES,
    NO_LOTS,
    REVERSED_GAME,
    UNITS,
    effective,
    excess,
    holm,
    measured,
    people_needed,
    points_back,
    with_interval,
)
from bareface.vocabulary import AssignmentWay, InvalidCause, Verdict

ALPHA = 0.05
MIN_PEOPLE = 10
"""Below this many people on a side nothing is decided: however many images they bring, a handful of people say little
about the next ones."""
MAX_ABSTAINED = 0.5
"""An attack that gave no score to more than this share of a side was measured on a selection."""

REMAINDER = 0.25
"""Share of what anybody can tell without the target that matching may leave, since nobody sees everything: on real
faces that a network had never seen, attacks kept .15 to .2 of it on strongly tilted people (benchmarks/validity)."""


@dataclass(frozen=True)
class Decision:
    """A verdict and the sentence that says why.

    Attributes:
        verdict: one of four.
        sentence: why, with the numbers that it rests on.
        cause: of an INVALID one.
    """

    verdict: Verdict
    sentence: str
    cause: InvalidCause | None = None


@dataclass(frozen=True)
class Grounds:
    """What a verdict on one finding rests on besides its measurement and controls.

    Attributes:
        how: how membership came about.
        same_people: both sides are photos of the same people (record game), so no difference between people counts.
        balance: whether the sides of the game are the same kind of people; None where that was not looked at.
        matched: the measurement on matched people; None where nobody was matched.
        direction: which way the unfitted signal points; None where the attack does not say.
        game_reversed: a signal of this game points the other way, and none points as memory would have it.
        max_smallest_effect: an audit that could have shown no smaller AUC than this has too little to go by.
    """

    how: AssignmentWay = "observational"
    same_people: bool = False
    balance: Balance | None = None
    matched: Matched | None = None
    direction: Direction | None = None
    game_reversed: bool = False
    max_smallest_effect: float = MAX_SMALLEST_EFFECT


def decide(attack: Measurement, controls: Sequence[Control], grounds: Grounds) -> Decision:
    """The verdict on one attack.

    A signal is *significant* when its Holm-adjusted p-value is below .05 and its interval lies above .5. A control is
    *exceeded* when the interval of the difference lies above 0, or when the control itself is at or below .5. A control
    *fails* when its own p-value, Holm-adjusted over all controls of the audit, is below .05 and it is not exceeded.

    - NOT ESTIMABLE: fewer than 10 people with a score on a side, more than half of a side abstained, or no permutation
      of membership can move the AUC; also in place of NOT SHOWN, where the smallest effect that would have been shown
      lies beyond a bound.
    - INVALID, always: the signals of the game point the other way, as if the sides were exchanged; but people who
      cannot be matched, see below, are the reason before that.
    - Lots were drawn: INVALID where a control fails, since the lots were then not kept; LEAK SHOWN where the signal is
      significant.
    - Nobody drew lots, same people on both sides: INVALID where a control fails, or where the signal is significant and
      no control was run; LEAK SHOWN where the signal is significant and every control is exceeded.
    - Nobody drew lots, different people: the verdict rests on matched people. INVALID where they cannot be matched, or
      where nothing that was run could have seen that the people differ, since then no leak of any size could be shown;
      LEAK SHOWN where the matched signal is significant, its interval lies above .5 by more than the remainder
      that matching may leave, and it exceeds the foreign model on the same people.
    - NOT SHOWN: everything else.

    Args:
        attack: with `p_value_holm`.
        controls: of the same attack on the same rows; `bn-swap`, skipped and untrained ones do not decide.
        grounds: what else the verdict rests on.

    Raises:
        UsageError: there is a p-value but no Holm-adjusted one.
    """
    if attack.p_value is not None and attack.p_value_holm is None:
        raise UsageError("decide", got="no adjusted p-value", expected="p_value_holm", hint="with_holm(measurements)")
    if reason := _not_estimable(attack):
        return Decision(Verdict.NOT_ESTIMABLE, f"Not estimable: {reason}.")
    different = grounds.how == "observational" and not grounds.same_people
    if different and grounds.balance is not None and grounds.balance.overlap:
        # Goes first: signals that nobody could match say nothing about which side was trained on.
        return _people_unlike(attack, grounds.balance)
    if grounds.game_reversed:
        return Decision(Verdict.INVALID, f"{measured(attack)}, but {REVERSED_GAME}", "reversed")
    if different:
        return _on_matched_people(attack, controls, grounds)
    if reason := _failed(attack, controls, grounds.how):
        return Decision(Verdict.INVALID, f"{measured(attack)}, but {reason}", _cause_of_failure(grounds))
    return _shown_or_not(attack, controls if grounds.how == "observational" else (), grounds)


def _people_unlike(attack: Measurement, balance: Balance) -> Decision:
    """The verdict where nobody drew lots and the people of the two sides cannot be matched."""
    told = f"{NAMES['who']} reaches AUC {with_interval(balance.auc, balance.auc_interval)} per person"
    return Decision(Verdict.INVALID, f"{measured(attack)}, but {told}, and {balance.overlap}. {EITHER}", "people")


def _on_matched_people(attack: Measurement, controls: Sequence[Control], grounds: Grounds) -> Decision:
    """The verdict where nobody drew lots and the sides are different people, alike enough to be matched."""
    balance, matched = grounds.balance, grounds.matched
    if balance is None or balance.status == "skipped" or matched is None:
        return _nobody_could_see(attack, controls, grounds)
    weighted = matched.measurement
    if reason := _not_estimable(weighted):
        return Decision(Verdict.NOT_ESTIMABLE, f"Not estimable on matched people: {reason}.")
    decision = _shown_or_not(weighted, [matched.foreign], grounds, remainder(balance))
    return Decision(decision.verdict, f"As the sides stand, AUC {with_interval(attack.auc, attack.auc_interval)}. "
                    f"On matched people ({effective(weighted)}): {decision.sentence}", decision.cause)  # fmt: skip


def _nobody_could_see(attack: Measurement, controls: Sequence[Control], grounds: Grounds) -> Decision:
    """The verdict where no network was at hand that could have seen that the people of the two sides differ."""
    if reason := _failed(attack, controls, grounds.how):
        return Decision(Verdict.INVALID, f"{measured(attack)}, but {reason}", "control")
    why = grounds.balance.reason if grounds.balance else "nobody looked whether the two sides are alike"
    return Decision(
        Verdict.INVALID,
        f"{measured(attack)}, but nobody drew lots, and {why}: no leak could have been shown here, whatever its size, "
        f"since people who differ look like people who were trained on. To tell the two apart, {BRING}.",
        "unseen",
    )


def _cause_of_failure(grounds: Grounds) -> InvalidCause:
    return "lots" if grounds.how == "randomised" else "control"


def remainder(balance: Balance) -> float:
    """How far above .5 matched people may score without any memory, in [0, .125]."""
    return REMAINDER * max(0.0, (balance.auc or 0.5) - 0.5)


def beyond_remainder(effect: float, remainder: float) -> float:
    """The smallest AUC that is shown where matching may leave a remainder, at most 1."""
    return min(1.0, effect + remainder)


def _shown_or_not(
    attack: Measurement, controls: Sequence[Control], grounds: Grounds, remainder: float = 0.0
) -> Decision:
    if _is_reversed(grounds.direction):
        assert grounds.direction is not None
        return _no_leak(attack, f" {points_back(grounds.direction)}", grounds, remainder)
    unexceeded = _unexceeded(controls) if _significant(attack) else []
    beyond_it = _beyond(attack, remainder)
    if _significant(attack) and beyond_it and not unexceeded:
        beyond = " and ".join(excess(control) for control in _deciding(controls))
        return Decision(Verdict.LEAK_SHOWN, f"{measured(attack)}.{f' It exceeds {beyond}.' if beyond else ''}")
    but = "".join(f" Above chance, but it does not exceed {excess(control)}." for control in unexceeded)
    if attack.p_value_holm is not None and attack.p_value_holm < ALPHA and not _significant(attack):
        but += " Its p-value is small, but its interval reaches 0.5."
    if _significant(attack) and not beyond_it:
        but += (
            f" Above chance, but by no more than the {numbers.auc(remainder)} that matching may leave of what differs."
        )
    return _no_leak(attack, but, grounds, remainder)


def _no_leak(attack: Measurement, but: str, grounds: Grounds, remainder: float) -> Decision:
    """NOT SHOWN with the smallest effect that would have been; NOT ESTIMABLE where only a huge one would."""
    assert attack.smallest_effect is not None
    visible = beyond_remainder(attack.smallest_effect, remainder)
    power = f"this audit would have shown an AUC of {numbers.auc(visible, 'ROUND_CEILING')} with 80 % power"
    if visible <= grounds.max_smallest_effect:
        said = f"No leak shown; {power}, and a smaller leak may be there."
        return Decision(Verdict.NOT_SHOWN, f"{measured(attack)}.{but} {said}")
    bound = f"and no smaller one, where at most {grounds.max_smallest_effect:g} counts as an answer"
    return Decision(Verdict.NOT_ESTIMABLE, f"Not estimable: {power}, {bound}{people_needed(attack)}. "
                    f"{measured(attack)}.{but}")  # fmt: skip


def _beyond(attack: Measurement, remainder: float) -> bool:
    assert attack.auc_interval is not None
    return attack.auc_interval.low > 0.5 + remainder


def _is_reversed(direction: Direction | None) -> bool:
    return direction is not None and direction.reversed


def _not_estimable(attack: Measurement) -> str:
    """The reason, or nothing."""
    sides = (
        ("member", attack.member_people, attack.members, attack.abstained_members),
        ("non-member", attack.nonmember_people, attack.nonmembers, attack.abstained_nonmembers),
    )
    for side, people, units, abstained in sides:
        if abstained > MAX_ABSTAINED * units:
            return f"the attack gave no score to {abstained} of {units} {side} {UNITS[attack.unit]}"
        if people < MIN_PEOPLE:
            return f"{people} people with a score on the {side} side, {MIN_PEOPLE} are needed"
    return attack.reason if attack.smallest_effect is None else ""


def _failed(attack: Measurement, controls: Sequence[Control], how: AssignmentWay) -> str:
    """Which control cannot be excused, in whole sentences after a "but"; the one that tells most, or nothing."""
    if how == "observational" and _significant(attack) and not _deciding(controls):
        return "no control was run, and nothing tells a leak from an artefact."
    failing = [c for c in _unexceeded(controls) if c.p_value_holm is not None and c.p_value_holm < ALPHA]
    if not failing:
        return ""
    control = max(failing, key=lambda one: one.auc or 0.0)
    told = f"{NAMES[control.kind]} tells the sides apart ({holm(control)}): the attack does not exceed "
    taught = f" {FAMILIAR}" if control.kind == "foreign" else ""
    return f"{told}{excess(control)}.{NO_LOTS if how == 'randomised' else ''}{taught}"


def _deciding(controls: Sequence[Control]) -> list[Control]:
    return [one for one in controls if one.kind in NAMES and one.status == "done" and one.decides]


def _unexceeded(controls: Sequence[Control]) -> list[Control]:
    return [control for control in _deciding(controls) if not _exceeded(control)]


def _exceeded(control: Control) -> bool:
    assert control.auc is not None
    assert control.difference_interval is not None
    return control.difference_interval.low > 0 or control.auc <= 0.5


def _significant(attack: Measurement) -> bool:
    assert attack.p_value_holm is not None
    assert attack.auc_interval is not None
    return attack.p_value_holm < ALPHA and attack.auc_interval.low > 0.5
