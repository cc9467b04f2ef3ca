"""`bareface overlap`: which pictures and which people two data sets have in common.

A run folder holds what took long, so that a run that was cut short is resumed:

config.json        what was asked; another question is refused
trace/             embeddings
overlap.json       the record, by pseudonym
people.parquet     every pair of people, by name (yours, not for a report)
pictures.parquet   every pair of pictures, by path (yours, not for a report)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import bareface
from bareface.auditing.images import images_for
from bareface.auditing.overlap.linked import Link, links
from bareface.auditing.overlap.near_duplicates import RULE, NearDuplicates, near_duplicates, pictures_of
from bareface.auditing.overlap.people import EXPECTED, SamePeople, Side, same_people, side, skipped
from bareface.auditing.progress import Progress, silent
from bareface.auditing.pseudonyms import pseudonyms
from bareface.auditing.run_folder import run_folder
from bareface.errors import RosterError
from bareface.faces.decode import printable
from bareface.faces.examine import Examination, examine
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.probing.templates import Flip, unit_embeddings
from bareface.records.overlap import OverlapRecord, SetCount, SharedPeople, SharedPerson
from bareface.rosters.roster import Roster
from bareface.storage.artefacts import artefact_path, write_artefact
from bareface.streams import seed_for
from bareface.targets.kinds import Auditable
from bareface.trace import Channel

SCHEMA_VERSION, RECORD_FILE = "1.0", "overlap.json"
PEOPLE_FILE, PICTURES_FILE = "people.parquet", "pictures.parquet"
NAMES = ("A", "B")
MOST_LISTED = 1000
NO_MODEL = "no model was given, so only pictures were compared"


@dataclass(frozen=True)
class OverlapSettings:
    """How two sets are compared.

    Attributes:
        model: the recogniser; None = only pictures are compared.
        expected: false matches of people accepted among all comparisons.
        threshold: a cosine instead of the calibrated one; None = calibrated.
        flip: whether mirror images count in an embedding.
        names: whether the answer, not what is written, may name people.
        seed: of the pseudonyms.
    """

    model: Auditable | None = None
    expected: float = EXPECTED
    threshold: float | None = None
    flip: Flip = "sum"
    names: bool = False
    seed: int = 7

    def settings(self) -> dict[str, Any]:
        """What the numbers depend on, as plain values."""
        plain = {name: getattr(self, name) for name in ("expected", "threshold", "flip", "seed")}
        return plain | {"model": None if self.model is None else self.model.sha256}


def compare_sets(
    first: Roster, second: Roster, how: OverlapSettings, run: Path, *, fresh: bool = False, progress: Progress = silent
) -> OverlapRecord:
    """Compare two sets of images and write the run folder.

    Raises:
        RosterError: a set has no usable image.
        TargetError: the model cannot be asked.
        RunError: the folder is in use, belongs to another question, or cannot be written.
    """
    settings = how.settings() | {name: _digest(roster) for name, roster in zip(NAMES, (first, second), strict=True)}
    with run_folder(run, settings, fresh=fresh):
        sets = [_examined(roster, name, progress) for roster, name in zip((first, second), NAMES, strict=True)]
        found = near_duplicates(*map(pictures_of, sets), report=lambda *at: progress("comparing pictures", *at))
        same = None if how.model is None else _same(how.model, sets, how, run, progress)
        linked = links(found, sets, same)
        _write_people(linked, run / PEOPLE_FILE)
        _write_pictures(found, sets, run / PICTURES_FILE)
        record = _record(sets, found, same, linked, how)
        write_artefact(run / RECORD_FILE, record.model_dump_json(indent=1) + "\n", private=False)
        return record.model_copy(update={"matches": _listed(linked, *map(_own_names, sets))}) if how.names else record


def _digest(roster: Roster) -> str:
    """SHA-256 of who is on which image."""
    digest = hashlib.sha256()
    for image, subject in zip(roster.image, roster.subject, strict=True):
        digest.update(f"{image}\t{subject}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _examined(roster: Roster, name: str, progress: Progress) -> Examination:
    seen = examine(roster, report=lambda *at: progress(f"examining {name}", *at))
    if not len(seen.accepted):
        got = f"no usable image among {len(roster):,}"
        raise RosterError(roster.called, got=got, expected="images of people", hint="bareface inspect on one of them")
    return seen


def _same(
    model: Auditable, sets: Sequence[Examination], how: OverlapSettings, run: Path, progress: Progress
) -> SamePeople:
    sides = [_side(model, seen, how.flip, run, name, progress) for seen, name in zip(sets, NAMES, strict=True)]
    return same_people(
        *sides, expected=how.expected, threshold=how.threshold, report=lambda *at: progress("comparing people", *at)
    )


def _side(model: Auditable, seen: Examination, flip: Flip, run: Path, name: str, progress: Progress) -> Side:
    people = seen.accepted
    prober = prober_of(model, people.image, seen.digest.tolist())
    home = probe(
        prober, images_for(model, people), plan(prober, seen.digest), run / "trace",
        lambda *at: progress(f"embedding {name}", *at),
    )  # fmt: skip
    return side(unit_embeddings(load_trace(home, [Channel.EMBEDDING]), flip), people.subject)


def _record(
    sets: Sequence[Examination],
    found: NearDuplicates,
    same: SamePeople | None,
    linked: Sequence[Link],
    how: OverlapSettings,
) -> OverlapRecord:
    first, second = sets
    pictures = found.record(*NAMES, found.everywhere(first.digest, second.digest))
    counts = [_count(seen) for seen in sets]
    people = skipped(NO_MODEL, *(count.people for count in counts)) if same is None else _people(same, how.model)
    aliases = [_pseudonyms(seen, name, how.seed) for seen, name in zip(sets, NAMES, strict=True)]
    return OverlapRecord(
        schema_version=SCHEMA_VERSION,
        bareface=bareface.__version__,
        first=counts[0],
        second=counts[1],
        rule=RULE,
        pictures=pictures,
        linked_by_pictures=sum(link.pictures > 0 for link in linked),
        people=people,
        same_name=sum(link.first == link.second for link in linked),
        all_matches=len(linked),
        matches=_listed(linked, *aliases),
    )


def _listed(linked: Sequence[Link], first: dict[str, str], second: dict[str, str]) -> tuple[SharedPerson, ...]:
    """The surest links, people called as the tables say."""
    return tuple(
        SharedPerson(first=first[one.first], second=second[one.second], cosine=one.cosine, pictures=one.pictures)
        for one in linked[:MOST_LISTED]
    )


def _people(same: SamePeople, model: Auditable | None) -> SharedPeople:
    assert model is not None
    return same.record(model.name, model.sha256)


def _count(seen: Examination) -> SetCount:
    people = len(np.unique(seen.accepted.subject))
    return SetCount(images=len(seen.accepted), people=people, unusable=len(seen.rejects))


def _pseudonyms(seen: Examination, name: str, seed: int) -> dict[str, str]:
    """A number in random order for each person of a set; the other set's numbers have another order."""
    known = pseudonyms(seen.accepted.subject, seed_for(seed, name))
    return {person: f"{name} {alias}" for person, alias in known.items()}


def _own_names(seen: Examination) -> dict[str, str]:
    return {person: printable(person) for person in np.unique(seen.accepted.subject).tolist()}


def _write_people(linked: Sequence[Link], path: Path) -> None:
    columns = {
        "first_person": pa.array([link.first for link in linked], pa.string()),
        "second_person": pa.array([link.second for link in linked], pa.string()),
        "cosine": pa.array([link.cosine for link in linked], pa.float64()),
        "pictures": pa.array([link.pictures for link in linked], pa.int64()),
    }
    _write_private(pa.table(columns), path)


def _write_pictures(found: NearDuplicates, sets: Sequence[Examination], path: Path) -> None:
    paths = [
        [seen.accepted.image[row] for row in rows] for seen, rows in zip(sets, (found.first, found.second), strict=True)
    ]
    columns = {
        "first_image": pa.array(paths[0], pa.string()),
        "second_image": pa.array(paths[1], pa.string()),
        "same_bytes": pa.array(found.exact),
        "mirrored": pa.array(found.mirror),
    }
    _write_private(pa.table(columns), path)


def _write_private(table: pa.Table, path: Path) -> None:
    with artefact_path(path) as temporary:
        pq.write_table(table, temporary)
