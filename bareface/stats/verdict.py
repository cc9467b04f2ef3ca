"""From measurements to one of four verdicts, and the sentence that says why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bareface.errors import UsageError
from bareface.evidence import Control, Interval, Measurement, Verdict

ALPHA = 0.05
MIN_PEOPLE = 10
"""Below this many people on a side nothing is decided: however many images they bring, a handful of people say little
about the next ones."""
MAX_ABSTAINED = 0.5
"""An attack that gave no score to more than this share of a side was measured on a selection."""

_UNITS = {"image": "images", "person": "people"}
_NAMES = {"blind": "the blind baseline", "foreign": "the foreign model"}
_ORDER = (Verdict.LEAK_SHOWN, Verdict.INVALID, Verdict.NOT_SHOWN)


@dataclass(frozen=True)
class Decision:
    """A verdict and the sentence that says why."""

    verdict: Verdict
    sentence: str


def decide(attack: Measurement, controls: Sequence[Control]) -> Decision:
    """The verdict on one attack.

    The signal is *significant* when its Holm-adjusted p-value is below .05 and its interval lies above .5. A control
    (blind, foreign) is *exceeded* when the interval of the difference lies above 0, or when the control itself is at or
    below .5: chance is the floor that the attack has to exceed, and its own interval says whether it does.

    - NOT ESTIMABLE: fewer than 10 people with a score on a side, more than half of a side abstained, or no permutation
      of membership can move the AUC.
    - LEAK SHOWN: significant, at least one control was run, and every control that was run is exceeded.
    - INVALID: significant without any control; or significant while a control that is itself above chance (its interval
      lies above .5) is not exceeded; or the blind baseline is above chance and not exceeded, significant or not: the
      sides then differ in something else, which can hide a leak as well as feign one.
    - NOT SHOWN: everything else.

    Why the foreign model has to be exceeded even when its interval contains chance: that interval is wide exactly where
    the audit is weak, so a control excused by it guards nothing when it is needed. Let a difference between the sides,
    not a leak, lift attack and foreign model by two standard errors each, unseen by the blind baseline: excusing calls
    it a leak in 13 % of audits, exceeding in 2 % (three attacks). The price is power: for 40 + 40 people the smallest
    effect rises from .72 to .74. It is less where scores of the same images go together.

    Args:
        attack: with `p_value_holm`.
        controls: those of the same attack on the same rows; `bn-swap` and skipped ones do not decide.

    Raises:
        UsageError: there is a p-value but no Holm-adjusted one.
    """
    if attack.p_value is not None and attack.p_value_holm is None:
        raise UsageError("decide", got="no adjusted p-value", expected="p_value_holm", hint="with_holm(measurements)")
    if reason := _not_estimable(attack):
        return Decision(Verdict.NOT_ESTIMABLE, f"Not estimable: {reason}.")
    if reason := _confounded(attack, controls):
        return Decision(Verdict.INVALID, f"{_what(attack)}, but {reason}.")
    unexceeded = _unexceeded(controls) if _significant(attack) else []
    if _significant(attack) and not unexceeded:
        beyond = " and ".join(_excess(control) for control in _deciding(controls))
        return Decision(Verdict.LEAK_SHOWN, f"{_what(attack)}. It exceeds {beyond}.")
    return Decision(Verdict.NOT_SHOWN, _nothing_shown(attack, unexceeded))


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for several findings: the first of leak shown, invalid, not shown that occurs, else not estimable."""
    seen = set(verdicts)
    return next((verdict for verdict in _ORDER if verdict in seen), Verdict.NOT_ESTIMABLE)


def _nothing_shown(attack: Measurement, unexceeded: Sequence[Control]) -> str:
    but = "".join(f" Above chance, but it does not exceed {_excess(control)}." for control in unexceeded)
    power = f"this audit would have shown an AUC of {attack.smallest_effect:.2f} with 80 % power"
    return f"{_what(attack)}.{but} No leak shown; {power}, and a smaller leak may be there."


def _not_estimable(attack: Measurement) -> str:
    """The reason, or nothing."""
    sides = (
        ("member", attack.member_people, attack.members, attack.abstained_members),
        ("non-member", attack.nonmember_people, attack.nonmembers, attack.abstained_nonmembers),
    )
    for side, people, units, abstained in sides:
        if abstained > MAX_ABSTAINED * units:
            return f"the attack gave no score to {abstained} of {units} {side} {_UNITS[attack.unit]}"
        if people < MIN_PEOPLE:
            return f"{people} people with a score on the {side} side, {MIN_PEOPLE} are needed"
    return attack.reason if attack.smallest_effect is None else ""


def _confounded(attack: Measurement, controls: Sequence[Control]) -> str:
    """The reason, or nothing."""
    significant = _significant(attack)
    if significant and not _deciding(controls):
        return "no control was run, and nothing tells a leak from an artefact"
    for control in _unexceeded(controls):
        if (significant or control.kind == "blind") and _above_chance(control):
            return f"it does not exceed {_excess(control)}: the sides differ in something other than membership"
    return ""


def _deciding(controls: Sequence[Control]) -> list[Control]:
    return [control for control in controls if control.kind in _NAMES and control.status == "done"]


def _unexceeded(controls: Sequence[Control]) -> list[Control]:
    return [control for control in _deciding(controls) if not _exceeded(control)]


def _exceeded(control: Control) -> bool:
    assert control.auc is not None
    assert control.difference_interval is not None
    return control.difference_interval.low > 0 or control.auc <= 0.5


def _above_chance(control: Control) -> bool:
    assert control.auc_interval is not None
    return control.auc_interval.low > 0.5


def _significant(attack: Measurement) -> bool:
    assert attack.p_value_holm is not None
    assert attack.auc_interval is not None
    return attack.p_value_holm < ALPHA and attack.auc_interval.low > 0.5


def _what(attack: Measurement) -> str:
    people = f"{attack.member_people} member and {attack.nonmember_people} non-member people"
    return (
        f"AUC {_with(attack.auc, attack.auc_interval)} per {attack.unit}, {people}, Holm p = {attack.p_value_holm:.2g}"
    )


def _excess(control: Control) -> str:
    reached = _with(control.auc, control.auc_interval)
    return f"{_NAMES[control.kind]} (AUC {reached}) by {_with(control.difference, control.difference_interval)}"


def _with(value: float | None, interval: Interval | None) -> str:
    assert value is not None
    assert interval is not None
    return f"{value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
