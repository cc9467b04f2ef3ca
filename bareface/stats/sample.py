"""Scores beside the truth: the one place where both stand in the same rows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bareface.errors import UsageError
from bareface.vocabulary import Unit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.intp]

_LEAST_PEOPLE = 2


@dataclass(frozen=True)
class Sample:
    """n judged units. Build one with `sample`, which checks the columns.

    Attributes:
        scores: (n,) higher = more likely a member; NaN = abstained.
        member: (n,) the truth.
        person: (n,) codes 0, 1, ..., one for each person.
        fold: (n,) codes 0, 1, ..., the fold in which a unit was held out; all 0 where there are no folds.
        weight: (n,) how much a unit counts in the AUC, at least 0; all 1 where people are not matched.
    """

    scores: Floats
    member: Bools
    person: Codes
    fold: Codes
    weight: Floats

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def answered(self) -> "Sample":
        """The units on which the attack did not abstain."""
        return self.take(~np.isnan(self.scores))

    def take(self, rows: Bools) -> "Sample":
        """Some of the rows; the people are numbered anew."""
        return sample(self.scores[rows], self.member[rows], self.person[rows], self.fold[rows], self.weight[rows])

    def people(self, member: bool) -> int:
        """How many people stand on one side."""
        return len(np.unique(self.person[self.member == member]))

    def side_of_person(self) -> Codes:
        """(people,) 1 = has only non-members, 2 = only members, 3 = stands on both sides."""
        count = int(self.person.max(initial=-1)) + 1
        has = [np.bincount(self.person[self.member == side], minlength=count) > 0 for side in (False, True)]
        return has[0] * 1 + has[1] * 2

    def by_person(self) -> "Sample":
        """One unit for each person and side: the mean over the images that got a score, NaN where none did.

        Both sides of a person stand in the fold of that person's first image; a unit weighs as its first image does.
        """
        unit, first, inverse = np.unique(2 * self.person + self.member, return_index=True, return_inverse=True)
        first_of_person = np.unique(self.person, return_index=True)[1]
        person = self.person[first]
        fold = self.fold[first_of_person[person]]
        scores = mean_by(self.scores, inverse, len(unit))
        return Sample(scores, self.member[first], person, fold, self.weight[first])


def sample(
    scores: ArrayLike,
    member: ArrayLike,
    subject: ArrayLike,
    fold: ArrayLike | None = None,
    weight: ArrayLike | None = None,
) -> Sample:
    """Put scores beside the truth.

    Args:
        scores: (n,) finite numbers or NaN.
        member: (n,) booleans.
        subject: (n,) who is on the image: numbers or names.
        fold: (n,) the fold in which each image was held out; None = one fold.
        weight: (n,) how much each image counts, the same for all images of a person on one side; None = alike.

    Raises:
        UsageError: the columns differ in length, `member` is not boolean or a score is infinite.
    """
    values, truth, who = np.asarray(scores, dtype=np.float64), np.asarray(member), np.asarray(subject)
    held_out = np.zeros(np.shape(truth)) if fold is None else np.asarray(fold)
    counted = np.ones(np.shape(truth)) if weight is None else np.asarray(weight, dtype=np.float64)
    _check(values, truth, {"subject": who, "fold": held_out, "weight": counted})
    return Sample(values, truth, _codes(who), _codes(held_out), counted)


@dataclass(frozen=True)
class Sides:
    """Who is judged, a row for each image.

    Attributes:
        member: (n,) booleans.
        subject: (n,) who is on the image.
        fold: (n,) the fold in which the image was held out, disjoint by person; None = all in one.
        weight: (n,) overlap weights of matched people (see `propensity`): 1 - p of a member, p of another. None =
            nobody is matched.
    """

    member: ArrayLike
    subject: ArrayLike
    fold: ArrayLike | None = None
    weight: Floats | None = None


def units(scores: ArrayLike, sides: Sides, unit: Unit) -> Sample:
    """The sample of images, or of people by their mean scores."""
    judged = sample(scores, sides.member, sides.subject, sides.fold, sides.weight)
    return judged.by_person() if unit == "person" else judged


def too_few(judged: Sample) -> str:
    """Why there is no AUC; empty where two people on each side have a score, the fewest that can be resampled."""
    inside, outside = judged.answered.people(True), judged.answered.people(False)
    if min(inside, outside) >= _LEAST_PEOPLE:
        return ""
    counts = f"{inside} member and {outside} non-member people with a score"
    return f"{counts}; at least {_LEAST_PEOPLE} on each side are needed"


def _codes(names: NDArray[Any]) -> Codes:
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def _check(scores: Floats, member: NDArray[Any], others: dict[str, NDArray[Any]]) -> None:
    shapes = {"scores": scores.shape, "member": member.shape} | {name: column.shape for name, column in others.items()}
    if len(set(shapes.values())) != 1 or scores.ndim != 1:
        got = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise UsageError("stats", got=f"the shapes {got}", expected="vectors of one length")
    if member.dtype != np.bool_:
        raise UsageError("stats", got=f"member of type {member.dtype}", expected="booleans")
    if np.isinf(scores).any():
        raise UsageError("stats", got="an infinite score", expected="finite scores, NaN where an attack abstained")


def mean_by(values: Floats, group: Codes, groups: int) -> Floats:
    """(groups,) the mean of each group's values, NaN where it has none that is known."""
    known = ~np.isnan(values)
    total = np.bincount(group[known], weights=values[known], minlength=groups)
    count = np.bincount(group[known], minlength=groups)
    mean: Floats = np.divide(total, count, out=np.full(groups, np.nan), where=count > 0)
    return mean
