"""Scores and truth in, counts with intervals out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bareface.records.evidence import Control, Measurement
from bareface.stats.intervals import DRAWS, auc_interval, difference_interval, resampled_aucs
from bareface.stats.multiplicity import holm
from bareface.stats.permutation import draws_for, null_aucs, null_error, p_value, redrawn_aucs
from bareface.stats.power import BAR, Bar, growth_needed, smallest_effect
from bareface.stats.propensity import effective_number
from bareface.stats.rates import operating_points
from bareface.stats.roc import judged_auc, roc
from bareface.stats.sample import Bools, Floats, Sample, Sides, too_few, units
from bareface.stats.verdict import MAX_ABSTAINED
from bareface.vocabulary import ControlKind, Unit

_IMMOVABLE = "every permutation of membership gives the same AUC: equal scores, or folds with one side only"


def measure(
    scores: ArrayLike,
    sides: Sides,
    unit: Unit,
    stream: np.random.Generator,
    bar: Bar = BAR,
    *,
    crossfit: bool = True,
    draws: int = DRAWS,
) -> Measurement:
    """How well scores tell members from non-members, with interval, p-value, power and operating points.

    `member_people` and `nonmember_people` count people with at least one score. `p_value_holm` stays empty until
    `with_holm`. Where people are matched, sides are drawn again from the weights' probabilities instead of
    permuted, and there are no operating points.

    Args:
        scores: (n,) one for each image, higher = more likely a member; NaN = abstained.
        sides: (n,) who is a member; the folds must be given.
        unit: judge images, or people by the mean score of their images.
        stream: draws the bootstrap, then the permutations.
        bar: what a leak has to pass; enters the smallest effect and the number of permutations.
        crossfit: the scores come from models fitted on the other folds of these images (partial knowledge). False for
            scores fixed in advance: no fitting, or fitting on a shadow model.
        draws: of the bootstrap, and at least of the permutations.

    Raises:
        UsageError: the columns do not fit together, or there is a single fold.
    """
    judged = units(scores, sides, unit)
    reason = too_few(judged)
    matched = sides.weight is not None
    found = (
        _nothing(reason)
        if reason
        else _separation(judged, stream, draws, draws_for(bar.attacks, draws), crossfit, matched)
    )
    error = found.pop("null_error")
    if error:
        found["smallest_effect"] = smallest_effect(error, bar.attacks, bar.controls, crossfit=crossfit)
        found["growth_needed"] = growth_needed(error, bar, crossfit=crossfit)
    points = () if matched else operating_points(judged, crossfit=crossfit)
    effective = _effective(judged) if matched else {}
    return Measurement(unit=unit, operating_points=points, **_counts(judged), **effective, **found)


def with_holm(measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements with their p-values adjusted for each other; those without a p-value do not count."""
    known = [m.p_value for m in measurements if m.p_value is not None]
    adjusted = iter(holm(known))
    return [m if m.p_value is None else m.model_copy(update={"p_value_holm": next(adjusted)}) for m in measurements]


def controls_with_holm(controls: Sequence[Control]) -> list[Control]:
    """The controls that decide something with their p-values adjusted for each other; the same control counts once."""
    tests = {_test(control): control.p_value for control in controls if control.decides}
    known = {name: p for name, p in tests.items() if p is not None}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True))
    return [
        control.model_copy(update={"p_value_holm": adjusted.get(_test(control))}) if control.decides else control
        for control in controls
    ]


def _test(control: Control) -> tuple[object, ...]:
    return control.kind, control.what, control.auc, control.p_value


@dataclass(frozen=True)
class Beside:
    """A control beside an attack.

    Attributes:
        kind: which control.
        what: a description for the report.
        scores: (n,) of the control, one for each image; NaN = abstained.
        decides: whether a verdict may rest on it.
    """

    kind: ControlKind
    what: str
    scores: ArrayLike
    decides: bool = True


def excess(
    beside: Beside,
    scores: ArrayLike,
    sides: Sides,
    stream: np.random.Generator,
    *,
    unit: Unit = "image",
    crossfit: bool = True,
    tests: int = 1,
    draws: int = DRAWS,
) -> Control:
    """A control beside the attack: both AUCs over the rows where both gave a score, people resampled together.

    Skipped, with the reason, where the control gave no score to more than half of a side, or fewer than two people on a
    side have both scores.

    Args:
        beside: the control and its scores.
        scores: (n,) of the attack on the target, the same rows; NaN = abstained.
        sides: (n,) who is a member, the same rows; folds play no part.
        stream: draws the people, the same ones for both scores.
        unit: compare images, or people by their mean scores.
        crossfit: either score comes from models fitted on the other folds of these images.
        tests: how many controls share an error rate; enters the number of permutations.
        draws: of the bootstrap, and at least of the permutations.

    Raises:
        UsageError: the columns do not fit together.
    """
    sides = replace(sides, fold=None)
    attack, control = (units(values, sides, unit) for values in (scores, beside.scores))
    both = ~np.isnan(attack.scores) & ~np.isnan(control.scores)
    if reason := _mostly_abstained(control) or too_few(control.take(both)):
        return _skipped(beside, reason)
    attack, control = attack.take(both), control.take(both)
    reached = judged_auc(control)
    resampled = resampled_aucs([attack, control], stream, draws)
    null = _null(control, stream, draws_for(tests, draws), sides.weight is not None)
    return Control(
        kind=beside.kind,
        status="done",
        what=beside.what,
        auc=reached,
        auc_interval=auc_interval(control, resampled[1], crossfit=crossfit),
        difference=judged_auc(attack) - reached,
        difference_interval=difference_interval(attack, control, resampled, crossfit=crossfit),
        p_value=p_value(reached, null, crossfit=crossfit),
        permutations=len(null),
        decides=beside.decides,
    )


def _separation(
    judged: Sample, stream: np.random.Generator, draws: int, permutations: int, crossfit: bool, matched: bool
) -> dict[str, Any]:
    answered = judged.answered
    observed, curve = judged_auc(answered), roc(answered.scores, answered.member).thinned()
    (resampled,) = resampled_aucs([answered], stream, draws)
    null = _null(answered, stream, permutations, matched)
    error = null_error(null, crossfit=crossfit)
    return {
        "auc": observed,
        "auc_interval": auc_interval(answered, resampled, crossfit=crossfit),
        "p_value": p_value(observed, null, crossfit=crossfit),
        "p_value_holm": None,
        "permutations": len(null),
        "smallest_effect": None,
        "null_error": error,
        "roc_fpr": tuple(curve.fpr.tolist()),
        "roc_tpr": tuple(curve.tpr.tolist()),
        "reason": "" if error else _IMMOVABLE,
    }


def _null(judged: Sample, stream: np.random.Generator, draws: int, matched: bool) -> Floats:
    """(draws,) AUCs without a leak: sides permuted, or drawn again from the probabilities behind overlap weights."""
    if not matched:
        return null_aucs(judged, stream, draws)
    return redrawn_aucs(judged, np.where(judged.member, 1 - judged.weight, judged.weight), stream, draws)


def _effective(judged: Sample) -> dict[str, Any]:
    people = judged.answered.by_person()
    inside, outside = (effective_number(people.weight[people.member == side]) for side in (True, False))
    return {"effective_members": inside, "effective_nonmembers": outside}


def _nothing(reason: str) -> dict[str, Any]:
    empty = dict.fromkeys(("auc", "auc_interval", "p_value", "p_value_holm", "smallest_effect", "null_error"))
    return {**empty, "roc_fpr": (), "roc_tpr": (), "reason": reason}


def _counts(judged: Sample) -> dict[str, Any]:
    abstained, member = np.isnan(judged.scores), judged.member
    return {
        "members": _count(member),
        "nonmembers": _count(~member),
        "abstained_members": _count(member & abstained),
        "abstained_nonmembers": _count(~member & abstained),
        "member_people": judged.answered.people(True),
        "nonmember_people": judged.answered.people(False),
    }


def _skipped(beside: Beside, reason: str) -> Control:
    """A control that could not be run, and why."""
    return Control(
        kind=beside.kind,
        status="skipped",
        what=beside.what,
        auc=None,
        auc_interval=None,
        difference=None,
        difference_interval=None,
        reason=reason,
        decides=beside.decides,
    )


def _mostly_abstained(control: Sample) -> str:
    for member, side in ((True, "member"), (False, "non-member")):
        rows = np.isnan(control.scores[control.member == member])
        if (abstained := _count(rows)) > MAX_ABSTAINED * len(rows):
            return f"no score for {abstained} of {len(rows)} on the {side} side"
    return ""


def _count(rows: Bools) -> int:
    return int(np.count_nonzero(rows))
