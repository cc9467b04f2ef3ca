"""Choosing how an attack model is fitted, within what is known: cross-validation whose folds share no person.

Where several models teach, each is judged by what the others taught, since that is how the target will be judged.
Whoever is judged in the end has no part in it, so the choice takes nothing from the honesty of the scores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bareface.membership.engine.attack_model import Shape, TrainingSet, fit

FOLDS = 3
# Of settings that are nearly as good, the tamest is taken.
_NEARLY = 0.002


@dataclass(frozen=True)
class Setting:
    """One way of fitting an attack model."""

    shape: Shape
    penalty: float


@dataclass(frozen=True)
class Peopled:
    """A lesson and who is on its images.

    Attributes:
        lesson: features of images, and whether they were members.
        people: (n,) numbers of people.
    """

    lesson: TrainingSet
    people: NDArray[np.int64]


@dataclass(frozen=True)
class _Split:
    """Whom to learn from, whom to judge, and (n, f) features of everybody that the judged model was asked about."""

    learned: tuple[TrainingSet, ...]
    judged: TrainingSet
    pool: NDArray[np.float64]


def choose(known: Sequence[Peopled], settings: Sequence[Setting], rng: np.random.Generator) -> Setting:
    """The setting with the largest AUC on people that it was not fitted on; the first of those nearly as good.

    Args:
        known: lessons; several are each standardised by themselves. A person has one number in all of them.
        settings: the tamest first.
        rng: deals the people into folds, and starts each fit alike.
    """
    splits, seed = list(_splits(known, rng)), int(rng.integers(2**31))
    worth = [[_worth(setting, split, seed) for split in splits] for setting in settings]
    if not splits:
        return settings[0]
    mean = np.mean(worth, axis=1)
    return settings[int(np.flatnonzero(mean >= mean.max() - _NEARLY)[0])]


def _splits(known: Sequence[Peopled], rng: np.random.Generator) -> Iterator[_Split]:
    """Folds with both sides to learn from and to judge; images with an unknown feature play no part."""
    of = dealt([one.people for one in known], rng)
    used = np.logical_and.reduce([~np.isnan(one.lesson.features).all(0) for one in known])
    whole = [~np.isnan(one.lesson.features[:, used]).any(1) for one in known]
    everyone = range(len(known))
    for number, judge in product(range(FOLDS), everyone):
        # With several models, what was learned from the others has to hold for the one that is judged.
        teachers = [other for other in everyone if other != judge or len(known) == 1]
        learned = tuple(known[other].lesson.take(whole[other] & (of[other] != number)) for other in teachers)
        judged = known[judge].lesson.take(whole[judge] & (of[judge] == number))
        if all(0 < lesson.member.sum() < len(lesson.member) for lesson in (*learned, judged)):
            yield _Split(learned, judged, known[judge].lesson.features)


def dealt(people: Sequence[NDArray[np.int64]], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """(n,) folds of each lesson's (n,) numbers of people; a person is in one fold, whatever the lesson."""
    everybody = np.unique(np.concatenate(people))
    fold = rng.permutation(len(everybody)) % FOLDS
    return [fold[np.searchsorted(everybody, some)] for some in people]


def _worth(setting: Setting, split: _Split, seed: int) -> float:
    """The AUC on the model that is judged, its features measured against all of its own."""
    model = fit(split.learned, shape=setting.shape, penalty=setting.penalty, rng=np.random.default_rng(seed))
    logit = model.standardised_by(split.pool).logit(split.judged.features)
    return area(logit[split.judged.member], logit[~split.judged.member])


def area(members: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """How often a member scores above another, ties half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, members, "left") + np.searchsorted(ordered, members, "right")
    return float(below.mean() / (2 * len(others)))
