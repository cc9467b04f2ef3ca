"""Several finished audits of the same people side by side: checkpoints, defences or dates.

Every difference is taken on the same people: those of the bootstrap are drawn once for both runs, and pairs of faces
are the same ones. Runs in which anything else differs than the target are refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.calibration import key_of, people_of, scores_of, trace_cards
from bareface.auditing.findings import fits_on_the_judged
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.run_folder import read_settings
from bareface.errors import BarefaceError, UsageError
from bareface.faces.drawn_pairs import draw_pairs
from bareface.probing.probe import load_trace
from bareface.probing.templates import Flip, unit_embeddings
from bareface.records.comparison import ComparedRun, Comparison, Difference
from bareface.records.evidence import Evidence, Finding, read_evidence
from bareface.rosters.roster import Roster
from bareface.stats.measure import Beside, excess
from bareface.stats.sample import Sides
from bareface.stats.verification import VerificationResult, auc_difference, verify_pairs
from bareface.streams import stream
from bareface.trace import Channel
from bareface.vocabulary import Game, Role

PAIRS, FOLDS = 3000, 10


def compare(runs: Sequence[Path]) -> Comparison:
    """Compare the first run with each of the others.

    Raises:
        UsageError: there are fewer than two, or they are not comparable; the message says in what they differ.
        RunError: a folder holds no finished audit, or a file in it is damaged.
    """
    if len(runs) < 2:
        raise UsageError("bareface compare", got=f"{len(runs)} run", expected="at least two finished audits")
    read = [_Run(path, number + 1) for number, path in enumerate(runs)]
    for other in read[1:]:
        _refuse_unlike(read[0], other)
    differences = tuple(one for other in read[1:] for one in _differences(read[0], other))
    people = read[0].evidence.provenance.roster_sha256
    return Comparison(roster_sha256=people, runs=tuple(map(_compared, read)), differences=differences)


@dataclass(frozen=True, eq=False)
class _Run:
    """A finished audit, read as far as it is asked for."""

    path: Path
    number: int

    @cached_property
    def evidence(self) -> Evidence:
        return read_evidence(self.path)

    @cached_property
    def config(self) -> dict[str, Any]:
        return read_settings(self.path)

    @cached_property
    def people(self) -> Roster:
        return people_of(self.path)

    def arena(self, game: Game) -> GameSplit:
        return arena(self.people, game, folds=self.config["folds"], seed=self.config["seed"])

    @cached_property
    def pairs(self) -> "_Pairs | str":
        """Pairs of strangers as this run's target sees them, or why there are none."""
        try:
            return _pairs(self)
        except BarefaceError as error:
            return str(error)

    @cached_property
    def verified(self) -> VerificationResult | None:
        """How well this run's target tells strangers apart; None where there are no pairs."""
        pairs = self.pairs
        return None if isinstance(pairs, str) else verify_pairs(pairs.similarity, pairs.same, pairs.fold)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """(n,) similarities of pairs, whether they are of one person, and their folds."""

    similarity: NDArray[np.float64]
    same: NDArray[np.bool_]
    fold: NDArray[np.intp]


def _refuse_unlike(first: _Run, other: _Run) -> None:
    """Refuse runs of which a difference would mean something else than their targets."""
    for what, ours, theirs, hint in (
        ("people, images or roles", first.evidence.provenance.roster_sha256, other.evidence.provenance.roster_sha256,
         "audit both targets with the same roster"),
        ("folds", first.config["folds"], other.config["folds"], f"audit again with folds: {first.config['folds']}"),
        ("seed", first.config["seed"], other.config["seed"], f"audit again with --seed {first.config['seed']}"),
    ):  # fmt: skip
        if ours != theirs:
            told = "other people, images or roles" if what.startswith("people") else f"the {what} {theirs}"
            expected = "those" if what.startswith("people") else f"the {what} {ours}"
            where = f"{other.path.name}, run {other.number}"
            raise UsageError(where, got=told, expected=f"{expected} of run 1, {first.path.name}", hint=hint)
    if not list(_common(first, other)):
        raise UsageError(
            f"{other.path.name}, run {other.number}", got="no attack in common with run 1",
            expected="the same attack in the same game with the same knowledge", hint="the same attacks in both",
        )  # fmt: skip


def _compared(run: _Run) -> ComparedRun:
    evidence, found = run.evidence, run.verified
    told = {"title": evidence.title, "target": evidence.target.name, "verdict": evidence.verdict}
    if found is None:
        reason = str(run.pairs)
        return ComparedRun(number=run.number, verification=None, interval=None, reason=reason, **told)  # type: ignore[arg-type]
    return ComparedRun(number=run.number, verification=found.auc, interval=found.auc_interval, **told)  # type: ignore[arg-type]


def _differences(first: _Run, other: _Run) -> Iterator[Difference]:
    yield _verification(first, other)
    for ours, theirs in _common(first, other):
        yield _leak(first, other, ours, theirs)


def _verification(first: _Run, other: _Run) -> Difference:
    ours, theirs = first.pairs, other.pairs
    if isinstance(ours, str) or isinstance(theirs, str):
        return Difference(run=other.number, what="verification", reason=ours if isinstance(ours, str) else str(theirs))
    found, interval = auc_difference(ours.similarity, theirs.similarity, ours.same, ours.fold)
    values = [run.verified.auc if run.verified else None for run in (first, other)]
    return Difference(
        run=other.number, what="verification", first=values[0], other=values[1], difference=found, interval=interval
    )


def _common(first: _Run, other: _Run) -> Iterator[tuple[Finding, Finding]]:
    """The same attack in the same game with the same knowledge, done in both."""
    there = {key_of(finding): finding for finding in other.evidence.findings if finding.verdict is not None}
    for finding in first.evidence.findings:
        if finding.verdict is not None and key_of(finding) in there:
            yield finding, there[key_of(finding)]


def _leak(first: _Run, other: _Run, ours: Finding, theirs: Finding) -> Difference:
    """The difference between two AUCs of one attack; whatever else the sides differ in, they differ in both runs."""
    game = first.arena(ours.game)
    unit, rng = game.unit, stream(first.config["seed"], "compare", ours.game, ours.knowledge, ours.label)
    found = excess(
        Beside("foreign", "", scores_of(first.path, ours, game)), scores_of(other.path, theirs, game),
        Sides(game.member, game.subject), rng, unit=unit, crossfit=fits_on_the_judged(ours.knowledge),
    )  # fmt: skip
    assert ours.verdict is not None
    assert theirs.verdict is not None
    value = None if found.auc is None or found.difference is None else found.auc + found.difference
    return Difference(
        run=other.number, what=ours.label, game=ours.game, knowledge=ours.knowledge, unit=unit,
        verdicts=(ours.verdict, theirs.verdict), first=found.auc, other=value, difference=found.difference,
        interval=found.difference_interval, reason=found.reason,
    )  # fmt: skip


def _pairs(run: _Run) -> _Pairs:
    """The same pairs of strangers in every run of the same people, and their similarities."""
    rows = run.people.rows(Role.OUTSIDE)
    strangers = run.people.take(rows)
    numbered = replace(strangers, image=tuple(map(str, range(len(rows)))))  # files may be called otherwise elsewhere
    listed = draw_pairs(numbered, run.config["seed"], same=PAIRS, different=PAIRS, folds=FOLDS)
    home, flip = _home(run)
    embedding = unit_embeddings(load_trace(home, [Channel.EMBEDDING]), flip)[rows]
    number = np.array([int(image) for image in listed.image])
    one, two = embedding[number[listed.first]], embedding[number[listed.second]]
    return _Pairs((one * two).sum(1).astype(np.float64), listed.same, listed.fold)


def _home(run: _Run) -> tuple[Path, Flip]:
    """Where the target's answers lie, by its digest; mirror images count where they were asked about."""
    for card, facts in trace_cards(run.path, len(run.people)):
        if facts["target"] == run.config["target"]:
            return card.parent, "sum" if "flip" in facts["views"] else "none"
    raise UsageError("verification", got="no answers of the target in the run folder", expected="its embeddings")
