"""A finished audit as a yardstick: its people, what the target answered about them, its fitted attacks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.auditing.as_audited import as_audited
from bareface.auditing.asking import COMPARED
from bareface.auditing.attack_models import FittedAttack, kept_attack_models
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.gating import recorded_as_deciding
from bareface.auditing.pseudonyms import read_people_table
from bareface.auditing.run_folder import CONFIG, read_settings
from bareface.errors import RunError
from bareface.membership.base import FeatureAttack
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace
from bareface.records.evidence import Evidence, Finding, read_evidence
from bareface.rosters.roster import Roster
from bareface.settings.notation import parameters_text
from bareface.stats.roc import auc
from bareface.stats.sample import Sides, units
from bareface.storage.artefacts import refuse_damaged
from bareface.storage.files import sha256_of
from bareface.targets.kinds import Auditable
from bareface.trace import Trace
from bareface.vocabulary import Game, Verdict

PERSONAL: tuple[Game, ...] = ("person", "dataset")
"""The games whose members are people, the one that asks about unseen photos first."""


@dataclass(frozen=True, eq=False)
class ShownLeak:
    """One attack that showed a leak, and the models that it fitted.

    Attributes:
        finding, fitted: of that attack.
        arena: its game.
        scores: (n,) of the images of the game.
    """

    finding: Finding
    fitted: FittedAttack
    arena: GameSplit
    scores: NDArray[np.float64]

    @property
    def attack(self) -> FeatureAttack:
        """The attack under its parameters."""
        return self.fitted.made

    def reached(self, less: NDArray[np.bool_]) -> float:
        """The AUC per person without some of the images of the game; 0 where it cannot be had."""
        game, kept = self.arena, ~less
        judged = units(self.scores[kept], Sides(game.member[kept], game.subject[kept]), "person").answered
        return auc(judged.scores, judged.member) if len(np.unique(judged.member)) == 2 else 0.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """A finished audit.

    Attributes:
        run: its folder.
        evidence, config: its record and its configuration.
        target: the backbone as it was audited.
        people: the images whose membership was in question.
        trace: what the target answered about them, row by row.
    """

    run: Path
    evidence: Evidence
    config: dict[str, Any]
    target: Auditable
    people: Roster
    trace: Trace

    def leaks(self, games: tuple[Game, ...]) -> Iterator[ShownLeak]:
        """The attacks that showed a leak in these games and can be asked about anybody: they read answers alone."""
        there = kept_attack_models(self.run / "attack_models", sha256_of(self.run / CONFIG))
        kept = {key_of(fitted): fitted for fitted in there}
        for finding in recorded_as_deciding(self.evidence.findings):
            fitted = kept.get(key_of(finding))
            if finding.verdict is Verdict.LEAK_SHOWN and finding.game in games and fitted and self._asks_all(fitted):
                game = arena(self.people, finding.game, folds=self.config["folds"], seed=self.config["seed"])
                yield ShownLeak(finding, fitted, game, scores_of(self.run, finding, game))

    def _asks_all(self, fitted: FittedAttack) -> bool:
        attack = fitted.made
        there = attack.needs <= set(self.trace.channels)
        return there and not attack.beside and not attack.reads() & COMPARED


def scores_of(run: Path, finding: Finding, game: GameSplit) -> NDArray[np.float64]:
    """(n,) the scores behind a finding, for the images of its game.

    Raises:
        RunError: the file that keeps them is damaged, or holds other images.
    """
    path = run / "scores.parquet"
    refuse_damaged(path, hint="run the audit again; it makes this file again")
    named = parameters_text(finding.parameters)
    wanted = {"game": finding.game, "knowledge": finding.knowledge, "attack": finding.attack, "parameters": named}
    told = pq.read_table(path, filters=[(column, "=", value) for column, value in wanted.items()])
    if not np.array_equal(told["image"].to_numpy(), game.rows):
        raise RunError(str(path), got="scores of other images", expected="those of the game", hint="--fresh")
    return np.asarray(told["score"].to_numpy(), dtype=np.float64)


def people_of(run: Path) -> Roster:
    """The images whose membership was in question in a finished audit, with people and roles.

    Raises:
        RunError: they are not kept, may not be read, or the file is damaged.
    """
    table = read_people_table(run / "people.parquet")
    image, subject, role = (table[name].to_pylist() for name in ("image", "subject", "role"))
    return Roster(run, tuple(image), np.array(subject, dtype=str), np.array(role, dtype=str))


def key_of(one: Finding | FittedAttack) -> tuple[str, ...]:
    """What tells one finding, or its models, from the others of an audit."""
    return one.attack, json.dumps(one.parameters, sort_keys=True), one.game, one.knowledge


def read_calibration(run: Path, target: Auditable) -> Calibration:
    """Read a finished audit back, with the target that it was made of; none of its images is needed.

    Raises:
        RunError: the folder holds no finished audit, a file in it is damaged, or the target's answers are not kept.
        UsageError: it audited another target.
    """
    evidence, config = read_evidence(run), read_settings(run)
    asked, people = as_audited(run, config, target), people_of(run)
    return Calibration(run, evidence, config, asked, people, load_trace(_home(run, asked, people)))


def _home(run: Path, target: Auditable, people: Roster) -> Path:
    """Where the target's answers about the people lie: the fullest of those that are its own."""
    found = [card for card, facts in trace_cards(run, len(people)) if _is_of(card, facts, target, people)]
    if not found:
        got, expected = "no answers of this target about the audit's people", "the trace folder of a finished audit"
        raise RunError(str(run / "trace"), got=got, expected=expected, hint="run the audit again; it resumes")
    return max(found, key=lambda card: len(json.loads(card.read_text())["shapes"])).parent


def trace_cards(run: Path, images: int) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The cards of a finished audit's traces of so many images, and what stands on them.

    Raises:
        RunError: a card is damaged.
    """
    for card in sorted((run / "trace").glob("*/trace.json")):
        refuse_damaged(card, hint="run the audit again; it makes this file again")
        facts = json.loads(card.read_text())
        if facts["images"] == images:
            yield card, facts


def _is_of(card: Path, facts: dict[str, Any], target: Auditable, people: Roster) -> bool:
    digests = load_trace(card.parent, ()).image.tolist()
    return bool(prober_of(target, people.image, digests).offer.target == facts["target"])
