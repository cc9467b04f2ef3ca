"""Everything that is said about a game: each attack on the target, on its controls, and blind."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.blind import BlindBaseline
from bareface.auditing.crossfit import AttackerData, CrossfitScores, crossfit_scores
from bareface.auditing.games import GameSplit
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import NO_BATCHNORM, Model, Traces, in_arena, shadow_lessons, with_trained
from bareface.errors import Abstained, BarefaceError
from bareface.membership.base import Attack, Labelled
from bareface.membership.engine.attack_model import AttackModel
from bareface.trace import Trace
from bareface.vocabulary import Knowledge

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """One attack in one game with one prior knowledge, before any truth.

    Attributes:
        arena: the game.
        attack, knowledge: who asks with what.
        scope: (n,) which images the attack is about.
        target: (n,) scores, or None with the reason why there are none.
        controls: (n,) scores of the same attack on each control, or the reason why there are none.
        models: the attack models that were fitted on the way to `target`.
        unfitted: (n,) the signal before anything is fitted, its sign as memory predicts it; None where the attack
            has no such sign.
        failure: why `target` is None; empty otherwise.
        failed: whether that was a failure rather than an abstention.
    """

    arena: GameSplit
    attack: Attack
    knowledge: Knowledge
    scope: NDArray[np.bool_]
    target: Vector | None
    controls: dict[str, Vector | str]
    models: tuple[AttackModel, ...] = ()
    unfitted: Vector | None = None
    failure: str = ""
    failed: bool = False


def run_game(
    arena: GameSplit, traces: Traces, blind: Trace, settings: AuditSettings, progress: Progress, at: tuple[int, int]
) -> Iterator[Answer]:
    """Every attack in a game, with every prior knowledge that was asked for."""
    blind_scores = _Blind(in_arena(blind, arena), arena, settings.seed)
    done, total = at
    for knowledge in settings.knowledges:
        shadows = shadow_lessons(traces, arena.game, settings) if knowledge == "shadow" else ()
        room = _OneGame(arena, traces, knowledge, shadows, blind_scores, settings.seed)
        for attack in settings.attacks:
            yield room.answer(attack)
            done += 1
            progress("attacks", done, total)


@dataclass(frozen=True)
class _OneGame:
    """One game with one prior knowledge, where attacks are asked one by one."""

    arena: GameSplit
    traces: Traces
    knowledge: Knowledge
    shadows: tuple[Labelled, ...]
    blind: "_Blind"
    seed: int

    def answer(self, attack: Attack) -> Answer:
        """What the attack says of the target and of its controls."""
        scope = attack.in_scope(in_arena(self.traces.target, self.arena))
        target = self.on("target", attack)
        if isinstance(target, tuple):
            return Answer(self.arena, attack, self.knowledge, scope, None, {}, (), None, *target)
        others = {"blind": self.blind.beside(attack), "foreign": self.on("foreign", attack)}
        others["bn-swap"] = self.on("swapped", attack)
        controls = {kind: said[0] if isinstance(said, tuple) else said.scores for kind, said in others.items()}
        signal = unfitted(attack, in_arena(self.traces.target, self.arena))
        return Answer(self.arena, attack, self.knowledge, scope, target.scores, controls, target.models, signal)

    def on(self, model: Model, attack: Attack) -> CrossfitScores | tuple[str, bool]:
        """What the attack says of one of the models that were asked about the candidates."""
        trace: Trace | None = getattr(self.traces, model)
        if trace is None:
            return NO_BATCHNORM, False
        prior = AttackerData(self.knowledge, self.shadows, self.traces.strangers.get(model))
        asked = in_arena(trace, self.arena)
        if self.knowledge == "partial" and "trained" in attack.beside:
            asked = with_trained(asked, trace, self.arena)
        return _attempt(attack, asked, self.arena, prior, self.seed)


def unfitted(attack: Attack, trace: Trace) -> Vector | None:
    """(n,) an attack's signal before anything is fitted; None where it has no sign or the trace lacks a channel."""
    try:
        return attack.unfitted(trace) if attack.needs <= set(trace.channels) else None
    except Abstained:  # it needs a view that the model does not give
        return None


def _attempt(
    attack: Attack, trace: Trace, arena: GameSplit, prior: AttackerData, seed: int
) -> CrossfitScores | tuple[str, bool]:
    """Scores, or why there are none and whether that is a failure."""
    try:
        return crossfit_scores(attack, trace, arena, prior, seed)
    except BarefaceError as reason:
        return str(reason), False
    except Exception as error:  # the one broad except: a failed attack becomes a recorded failure
        return f"{type(error).__name__}: {error}", True


class _Blind:
    """The blind baseline of a game, fitted once for each size of photo sets."""

    def __init__(self, trace: Trace, arena: GameSplit, seed: int) -> None:
        self._trace, self._arena, self._seed = trace, arena, seed
        self._said: dict[int, CrossfitScores | tuple[str, bool]] = {}

    def beside(self, attack: Attack) -> CrossfitScores | tuple[str, bool]:
        """(n,) scores on sets of as many photos as the attack looks at, or why there are none."""
        k = attack.photos if attack.photos > 1 else 0
        if k not in self._said:
            # Always with partial knowledge: it stands for whatever tells the two sides apart as pictures.
            self._said[k] = _attempt(BlindBaseline(k=k), self._trace, self._arena, AttackerData(), self._seed)
        return self._said[k]
