"""What a run is asked may grow: by attacks, games, prior knowledge, shadows, references.

All that was asked before stays asked, so that nobody asks until something is found and keeps that alone: attacks share
one error rate, and so do those of a question that grew.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from bareface.auditing.settings import AuditSettings
from bareface.errors import RunError
from bareface.settings.closed import checked
from bareface.settings.recipe import ReferenceSettings, ShadowSettings
from bareface.vocabulary import Game

GROWS: Final = ("attacks", "games", "knowledge", "shadow", "trained_references")
"""The keys of a configuration that are the question; all others say what a run is about."""

Settings = TypeVar("Settings", bound=AuditSettings)
Trained = TypeVar("Trained", ShadowSettings, ReferenceSettings)


def asked_before(run: Path, configuration: Mapping[str, Any]) -> AuditSettings:
    """The question in the configuration of a run."""
    return checked(AuditSettings, {key: configuration[key] for key in GROWS if key in configuration}, str(run))


def together(asked: Settings, before: AuditSettings, run: Path) -> Settings:
    """The same settings, asking for what was asked before, too.

    Raises:
        RunError: the models that are trained would be trained otherwise than before.
    """
    if same_question(asked, before):
        return asked
    shadow = _more(asked.shadow, before.shadow, "shadow", run)
    knowledge = tuple(dict.fromkeys((*before.knowledges, *asked.knowledges)))
    usual = ("partial",) if shadow is None else ("partial", "shadow")
    return asked.model_copy(
        update={
            "attacks": (*before.attacks, *(one for one in asked.attacks if one not in before.attacks)),
            "games": _games(asked, before),
            "knowledge": None if knowledge == usual else knowledge,
            "shadow": shadow,
            "trained_references": _more(asked.trained_references, before.trained_references, "trained_references", run),
        }
    )


def same_question(one: AuditSettings, other: AuditSettings) -> bool:
    """Whether two settings ask the same, whatever they are about."""
    return _question(one) == _question(other)


def _question(settings: AuditSettings) -> tuple[object, ...]:
    """The question, whatever its order."""
    attacks = {(one.name, json.dumps(one.parameters(), sort_keys=True)) for one in settings.attacks}
    games = None if settings.games is None else set(settings.games)
    return attacks, games, set(settings.knowledges), settings.shadow, settings.trained_references


def _games(asked: AuditSettings, before: AuditSettings) -> tuple[Game, ...] | None:
    """Every game that one of them plays; None: all that can be played."""
    if asked.games is None or before.games is None:
        return None
    return tuple(dict.fromkeys((*before.games, *asked.games)))


def _more(asked: Trained | None, before: Trained | None, name: str, run: Path) -> Trained | None:
    """The one of the two that trains more models; they are numbered, so that it trains those of the other, too."""
    if asked is None or before is None:
        return asked or before
    if asked.model_copy(update={"count": before.count}) != before:
        got, expected = (f"{name} = {one.model_dump(mode='json')!r}" for one in (asked, before))
        hint = "another folder, or --fresh to start over in this one; only their number may grow"
        raise RunError(str(run), got=got, expected=f"{expected}, as this run folder was begun", hint=hint)
    return max(asked, before, key=lambda one: one.count)
