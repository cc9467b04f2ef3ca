"""The images that an audit can use: readable, equally readable on both sides, and on one side only."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.auditing.asking import probed
from bareface.auditing.hygiene import (
    Checked,
    leave_out_shared,
    nobody_compared,
    refuse_contradictions,
    refuse_if_shared,
    sides_of,
)
from bareface.auditing.images import images_for
from bareface.auditing.overlap.people import SamePeople, Side, same_people, side
from bareface.auditing.own_people import OWN, RecognisedPeople, refuse_too_few
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings
from bareface.errors import UsageError
from bareface.faces.cutting import examine_photos
from bareface.faces.detection.finder import finder_of
from bareface.faces.examine import Examination, examine, refuse_if_biased
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan
from bareface.probing.templates import unit_embeddings
from bareface.rosters.roster import Roster
from bareface.shards.executor import Workshop
from bareface.storage.artefacts import artefact_path
from bareface.storage.cache import Cache, Room
from bareface.storage.columns import write_csv
from bareface.targets.kinds import Auditable
from bareface.targets.same_network import same_network
from bareface.trace import Channel, FloatArray
from bareface.vocabulary import FaceChoice, Role

REJECTS, SEVERAL, FACES = "rejects.parquet", "several.csv", "faces"
NO_RECOGNISER = "no independent recogniser was brought (--recogniser), so people under two names were not looked for"
NO_CACHE = Cache()
NO_OUTSIDERS = "there is nobody who was never trained on"


def usable_images(
    roster: Roster,
    target: Auditable,
    recogniser: Auditable | None,
    settings: AuditSettings,
    run: Path,
    progress: Progress,
    cache: Cache = NO_CACHE,
) -> Checked:
    """Examine all images and leave out what stands on two sides; what cannot be used is listed in the run folder.

    Args:
        roster: everybody.
        target: for whom the recogniser must not be a stand-in.
        recogniser: finds people under two names; None = nobody looks for them.
        settings: how much may be unusable, and on two sides.
        run: the run folder.
        progress: called with (stage, done, total).
        cache: of answers, shared with other runs.

    Raises:
        RosterError: too much is unusable, or on two sides, or the roster contradicts itself.
        UsageError: the recogniser is the target, or too few auxiliary people are nobody in question.
    """
    refuse_contradictions(roster)
    examination = examined(roster, run, progress, detect=settings.detect, face=settings.face)
    _write_rejects(examination, run / REJECTS)
    if settings.detect:
        _write_several(examination, roster, run / SEVERAL)
    refuse_if_biased(examination, max_reject_rate=settings.max_reject_rate)
    same, own, reason = _same_people(examination, target, recogniser, settings, Room(run, cache), progress)
    people = nobody_compared(roster, reason) if same is None else same.record(*_named(recogniser))
    recognised = RecognisedPeople(own, *_named(recogniser), "" if recogniser else NO_RECOGNISER)
    checked = leave_out_shared(examination, same, people, settings.max_shared_rate, recognised)
    _write_rejects(checked.examination, run / REJECTS)
    refuse_if_shared(checked.hygiene, roster.called)
    refuse_too_few(checked.hygiene.own, settings)
    return checked


def examined(roster: Roster, run: Path, progress: Progress, *, detect: bool, face: FaceChoice | None) -> Examination:
    """Every image looked at once; of raw photos the faces, which are cut out into the run folder if they are not there.

    Args:
        roster: everybody.
        run: the run folder.
        progress: called with (stage, done, total).
        detect: whether the images are raw photos.
        face: which of several faces is meant; None = the central one.

    Raises:
        UsageError: the extra `detect` is not installed.
    """
    if not detect:
        return examine(roster, report=lambda done, total: progress("examining images", done, total))
    finder = finder_of(face)
    return examine_photos(roster, finder, run / FACES, report=lambda *at: progress("finding faces", *at))


def _same_people(
    examination: Examination,
    target: Auditable,
    recogniser: Auditable | None,
    settings: AuditSettings,
    room: Room,
    progress: Progress,
) -> tuple[SamePeople | None, dict[Role, SamePeople], str]:
    """Training people against outsiders, people in question against each own role, or why nobody compared them."""
    if recogniser is None:
        return None, {}, NO_RECOGNISER
    _refuse_target(recogniser, target)
    roster, (training, outside) = examination.accepted, sides_of(examination.accepted)
    own = {role: rows for role in OWN if len(rows := roster.rows(role))}
    if not len(training) + len(outside) or not (own or (len(training) and len(outside))):
        return None, {}, NO_OUTSIDERS
    rows = np.sort(np.concatenate([training, outside, *own.values()]))
    embedding = _embedded(examination, rows, recogniser, settings, room, progress)

    def people(some: NDArray[np.intp]) -> Side:
        return side(embedding[np.searchsorted(rows, some)], roster.subject[some])

    asked = np.concatenate([training, outside])
    against = {role: same_people(people(asked), people(some)) for role, some in own.items()}
    if not (len(training) and len(outside)):
        return None, against, NO_OUTSIDERS
    return same_people(people(training), people(outside)), against, ""


def _embedded(
    examination: Examination,
    rows: NDArray[np.intp],
    recogniser: Auditable,
    settings: AuditSettings,
    room: Room,
    progress: Progress,
) -> FloatArray:
    people, digest = examination.accepted.take(rows), examination.digest[rows]
    prober = prober_of(recogniser, people.image, digest.tolist())
    todo = plan(prober, digest, batch_size=settings.batch_size)
    home = probed(
        recogniser, prober, images_for(recogniser, people), todo, Workshop(room),
        lambda done, total: progress("looking for people under two names", done, total),
    )  # fmt: skip
    return unit_embeddings(load_trace(home, [Channel.EMBEDDING]))


def _refuse_target(recogniser: Auditable, target: Auditable) -> None:
    if same_network(recogniser, target):
        raise UsageError(
            "recogniser",
            got="the audited target itself",
            expected="another network, trained on other people",
            hint="a target that remembers people recognises those it remembers, and would remove its own leak",
        )


def _named(recogniser: Auditable | None) -> tuple[str, str]:
    return ("", "") if recogniser is None else (recogniser.name, recogniser.sha256)


def _write_rejects(examination: Examination, path: Path) -> None:
    rejects = examination.rejects
    columns: dict[str, Sequence[str]] = {
        name: [getattr(reject, name) for reject in rejects] for name in ("image", "role", "reason", "detail")
    }
    with artefact_path(path) as temporary:
        pq.write_table(pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()}), temporary)


def _write_several(examination: Examination, roster: Roster, path: Path) -> None:
    role = dict(zip(roster.image, roster.role.tolist(), strict=True))
    several = examination.several
    write_csv(path, {"image": list(several), "role": [role[image] for image in several]})
