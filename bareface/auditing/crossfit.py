"""Letting an attack answer for people from whom it learned nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import Arena
from bareface.membership.base import Attack, Known, Labelled
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


def answers(
    attack: Attack, trace: Trace, arena: Arena, shadows: tuple[Labelled, ...] | None, seed: int
) -> NDArray[np.float64]:
    """(n,) scores of an attack for every image of an arena, each from a lesson that held nobody in it.

    Raises:
        Abstained: the attack cannot be run on this trace.
    """
    scores = np.full(len(trace), np.nan)
    for number, lesson in enumerate(lessons(trace, arena, shadows)):
        rng = stream(seed, "attack", attack.name, arena.game, number)
        scores[lesson.judged] = attack.score(trace.take(lesson.judged), lesson.known, rng).values
    return scores
