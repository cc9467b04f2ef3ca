"""What an audit of a toy world takes besides its traces: a game, pictures, settings."""

from pathlib import Path

import numpy as np
from toy import Toy

from bareface.auditing.blind import blind_trace
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.auditing.traces import Traces
from bareface.rosters.roster import Roster
from bareface.trace import Trace
from bareface.vocabulary import Role


def settings(*attacks: str) -> AuditSettings:
    """What is asked."""
    return AuditSettings(attacks=attacks_named(*attacks))


def arena_of(toy: Toy) -> GameSplit:
    """The dataset game on the people of a toy."""
    role = np.where(toy.member, Role.MEMBER, Role.OUTSIDE).astype(str)
    image = tuple(f"{row}.png" for row in range(len(role)))
    return arena(Roster(Path(), image, toy.subject.astype(str), role), "dataset", folds=5, seed=0)


def traces_of(target: Trace, foreign: Trace) -> Traces:
    """Traces of a target and of a trained foreign network."""
    return Traces(target, foreign, None, (), None, "a foreign toy", "nothing")  # type: ignore[arg-type]


def pictures(toy: Toy, difference: float = 0.0, seed: int = 9) -> Trace:
    """Blind features, those of members so much larger."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(len(toy.member), 4)) + difference * toy.member[:, None]
    return blind_trace(
        toy.trace.image, features.astype(np.float32), rng.normal(size=(len(features), 16)).astype(np.float32)
    )
