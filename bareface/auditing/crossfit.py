"""Letting an attack answer for people from whom it learned nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import Arena
from bareface.membership.attack_model import AttackModel
from bareface.membership.base import Attack, FeatureAttack, Known, Labelled
from bareface.streams import stream
from bareface.trace import Trace


@dataclass(frozen=True)
class Lesson:
    """What the attacker knows when it judges some rows of an arena."""

    known: Known
    judged: NDArray[np.intp]


def lessons(trace: Trace, arena: Arena, shadows: tuple[Labelled, ...] | None) -> Iterator[Lesson]:
    """One lesson for each fold (partial knowledge), or one for everybody (shadow knowledge).

    Args:
        trace: answers of a model about the images of the arena, in its order.
        arena: the game.
        shadows: shadow traces with the shadows' own membership; None for partial knowledge.
    """
    if shadows is not None:
        yield Lesson(Known("shadow", shadows), np.arange(len(trace)))
        return
    for fold in np.unique(arena.fold):
        others = np.flatnonzero(arena.fold != fold)
        yield Lesson(
            Known("partial", (Labelled(trace.take(others), arena.member[others]),)), np.flatnonzero(arena.fold == fold)
        )


@dataclass(frozen=True)
class Told:
    """What an attack told of an arena.

    Attributes:
        scores: (n,) one for every image, each from a lesson that held nobody in it.
        models: the attack models that were fitted, one for each lesson; none where the attack fits no such model.
    """

    scores: NDArray[np.float64]
    models: tuple[AttackModel, ...]


def tell(attack: Attack, trace: Trace, arena: Arena, shadows: tuple[Labelled, ...] | None, seed: int) -> Told:
    """Let an attack judge every image of an arena.

    Raises:
        Abstained: the attack cannot be run on this trace.
    """
    scores, models = np.full(len(trace), np.nan), []
    for number, lesson in enumerate(lessons(trace, arena, shadows)):
        judged, rng = trace.take(lesson.judged), stream(seed, "attack", attack.name, arena.game, number)
        if isinstance(attack, FeatureAttack):
            models.append(attack.fit(lesson.known, rng))
            scores[lesson.judged] = attack.judge(models[-1], judged, lesson.known.knowledge).values
        else:
            scores[lesson.judged] = attack.score(judged, lesson.known, rng).values
    return Told(scores, tuple(models))
