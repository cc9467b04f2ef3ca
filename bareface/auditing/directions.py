"""Which way signals point before anything is fitted: exchanged sides look like a leak to whoever fits labels."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.alike import Alike
from bareface.auditing.answers import Answer, unfitted
from bareface.auditing.games import GameSplit
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import Traces, in_arena
from bareface.membership.base import Attack
from bareface.membership.bn_distance import BnDistance
from bareface.membership.embedding_norm import EmbeddingNorm
from bareface.membership.flip_agreement import FlipAgreement
from bareface.records.evidence import Direction
from bareface.stats.measure import measure
from bareface.stats.multiplicity import holm
from bareface.stats.sample import Sides
from bareface.streams import stream
from bareface.vocabulary import Game

# Memory makes these move one way on every backbone; they say which side looks trained on, whatever attacks are asked.
SIGNALS: tuple[Attack, ...] = (EmbeddingNorm(), FlipAgreement(), BnDistance())
# Beside the controls' .05: an audit of lots that were kept is called INVALID in about one of twenty.
REVERSED_ALPHA = 0.01


def directions(
    done: Sequence[Answer], traces: Traces, alike: Mapping[Game, Alike | None], settings: AuditSettings
) -> tuple[dict[int, Direction], set[Game]]:
    """Which way the unfitted signals point, and the games in which all that point anywhere point the other way.

    Args:
        done: the answers; the directions are by their identity.
        traces: of the target.
        alike: by game, what matches its people; a game that is not in it is not matched.
        settings: for the streams.
    """
    said: list[tuple[Game, int | None, NDArray[np.float64], GameSplit]] = [
        (a.arena.game, id(a), np.where(a.scope, a.unfitted, np.nan), a.arena) for a in done if a.unfitted is not None
    ]
    weights = dict[Game, NDArray[np.float64] | None]()
    for arena in {answer.arena.game: answer.arena for answer in done}.values():
        weights[arena.game] = _weights(alike.get(arena.game), len(arena.rows))
        asked = in_arena(traces.target, arena)
        signals = [unfitted(one, asked) for one in SIGNALS]
        said += [(arena.game, None, signal, arena) for signal in signals if signal is not None]
    # An attack's signal is the same with every prior knowledge, and several attacks may read one: it is one test.
    keys = [(game, signal.tobytes()) for game, _, signal, _ in said]
    known = dict[tuple[Game, bytes], tuple[float, float]]()
    for key, (game, _, signal, arena) in zip(keys, said, strict=True):
        if key not in known:
            known[key] = _direction(signal, arena, weights[game], settings)
    chances = [forward for _, forward in known.values()]
    back = dict(zip(known, holm([1 - forward for forward in chances]), strict=True))
    ahead = dict(zip(known, holm(chances), strict=True))
    by_answer = {
        answer: Direction(auc=known[key][0], p_value=1 - known[key][1], reversed=back[key] < REVERSED_ALPHA)
        for key, (_, answer, _, _) in zip(keys, said, strict=True)
        if answer is not None
    }
    reversed_in, forward_in = ({game for (game, _), p in test.items() if p < REVERSED_ALPHA} for test in (back, ahead))
    return by_answer, reversed_in - forward_in


def _weights(alike: Alike | None, images: int) -> NDArray[np.float64] | None:
    """What matches the people of a game whatever the attack; None where they are not, or cannot be, matched."""
    return None if alike is None or alike.record.overlap else alike.weights(np.full(images, np.nan))


def _direction(
    signal: NDArray[np.float64], arena: GameSplit, weight: NDArray[np.float64] | None, settings: AuditSettings
) -> tuple[float, float]:
    """AUC of an unfitted signal, and the p-value of an AUC as large where membership does not matter."""
    measured = measure(
        signal, Sides(arena.member, arena.subject, arena.fold, weight), arena.unit,
        stream(settings.seed, "direction", arena.game), crossfit=False,
    )  # fmt: skip
    return (0.5, 0.5) if measured.auc is None or measured.p_value is None else (measured.auc, measured.p_value)
