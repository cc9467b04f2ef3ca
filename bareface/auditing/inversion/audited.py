"""A finished audit, read back: its people, what the target answered about them, its attack models."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bareface.auditing.as_audited import as_audited, examined_as_audited
from bareface.auditing.attack_models import FittedAttack, kept_attack_models
from bareface.auditing.audit import roster_digest
from bareface.auditing.crossfit import AttackerData, crossfit_scores
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.hygiene import LEFT_OUT
from bareface.auditing.images import images_for
from bareface.auditing.progress import Progress
from bareface.auditing.run_folder import CONFIG, read_settings
from bareface.auditing.traces import candidates, in_arena
from bareface.errors import RosterError, UsageError
from bareface.faces.examine import Examination, Reject
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.records.evidence import Evidence, read_evidence
from bareface.rosters.roster import Roster
from bareface.rosters.sampling import drawn
from bareface.settings.closed import checked
from bareface.settings.sampling import SampleSettings
from bareface.storage.files import sha256_of
from bareface.streams import stream
from bareface.targets.answering import as_torch
from bareface.targets.kinds import Auditable
from bareface.targets.target import Target
from bareface.trace import Trace
from bareface.vocabulary import Game, Role

GAME: Final[Game] = "dataset"


@dataclass(frozen=True, eq=False)
class Audited:
    """A finished audit.

    Attributes:
        run: its folder.
        target: the backbone that was audited; with its head, if it came with one. One that only answers is an
            `AnsweringTarget`.
        seed: of the audit.
        examination: the usable images.
        arena, trace: the game of members against strangers, and what the target answered.
        evidence: what was found.
        kept: the attack models.
    """

    run: Path
    target: Target
    seed: int
    examination: Examination
    arena: GameSplit
    trace: Trace
    evidence: Evidence
    kept: tuple[FittedAttack, ...]

    def models(self, attack: str, knowledge: str) -> FittedAttack:
        """The attack models of one attack in the game of members against strangers.

        Raises:
            UsageError: the audit kept none; the message lists those there are.
        """
        there = [kept for kept in self.kept if kept.game == GAME]
        for kept in there:
            if (kept.attack, kept.knowledge) == (attack, knowledge):
                return kept
        names = sorted({f"{kept.attack} ({kept.knowledge})" for kept in there})
        raise UsageError(
            str(self.run / "attack_models"),
            got=f"no attack models of {attack} with {knowledge} knowledge",
            expected=f"one of {', '.join(names)}" if names else "an audit that fitted attack models",
            hint="an objective that needs none, such as agreement",
        )

    def permuted(self, kept: FittedAttack, seed: int) -> FittedAttack:
        """The same attack fitted on the same answers after membership was dealt out anew among the people."""
        own = replace(self.arena, member=_dealt_anew(self.arena, stream(seed, "placebo")))
        with threadpool_limits(limits=1, user_api="blas"):  # small matrices: a second thread only waits
            return replace(kept, models=crossfit_scores(kept.made, self.trace, own, AttackerData(), seed).models)

    def real_logits(self, kept: FittedAttack) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits of real members and of real strangers, each by the model that was fitted without their fold.

        Empty for shadow knowledge, whose model is standardised on other images.
        """
        folds = np.unique(self.arena.fold)
        if kept.knowledge != "partial" or len(kept.models) != len(folds):
            return np.empty(0), np.empty(0)
        attack, logits = kept.made, np.full(len(self.trace), np.nan)
        for fold, model in zip(folds, kept.models, strict=True):
            rows = np.flatnonzero(self.arena.fold == fold)
            logits[rows] = attack.judge(model, self.trace.take(rows), "partial").values
        return logits[self.arena.member], logits[~self.arena.member]


def read_audit(run: Path, target: Auditable, roster: Roster, progress: Progress) -> Audited:
    """Read a finished audit back, with the target and the people that it was made of.

    Raises:
        RunError: the folder holds no finished audit, or one whose record, settings or attack models are damaged.
        UsageError: it audited another target, or cut faces out with other networks than there are here.
        RosterError: it audited other people, or there are no decoys or no members.
    """
    evidence, config = read_evidence(run), read_settings(run)
    asked = as_audited(run, config, target)
    _check_people(run, config, roster)
    roster = drawn(roster, _sample_of(run, config), config["seed"]).roster
    seen = examined_as_audited(roster, config, run, progress)
    examination = seen.without(_left_out(evidence, roster))
    people, rows = candidates(examination)
    game = arena(people, GAME, folds=config["folds"], seed=config["seed"])
    digests = examination.digest[rows]
    prober = prober_of(asked, people.image, digests.tolist())
    todo = plan(prober, digests, batch_size=config["batch_size"])
    home = probe(prober, images_for(asked, people), todo, run / "trace", lambda *at: progress("probing", *at))
    kept = kept_attack_models(run / "attack_models", sha256_of(run / CONFIG))
    trace = in_arena(load_trace(home), game)
    return Audited(run, as_torch(target), config["seed"], examination, game, trace, evidence, kept)


def _sample_of(run: Path, config: dict[str, Any]) -> SampleSettings | None:
    """How many people the audit drew; None where it took everybody."""
    said = config.get("sample")
    return None if said is None else checked(SampleSettings, said, str(run))


def _left_out(evidence: Evidence, roster: Roster) -> list[Reject]:
    """Readable images that the audit did not use, because they or their people stood on two sides."""
    return [
        Reject(roster.image[one.number], one.role, one.reason, "") for one in evidence.rejects if one.reason in LEFT_OUT
    ]


def _check_people(run: Path, config: dict[str, Any], roster: Roster) -> None:
    for role, what in ((Role.OUTSIDE, "decoys, people never trained on"), (Role.MEMBER, "training people")):
        if not len(roster.rows(role)):
            raise RosterError(
                roster.called,
                got=f"nobody in the role {role}",
                expected=what,
                hint=f"audit with images in the role {role}, then invert",
            )
    if roster_digest(roster) != config["roster"]:
        raise RosterError(
            roster.called,
            got="other people or roles than the audit was made of",
            expected=f"the roster of the audit in {run.name}",
            hint="the same --roster as for the audit, or a new audit",
        )


def _dealt_anew(game: GameSplit, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n,) membership after the people have exchanged sides at random."""
    people, first = np.unique(game.subject, return_index=True)
    dealt = rng.permutation(game.member[first])
    return np.asarray(dealt[np.searchsorted(people, game.subject)], dtype=bool)
