"""One audit, from images to a verdict."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bareface.auditing.answers import Answer, run_game
from bareface.auditing.assemble import EvidenceParts, assemble
from bareface.auditing.attack_models import write_attack_models
from bareface.auditing.blind import blind_trace
from bareface.auditing.default_attacks import with_default_attacks
from bareface.auditing.exposures import exposures
from bareface.auditing.findings import FoundLeaks, findings
from bareface.auditing.finished import call_of, looks, note_finished, read_finished
from bareface.auditing.games import GameSplit, arena, check_games, possible_games, refuse_without_games
from bareface.auditing.hygiene import refuse_contradictions
from bareface.auditing.input_check import fed_as_trained, foreign_fed_as_trained
from bareface.auditing.layers import layer_separations
from bareface.auditing.lots import assignment_of
from bareface.auditing.own_models import Shadow
from bareface.auditing.planted import planted_leaks
from bareface.auditing.progress import Progress, silent
from bareface.auditing.pseudonyms import pseudonyms, write_people
from bareface.auditing.question import GROWS, asked_before, same_question, together
from bareface.auditing.run_folder import CONFIG, read_settings, run_folder, write_settings
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import Traces, candidates, gather, in_arena
from bareface.auditing.usable import usable_images
from bareface.faces.detection.finder import finder_of
from bareface.faces.examine import Examination
from bareface.records.evidence import Evidence, Exposure, apart_from_head, write_evidence
from bareface.rosters.assignment import Seal
from bareface.rosters.roles import refuse_shadows_of_nobody
from bareface.rosters.roster import Roster
from bareface.rosters.sampling import drawn, usual_sample
from bareface.settings.notation import parameters_text
from bareface.shards.executor import INLINE, Executor, Workshop
from bareface.storage.artefacts import artefact_path
from bareface.storage.cache import Cache, Room
from bareface.storage.files import sha256_of
from bareface.targets.device import CPU
from bareface.targets.kinds import Auditable, device_under
from bareface.trace import Trace


@dataclass(frozen=True)
class AuditInputs:
    """What the user brought.

    Attributes:
        target: the backbone to be audited.
        roster: images, people, roles.
        foreign: a backbone that never saw the members, if there is one.
        command: how to ask again.
        references: backbones of other origin that never saw the members; attacks compare the target with them.
        recogniser: an independent network that finds people under two names, if there is one.
        seal: of the draw that decided who was trained on, if there is one.
        shadows: finished ones, of all the auxiliary people; none = they are trained as the settings says.
    """

    target: Auditable
    roster: Roster
    foreign: Auditable | None = None
    command: str = ""
    references: tuple[Auditable, ...] = ()
    recogniser: Auditable | None = None
    shadows: tuple[Shadow, ...] = ()
    seal: Seal | None = None


ALL_OF_IT = "bareface audit <run>/audit.yaml --run <run>"
"""How to ask again what a run was asked bit by bit."""


def _configuration(brought: AuditInputs, settings: AuditSettings) -> dict[str, Any]:
    """What decides every number of an audit, as plain values."""
    own: dict[str, Any] = {"target": brought.target.sha256, "roster": roster_digest(brought.roster), "foreign": None}
    if brought.foreign is not None:
        own["foreign"] = brought.foreign.sha256
    configuration = settings.as_plain() | own
    if (device := device_under(brought.target)) != CPU:  # the last bits of every number depend on it
        configuration["device"] = device.type
    if brought.references:
        configuration["references"] = [reference.sha256 for reference in brought.references]
    if brought.recogniser is not None:
        configuration["recogniser"] = brought.recogniser.sha256
    if brought.shadows:
        configuration["shadows"] = [shadow.target.sha256 for shadow in brought.shadows]
    if settings.detect:
        configuration["detector"] = finder_of(settings.face).networks.sha256
    return configuration


def conduct(
    brought: AuditInputs,
    settings: AuditSettings,
    run: Path,
    *,
    fresh: bool = False,
    progress: Progress = silent,
    shared: Path | None = None,
    cache: Path | None = None,
    executor: Executor = INLINE,
) -> Evidence:
    """Audit a target and write the run folder; a run that was cut short is resumed.

    Args:
        brought: the target and its people.
        settings: what is asked.
        run: the run folder.
        fresh: start over, without what the cache has.
        progress: called with (stage, done, total).
        shared: keeps shadows and answers in place of the run folder, for audits of several targets one after another
            with the same people and shadows: what was trained and asked for one of them serves them all.
        cache: a folder that keeps, by content, what other runs need not train or ask again; None = nothing is kept.
        executor: who asks the models; it changes no number.

    A finished run is asked further by asking it again with more attacks, games, prior knowledge or shadows: what was
    asked stays asked, and only what is missing is trained and probed. Where nothing is missing, its record is returned.

    Raises:
        RosterError: the people or images cannot be audited, or the roster is not the one that was sealed.
        TargetError: the target does not answer with embeddings, or is not fed as in training.
        RunError: the folder is in use, belongs to another configuration, or cannot be written.
    """
    if settings.shadow is not None and not brought.shadows:
        refuse_shadows_of_nobody(brought.roster)
    settings = with_default_attacks(settings, brought.target)
    settings = settings.model_copy(update={"sample": usual_sample(brought.roster, settings.sample)})
    configuration = _configuration(brought, settings)
    if shared is not None:
        shared.mkdir(parents=True, exist_ok=True)
    kept = _cache(cache, device_under(brought.target), lends=not fresh)
    assignment = assignment_of(settings.assignment, brought.seal, brought.roster)
    refuse_contradictions(brought.roster)
    people_drawn = drawn(brought.roster, settings.sample, settings.seed)
    brought = replace(brought, roster=people_drawn.roster)
    with run_folder(run, configuration, fresh=fresh, grows=GROWS):
        asked, (settings, configuration) = settings, _with_earlier(settings, configuration, run)
        command = brought.command if same_question(asked, settings) or not brought.command else ALL_OF_IT
        how = {"selfcheck": settings.selfcheck, "assignment": assignment.sentence}
        images, call = looks(brought.roster.paths), call_of(configuration | how, settings.attacks)
        if evidence := read_finished(run, call, images):
            return evidence
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        checked = usable_images(brought.roster, brought.target, brought.recogniser, settings, run, progress, kept)
        examination = checked.examination
        people, rows = candidates(examination)
        arenas = _arenas(people, settings)
        fed = fed_as_trained(brought.target, examination, settings, progress)
        foreign_fed = foreign_fed_as_trained(brought.foreign, examination, settings, progress)
        traces = _asked(brought, examination, settings, Workshop(Room(shared or run, kept), executor), progress)
        blind = blind_trace(examination.digest[rows], examination.blind[rows], examination.thumbnail[rows])
        answers = _answers(arenas, traces, blind, settings, progress)
        found = findings(answers, traces, settings, blind, assignment.how)
        planted = planted_leaks(answers, found, traces, settings, progress)
        names = pseudonyms(people.subject, settings.seed)
        alias = np.array([names[str(subject)] for subject in people.subject])
        if configuration != read_settings(run):
            write_settings(run, configuration)
        write_people(people, names, run / "people.parquet")
        _write_scores(answers, alias, people, run / "scores.parquet")
        write_attack_models(answers, run / "attack_models", sha256_of(run / CONFIG))
        evidence = assemble(
            EvidenceParts(
                brought.target, people_drawn, command, settings, configuration, checked, fed, foreign_fed,
                traces, found, planted, assignment,
                tuple(row for game in arenas for row in layer_separations(in_arena(traces.target, game), game)),
                _exposures(answers, found, alias), run, started, time.monotonic() - clock,
            )
        )  # fmt: skip
        write_evidence(evidence, run)
        note_finished(run, images, {call: images})
        return evidence


def _asked(
    brought: AuditInputs, examination: Examination, settings: AuditSettings, shop: Workshop, progress: Progress
) -> Traces:
    """What all models answer."""
    others = brought.foreign, brought.references, brought.shadows
    return gather(brought.target, *others, examination, settings, shop, progress)


def _with_earlier(
    settings: AuditSettings, configuration: dict[str, Any], run: Path
) -> tuple[AuditSettings, dict[str, Any]]:
    """What is asked together with what the run was asked before, and the configuration of that."""
    found = read_settings(run)
    before = asked_before(run, found)
    grown = together(settings, before, run)
    if same_question(grown, before):
        return grown, found
    asked = {key: value for key, value in grown.as_plain().items() if key in GROWS}
    return grown, {key: value for key, value in configuration.items() if key not in GROWS} | asked


def _cache(folder: Path | None, device: torch.device, *, lends: bool) -> Cache:
    """What runs share that compute in the same way, to the last bit."""
    return Cache(None if folder is None else folder / f"{device.type}-torch-{torch.__version__}", lends)


def _answers(
    arenas: Sequence[GameSplit], traces: Traces, blind: Trace, settings: AuditSettings, progress: Progress
) -> list[Answer]:
    """Every attack in every game."""
    total, answers = len(arenas) * len(settings.knowledges) * len(settings.attacks), list[Answer]()
    with threadpool_limits(limits=1, user_api="blas"):  # small matrices: a second thread only waits
        for game in arenas:
            answers += run_game(game, traces, blind, settings, progress, (len(answers), total))
    return answers


def _exposures(answers: list[Answer], found: FoundLeaks, names: NDArray[np.str_]) -> tuple[Exposure, ...]:
    """Ranks of people by the attacks on which the audit's verdict may rest."""
    deciding = {id(finding) for finding in apart_from_head(found.findings)}
    kept = [(a, f) for a, f in zip(answers, found.findings, strict=True) if id(f) in deciding]
    return exposures([answer for answer, _ in kept], [finding for _, finding in kept], names)


def _arenas(people: Roster, settings: AuditSettings) -> tuple[GameSplit, ...]:
    games = settings.games or possible_games(people)
    if not games:
        refuse_without_games(people)
    check_games(people, games)
    return tuple(arena(people, game, folds=settings.folds, seed=settings.seed) for game in games)


def _write_scores(answers: Sequence[Answer], alias: NDArray[np.str_], people: Roster, path: Path) -> None:
    """Every score of every attack, by pseudonym: the rows of `people.parquet` by number."""
    tables = [_score_table(answer, alias, people) for answer in answers if answer.target is not None]
    empty = pa.schema([("image", pa.int64()), ("person", pa.string()), ("score", pa.float64())])
    with artefact_path(path) as temporary:
        pq.write_table(pa.concat_tables(tables) if tables else empty.empty_table(), temporary, compression="zstd")


def _score_table(answer: Answer, alias: NDArray[np.str_], people: Roster) -> Any:
    rows, n = answer.arena.rows, len(answer.arena.rows)
    constants = {
        "game": answer.arena.game,
        "knowledge": answer.knowledge,
        "attack": answer.attack.name,
        "parameters": parameters_text(answer.attack.parameters()),
    }
    columns: dict[str, Any] = {
        "image": rows,
        "person": alias[rows].tolist(),
        "role": people.role[rows].tolist(),
        "fold": answer.arena.fold,
        "score": answer.target,
    }
    return pa.table(columns | {name: [value] * n for name, value in constants.items()})


def roster_digest(roster: Roster) -> str:
    """SHA-256 of who is on which image in which role."""
    digest = hashlib.sha256()
    for image, subject, role in zip(roster.image, roster.subject, roster.role, strict=True):
        digest.update(f"{image}\t{subject}\t{role}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
