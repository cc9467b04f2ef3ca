"""A stack of attack models: one for each family of features, and one that reads what they say.

Everything is chosen and fitted within what is known, in folds that share no person: the model on top reads what the
others say of people they did not learn from, and its penalty is chosen by cross-validation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.errors import Abstained
from bareface.membership.engine.attack_model import AttackModel, TrainingSet, fit
from bareface.membership.engine.nested import FOLDS, Peopled, Setting, choose, dealt

Array = NDArray[np.float64]

# Of the models below; several hundred sets of photos that go together want a strong one.
PENALTY = 30.0
# Of the model on top, the tamest first.
SETTINGS = tuple(Setting("logistic", penalty) for penalty in (100.0, 10.0, 1.0))
# A family that is unknown for more of a pool than this is left out: it would take those images along.
MOST_UNKNOWN = 0.1


@dataclass(frozen=True)
class Families:
    """Features by family, of n things; NaN where unknown."""

    by_name: dict[str, Array]

    def known(self) -> set[str]:
        """The families that most things have."""
        return {name for name, x in self.by_name.items() if len(x) and np.isnan(x).any(1).mean() <= MOST_UNKNOWN}

    def __len__(self) -> int:
        return len(next(iter(self.by_name.values())))


@dataclass(frozen=True)
class LabelledFamilies:
    """Families of things whose membership is known, and who is on them.

    Attributes:
        families: of n things.
        member: (n,) whether they were members.
        people: (n,) numbers of people, the same in all lessons.
    """

    families: Families
    member: NDArray[np.bool_]
    people: NDArray[np.int64]

    def lesson(self, name: str) -> TrainingSet:
        """One family's."""
        return TrainingSet(self.families.by_name[name], self.member)


@dataclass(frozen=True)
class Stack:
    """A fitted stack.

    Attributes:
        below: by family, the models of all folds.
        above: the model that reads their logits.
    """

    below: dict[str, tuple[AttackModel, ...]]
    above: AttackModel

    def logit(self, families: Families, *, own_scale: bool) -> Array:
        """(n,) logits; with `own_scale` the things are standardised by themselves, not as those that were learned."""
        said = np.stack([_mean_logit(m, families.by_name[name], own_scale) for name, m in self.below.items()], axis=1)
        return (self.above.standardised_by(said) if own_scale else self.above).logit(said)


def fit_stack(known: Sequence[LabelledFamilies], judged: Families, rng: np.random.Generator) -> Stack:
    """Fit a stack on the families that every lesson and the judged have.

    Raises:
        Abstained: there is no such family, or one side only is known.
    """
    names = sorted(set.intersection(judged.known(), *(one.families.known() for one in known)))
    if not names:
        raise Abstained("stack", got="no feature that most sets have", expected="sets of photos on each side")
    folds = dealt([one.people for one in known], rng)
    below, said = {}, []
    for name in names:
        below[name], heard = _fit_family([one.lesson(name) for one in known], folds, rng)
        said.append(heard)
    top = [
        Peopled(TrainingSet(np.stack(columns, axis=1), one.member), one.people)
        for one, columns in zip(known, zip(*said, strict=True), strict=True)
    ]
    setting = choose(top, SETTINGS, rng)
    return Stack(below, fit([one.lesson for one in top], shape=setting.shape, penalty=setting.penalty, rng=rng))


def _fit_family(
    lessons: Sequence[TrainingSet], folds: Sequence[NDArray[np.int64]], rng: np.random.Generator
) -> tuple[tuple[AttackModel, ...], list[Array]]:
    """The models of a family, one for each fold, and what they say of the people in it."""
    models, said = [], [np.full(len(lesson.member), np.nan) for lesson in lessons]
    for number in range(FOLDS):
        learned = [lesson.take(fold != number) for lesson, fold in zip(lessons, folds, strict=True)]
        model = fit(learned, shape="logistic", penalty=PENALTY, rng=rng)
        models.append(model)
        for heard, lesson, own, fold in zip(said, lessons, learned, folds, strict=True):
            heard[fold == number] = model.standardised_by(own.features).logit(lesson.features[fold == number])
    return tuple(models), said


def _mean_logit(models: Sequence[AttackModel], features: Array, own_scale: bool) -> Array:
    """(n,) what the models of all folds say on average."""
    said = [(model.standardised_by(features) if own_scale else model).logit(features) for model in models]
    return np.asarray(np.mean(said, axis=0))
