"""What verdicts say: measurements, controls and reasons in words."""

import math

from bareface.records import numbers
from bareface.records.evidence import Control, Direction, Interval, Measurement

UNITS = {"image": "images", "person": "people"}
NAMES = {
    "blind": "the blind baseline",
    "who": "what anybody can tell without the target",
    "foreign": "the foreign model",
}
EITHER = "Either the people differ, or the foreign model was trained on some of the members, too."
FAMILIAR = "The foreign model may also have been trained on some of these very images."
BRING = (
    "bring a backbone that was trained on other people (--foreign), or auxiliary people to train a shadow on, or draw "
    "members by lot before training (bareface split)"
)
REVERSED_GAME = (
    "the signals of this game point the other way: the non-member side looks trained on. The roles of the two sides "
    "may be exchanged, or something lifts the non-members' pictures."
)
NO_LOTS = (
    " Sides that were drawn by lot would be alike: either no lots were drawn (--assignment observational matches "
    "people instead), or the files of one side were treated differently afterwards."
)


def measured(attack: Measurement) -> str:
    """An AUC with its interval, whose it is, and the adjusted p-value."""
    people = f"{attack.member_people} member and {attack.nonmember_people} non-member people"
    return f"AUC {with_interval(attack.auc, attack.auc_interval)} per {attack.unit}, {people}, {holm(attack)}"


def effective(attack: Measurement) -> str:
    """What weighted people are worth."""
    return f"worth {attack.effective_members:.0f} + {attack.effective_nonmembers:.0f} equally weighted ones"


def excess(control: Control) -> str:
    """What an attack exceeds, or does not, and by how much."""
    assert control.difference is not None
    assert control.difference_interval is not None
    apart = numbers.difference(control.difference), numbers.interval(control.difference_interval, numbers.difference)
    return (
        f"{NAMES[control.kind]} (AUC {with_interval(control.auc, control.auc_interval)}; difference {' '.join(apart)})"
    )


def holm(tested: Measurement | Control) -> str:
    """An adjusted p-value."""
    assert tested.p_value_holm is not None
    return f"Holm p {compared(numbers.p_value(tested.p_value_holm, bound=tested.at_resolution))}"


def compared(written: str) -> str:
    """A p-value as it was written, after its name: `= 0.032`, `≤ 0.032` or `< 0.001`."""
    return written if written[0] in "<≤" else f"= {written}"


def with_interval(value: float | None, interval: Interval | None) -> str:
    """An AUC with its interval."""
    assert value is not None
    return numbers.auc(value) + (f" {numbers.interval(interval)}" if interval else "")


def points_back(direction: Direction) -> str:
    """What is said of a signal against memory."""
    return (
        "The signal points the other way: unfitted, with the sign that memory gives it, its AUC is "
        f"{numbers.auc(direction.auc)} (p {compared(numbers.p_value(direction.p_value))}); what makes non-members "
        "stand out is no memory of members."
    )


def people_needed(attack: Measurement) -> str:
    """How many more people would give an answer; empty where that is unknown."""
    if attack.growth_needed is None:
        return ""
    there = attack.member_people, attack.nonmember_people
    inside, outside = (math.ceil(attack.growth_needed * people) for people in there)
    worth = "" if attack.effective_members is None else f", {effective(attack)} once they are matched"
    return f"; about {inside:,} + {outside:,} people are needed, where {there[0]:,} + {there[1]:,} are there{worth}"
