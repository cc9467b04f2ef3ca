"""Letting an attack answer for people from whom it learned nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import GameSplit
from bareface.errors import Abstained
from bareface.membership.base import Attack, AttackerKnowledge, FeatureAttack, Labelled
from bareface.membership.engine.attack_model import AttackModel
from bareface.streams import stream
from bareface.trace import Trace, join
from bareface.vocabulary import Knowledge


@dataclass(frozen=True)
class AttackerData:
    """What the attacker brings along besides the model that is asked.

    Attributes:
        knowledge: which of the three settings.
        shadows: for shadow knowledge: shadow traces with the shadows' own membership.
        strangers: for nonmembers knowledge: what the model that is asked answered about people who are known not to
            be in its training, their photo sets numbered below zero.
    """

    knowledge: Knowledge = "partial"
    shadows: tuple[Labelled, ...] = ()
    strangers: Trace | None = None


@dataclass(frozen=True)
class FoldTask:
    """What the attacker knows when it judges some rows of an arena.

    Attributes:
        known: all of it.
        judged: (m,) the rows.
        trace: (m,) answers about those rows.
    """

    known: AttackerKnowledge
    judged: NDArray[np.intp]
    trace: Trace


def lessons(trace: Trace, arena: GameSplit, prior: AttackerData) -> Iterator[FoldTask]:
    """One lesson for everybody from shadows; otherwise one for each fold, from the people in the other folds.

    Args:
        trace: answers of a model about the images of the arena, in its order.
        arena: the game.
        prior: what else the attacker has.

    Raises:
        Abstained: nonmembers knowledge, and nobody is known not to be in training.
    """
    if prior.knowledge == "shadow":
        yield FoldTask(AttackerKnowledge("shadow", prior.shadows), np.arange(len(trace)), trace)
        return
    for fold in np.unique(arena.fold):
        others, judged = np.flatnonzero(arena.fold != fold), np.flatnonzero(arena.fold == fold)
        before = _knowing_others(trace, np.unique(arena.subject[judged]))
        known = AttackerKnowledge(prior.knowledge, (_labelled(before.take(others), arena, others, prior),))
        yield FoldTask(known, judged, before.take(judged))


def _knowing_others(trace: Trace, judged: NDArray[np.int64]) -> Trace:
    """The trace as it looks to somebody who does not know whether the judged people are in training."""
    return trace if trace.trained is None else replace(trace, trained=trace.trained.without(judged))


def _labelled(trace: Trace, arena: GameSplit, rows: NDArray[np.intp], prior: AttackerData) -> Labelled:
    """What is known about the rows: their membership (partial), or only who else is no member (nonmembers)."""
    if prior.knowledge == "partial":
        return Labelled(trace, arena.member[rows], arena.subject[rows])
    if prior.strangers is None:
        raise Abstained("nonmembers knowledge", got="nobody in these roles", expected="public or auxiliary people")
    together = join(prior.strangers, trace)
    in_question = np.arange(len(together)) >= len(prior.strangers)
    return Labelled(together, in_question, np.concatenate([prior.strangers.photo_set, arena.subject[rows]]))


@dataclass(frozen=True)
class CrossfitScores:
    """What an attack told of an arena.

    Attributes:
        scores: (n,) one for every image, each from a lesson that held nobody in it.
        models: the attack models that were fitted, one for each lesson; none where the attack fits no such model.
    """

    scores: NDArray[np.float64]
    models: tuple[AttackModel, ...]


def crossfit_scores(attack: Attack, trace: Trace, arena: GameSplit, prior: AttackerData, seed: int) -> CrossfitScores:
    """Let an attack judge every image of an arena.

    Raises:
        Abstained: the attack cannot be run on this trace.
    """
    scores, models = np.full(len(trace), np.nan), []
    for number, lesson in enumerate(lessons(trace, arena, prior)):
        judged, rng = lesson.trace, stream(seed, "attack", attack.name, arena.game, number)
        if isinstance(attack, FeatureAttack):
            models.append(attack.fit(lesson.known, rng))
            scores[lesson.judged] = attack.judge(models[-1], judged, lesson.known.knowledge).values
        else:
            scores[lesson.judged] = attack.score(judged, lesson.known, rng).values
    return CrossfitScores(scores, tuple(models))
