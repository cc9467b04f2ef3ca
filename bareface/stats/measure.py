"""Scores and truth in, counts with intervals out."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from bareface.evidence import Control, Measurement
from bareface.stats.intervals import DRAWS, auc_interval, difference_interval, resampled_aucs
from bareface.stats.multiplicity import holm
from bareface.stats.permutation import draws_for, null_aucs, null_error, p_value
from bareface.stats.power import smallest_effect
from bareface.stats.rates import operating_points
from bareface.stats.roc import auc, roc
from bareface.stats.sample import Bools, Sample, Unit, too_few, units
from bareface.stats.verdict import MAX_ABSTAINED

Kind = Literal["blind", "foreign", "bn-swap"]

_IMMOVABLE = "every permutation of membership gives the same AUC: equal scores, or folds with one side only"


def measure(
    scores: ArrayLike,
    member: ArrayLike,
    subject: ArrayLike,
    fold: ArrayLike,
    unit: Unit,
    stream: np.random.Generator,
    *,
    attacks: int = 1,
    controls: int = 2,
    crossfit: bool = True,
    draws: int = DRAWS,
) -> Measurement:
    """How well scores tell members from non-members, with interval, p-value, power and operating points.

    `member_people` and `nonmember_people` count people with at least one score. `p_value_holm` stays empty until
    `with_holm`.

    Args:
        scores: (n,) one for each image, higher = more likely a member; NaN = abstained.
        member: (n,) booleans.
        subject: (n,) who is on the image.
        fold: (n,) the fold in which the image was held out, disjoint by person.
        unit: judge images, or people by the mean score of their images.
        stream: draws the bootstrap, then the permutations.
        attacks: how many attacks share the error rate; enters the smallest effect and the number of permutations.
        controls: how many of blind and foreign are run; enters the smallest effect.
        crossfit: the scores come from models fitted on the other folds of these images (partial knowledge). False for
            scores fixed in advance: no fitting, or fitting on a shadow model.
        draws: of the bootstrap, and at least of the permutations.

    Raises:
        UsageError: the columns do not fit together, or there is a single fold.
    """
    judged = units(scores, member, subject, unit, fold)
    reason = too_few(judged)
    found = _nothing(reason) if reason else _separation(judged, stream, draws, draws_for(attacks, draws), crossfit)
    error = found.pop("null_error")
    found["smallest_effect"] = smallest_effect(error, attacks, controls) if error else None
    return Measurement(unit=unit, operating_points=operating_points(judged), **_counts(judged), **found)


def with_holm(measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements with their p-values adjusted for each other; those without a p-value do not count."""
    known = [m.p_value for m in measurements if m.p_value is not None]
    adjusted = iter(holm(known))
    return [m if m.p_value is None else m.model_copy(update={"p_value_holm": next(adjusted)}) for m in measurements]


def excess(
    kind: Kind,
    what: str,
    scores: ArrayLike,
    control_scores: ArrayLike,
    member: ArrayLike,
    subject: ArrayLike,
    stream: np.random.Generator,
    *,
    unit: Unit = "image",
    crossfit: bool = True,
    draws: int = DRAWS,
) -> Control:
    """A control beside the attack: both AUCs over the rows where both gave a score, people resampled together.

    Skipped, with the reason, where the control gave no score to more than half of a side, or fewer than two people on a
    side have both scores.

    Args:
        kind: which control.
        what: a description for the report.
        scores: (n,) of the attack on the target, one for each image; NaN = abstained.
        control_scores: (n,) of the control, the same rows.
        member: (n,) booleans.
        subject: (n,) who is on the image.
        stream: draws the people, the same ones for both scores.
        unit: compare images, or people by their mean scores.
        crossfit: either score comes from models fitted on the other folds of these images.
        draws: of the bootstrap.

    Raises:
        UsageError: the columns do not fit together.
    """
    attack, control = (units(values, member, subject, unit) for values in (scores, control_scores))
    both = ~np.isnan(attack.scores) & ~np.isnan(control.scores)
    if reason := _mostly_abstained(control) or too_few(control.take(both)):
        return _skipped(kind, what, reason)
    attack, control = attack.take(both), control.take(both)
    reached = auc(control.scores, control.member)
    resampled = resampled_aucs([attack, control], stream, draws)
    return Control(
        kind=kind,
        status="done",
        what=what,
        auc=reached,
        auc_interval=auc_interval(control, resampled[1], crossfit=crossfit),
        difference=auc(attack.scores, attack.member) - reached,
        difference_interval=difference_interval(attack, control, resampled, crossfit=crossfit),
    )


def _separation(
    judged: Sample, stream: np.random.Generator, draws: int, permutations: int, crossfit: bool
) -> dict[str, Any]:
    answered = judged.answered
    observed, curve = auc(answered.scores, answered.member), roc(answered.scores, answered.member).thinned()
    (resampled,) = resampled_aucs([answered], stream, draws)
    null = null_aucs(answered, stream, permutations)
    error = null_error(null, crossfit=crossfit)
    return {
        "auc": observed,
        "auc_interval": auc_interval(answered, resampled, crossfit=crossfit),
        "p_value": p_value(observed, null, crossfit=crossfit),
        "p_value_holm": None,
        "null_error": error,
        "roc_fpr": tuple(curve.fpr.tolist()),
        "roc_tpr": tuple(curve.tpr.tolist()),
        "reason": "" if error else _IMMOVABLE,
    }


def _nothing(reason: str) -> dict[str, Any]:
    empty = dict.fromkeys(("auc", "auc_interval", "p_value", "p_value_holm", "null_error"))
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


def _skipped(kind: Kind, what: str, reason: str) -> Control:
    """A control that could not be run, and why."""
    return Control(
        kind=kind,
        status="skipped",
        what=what,
        auc=None,
        auc_interval=None,
        difference=None,
        difference_interval=None,
        reason=reason,
    )


def _mostly_abstained(control: Sample) -> str:
    for member, side in ((True, "member"), (False, "non-member")):
        rows = np.isnan(control.scores[control.member == member])
        if (abstained := _count(rows)) > MAX_ABSTAINED * len(rows):
            return f"no score for {abstained} of {len(rows)} on the {side} side"
    return ""


def _count(rows: Bools) -> int:
    return int(np.count_nonzero(rows))
