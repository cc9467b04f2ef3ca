"""Probing everybody that an audit needs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.cast import Shadow, bn_swap, images_for, shadows, untrained
from bareface.auditing.games import Arena, Game, arena
from bareface.auditing.question import Progress, Question
from bareface.faces.examine import Examination
from bareface.membership.base import Labelled
from bareface.probing.backbone import BackboneWitness
from bareface.probing.probe import load_trace, plan, probe
from bareface.roster import Role, Roster
from bareface.targets.target import Target
from bareface.trace import Trace
from bareface.training.train import Step


@dataclass(frozen=True)
class Traces:
    """What every model answered about the candidates, and what the shadows answered about their own people.

    Attributes:
        target, foreign, swapped: traces of the candidates in the order of the candidates' roster; there is no
            `swapped` where the target has no BatchNorm.
        shadows: each shadow's trace with its own roster.
        foreign_model: the model behind the foreign control, and what it is.
        swapped_on: what the running statistics of the BN-swap were estimated on.
    """

    target: Trace
    foreign: Trace
    swapped: Trace | None
    shadows: tuple[tuple[Trace, Roster], ...]
    foreign_model: Target
    foreign_is: str
    swapped_on: str


NO_BATCHNORM = "nothing: the target has no BatchNorm layer with running statistics"
CANDIDATES = (Role.MEMBER, Role.HELDOUT, Role.OUTSIDE)


def candidates(examination: Examination) -> tuple[Roster, NDArray[np.intp]]:
    """The images whose membership is in question, and their rows among the accepted ones."""
    rows = examination.accepted.rows(*CANDIDATES)
    return examination.accepted.take(rows), rows


def gather(
    target: Target, foreign: Target | None, examination: Examination, question: Question, run: Path, progress: Progress
) -> Traces:
    """Train the shadows and probe the target, its controls and the shadows; everything is kept in the run folder."""
    everyone, (people, rows) = examination.accepted, candidates(examination)
    digests = examination.digest[rows]
    made = _train_shadows(everyone, question, run, progress)
    foreign_model, foreign_is = _foreign(target, foreign, made, everyone, question.seed)
    swap = bn_swap(target, everyone, question.seed)

    def trace(model: Target, images: Roster, of: NDArray[np.str_], label: str) -> Trace:
        witness = BackboneWitness(model)
        todo = plan(witness, of, batch_size=question.batch_size)
        folder = probe(witness, images_for(model, images), todo, run / "trace", lambda *at: progress(label, *at))
        return load_trace(folder)

    return Traces(
        target=trace(target, people, digests, "probing the target"),
        foreign=trace(foreign_model, people, digests, "probing the foreign model"),
        swapped=None if swap is None else trace(swap[0], people, digests, "probing with swapped statistics"),
        shadows=tuple(
            (
                trace(shadow.target, shadow.roster, _digests(examination, shadow.roster), f"probing shadow {n}"),
                shadow.roster,
            )
            for n, shadow in enumerate(made)
        ),
        foreign_model=foreign_model,
        foreign_is=foreign_is,
        swapped_on=swap[1] if swap else NO_BATCHNORM,
    )


def in_arena(trace: Trace, game: Arena) -> Trace:
    """The rows of a game, the images grouped as people bring them."""
    return trace.take(game.rows).with_photo_set(game.photo_set)


def shadow_lessons(traces: Traces, game: Game, question: Question) -> tuple[Labelled, ...]:
    """What the shadows teach about a game."""
    lessons = []
    for number, (trace, roster) in enumerate(traces.shadows):
        own = arena(roster, game, folds=2, seed=question.seed + number)
        lessons.append(Labelled(in_arena(trace, own), own.member))
    return tuple(lessons)


def _train_shadows(roster: Roster, question: Question, run: Path, progress: Progress) -> tuple[Shadow, ...]:
    if question.shadow is None:
        return ()
    count = question.shadow.count

    def report(number: int, step: Step) -> None:
        epochs = number * step.epochs + step.epoch - 1 + step.step / step.steps
        progress("training shadows", int(epochs), count * step.epochs)

    return shadows(roster, question.shadow, run / "shadows", question.seed, report)


def _foreign(
    target: Target, foreign: Target | None, made: tuple[Shadow, ...], roster: Roster, seed: int
) -> tuple[Target, str]:
    if foreign is not None:
        return foreign, "a backbone trained elsewhere, brought for this control"
    if made:
        return made[0].target, "the first shadow, trained on auxiliary people"
    return untrained(target, roster, seed), "a copy of the target with fresh weights"


def _digests(examination: Examination, roster: Roster) -> NDArray[np.str_]:
    where = {image: row for row, image in enumerate(examination.accepted.image)}
    return examination.digest[[where[image] for image in roster.image]]
