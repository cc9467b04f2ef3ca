"""A run that is finished, whose inputs and artefacts are as they were: it answers at once.

finished.json  which calls the run answers, with what their files looked like, and what the run left

What a file looks like is its size and the date of its last change, as version control has it. The artefacts of a run
are compared by their digests besides, unless they are so large that reading them would take long.
"""

import hashlib
import json
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import bareface
from bareface.auditing.run_folder import CONFIG
from bareface.faces.packs.pack import is_pack
from bareface.membership.base import Attack
from bareface.records.evidence import RESULT_FILE, Evidence, read_evidence
from bareface.records.record import Record
from bareface.storage.artefacts import SUFFIX, digest_beside, read_sound, write_artefact
from bareface.storage.files import sha256_of

FINISHED = "finished.json"
MOST_READ = 1 << 28
"""Bytes of artefacts that are compared by digest; where there are more, those that look the same are taken for it."""
_FILES = (CONFIG, RESULT_FILE, "rejects.parquet", "people.parquet", "scores.parquet", "several.csv")
_FOLDERS = ("trace", "shadows", "references", "attack_models", "faces")

_NOTHING = "not there"

_log = logging.getLogger(__name__)


class Left(Record):
    """One file that a run left: its size, the date of its last change in nanoseconds, and its digest."""

    size: int
    changed: int
    sha256: str


class Finished(Record):
    """What a finished run answers, and what it left.

    images: how the images looked that it was made of.
    calls: digest of a call -> how the files looked that it names.
    """

    images: str
    calls: dict[str, str]
    left: dict[str, Left]


def call_of(asked: Mapping[str, Any], attacks: Iterable[Attack]) -> str:
    """Digest of plain settings and of what the code looks like that acts on them: ours, and that of the attacks."""
    modules = {type(attack).__module__ for attack in attacks}
    files = [Path(str(sys.modules[name].__file__)) for name in sorted(modules)]
    ours = sorted(Path(str(bareface.__file__)).parent.rglob("*.py"))
    content = json.dumps([bareface.__version__, looks([*ours, *files]), asked], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def looks(paths: Iterable[Path]) -> str:
    """Digest of names, sizes and dates of files. Of a path inside a pack the pack counts, of a folder what is in it."""
    packs: dict[str, str] = {}
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\n".encode("utf-8", "surrogateescape"))
        digest.update(_look(str(path), packs).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def read_finished(run: Path, call: str, images: str) -> Evidence | None:
    """The record of a run that answers a call, where nothing has changed; None otherwise.

    Args:
        run: its folder.
        call: from `call_of`.
        images: how the files look now that the call names, from `looks`.

    Raises:
        RunError: the record is sound and of another schema.
    """
    note = _read(run)
    if note is None or note.calls.get(call) != images or not _as_left(run, note):
        return None
    _log.warning("%s is finished, and nothing that it was made of has changed; --fresh computes it again", run)
    return read_evidence(run)


def note_finished(run: Path, images: str, calls: Mapping[str, str]) -> None:
    """Note that a run answers calls. What it answered before of the same images it answers still.

    Args:
        run: its folder.
        images: how the images looked before they were read.
        calls: digest of a call -> how the files looked that it names, before they were read.
    """
    before = _read(run)
    known = before.calls if before is not None and before.images == images else {}
    left = {str(path.relative_to(run)): _left(path) for path in _artefacts(run)}
    note = Finished(images=images, calls={**known, **calls}, left=left)
    write_artefact(run / FINISHED, note.model_dump_json(indent=1) + "\n")


def answers_also(run: Path, call: str, files: str) -> None:
    """Note another call that a finished run answers; nothing where it is not noted as finished."""
    note = _read(run)
    if note is not None:
        write_artefact(run / FINISHED, note.model_copy(update={"calls": {**note.calls, call: files}}).model_dump_json())


def _read(run: Path) -> Finished | None:
    content = read_sound(run / FINISHED)
    try:
        return None if content is None else Finished.model_validate_json(content, strict=True)
    except ValidationError:
        return None


def _as_left(run: Path, note: Finished) -> bool:
    thorough = sum(one.size for one in note.left.values()) <= MOST_READ
    return all(_is_same(run / name, was, thorough) for name, was in note.left.items())


def _is_same(path: Path, was: Left, thorough: bool) -> bool:
    try:
        now = path.stat()
        looks_same = (now.st_size, now.st_mtime_ns) == (was.size, was.changed)
        return now.st_size == was.size and ((looks_same and not thorough) or sha256_of(path) == was.sha256)
    except OSError:
        return False


def _left(path: Path) -> Left:
    found = path.stat()
    return Left(size=found.st_size, changed=found.st_mtime_ns, sha256=digest_beside(path) or sha256_of(path))


def _artefacts(run: Path) -> Iterator[Path]:
    yield from (path for name in _FILES for path in (run / name, run / f"{name}{SUFFIX}") if path.is_file())
    for folder in _FOLDERS:
        inside = sorted((run / folder).rglob("*"))
        yield from (path for path in inside if path.is_file() and not path.name.startswith("."))


def _look(path: str, packs: dict[str, str]) -> str:
    """What one path looks like; of an image in a pack, what the pack looks like, which is not looked at twice."""
    around = os.path.dirname(path)
    if packs.get(around, _NOTHING) is _NOTHING:
        try:
            return _itself(path, os.stat(path))
        except OSError:
            packs[around] = _look_around(around, packs)
    return packs[around]


def _look_around(folder: str, packs: dict[str, str]) -> str:
    """What lies around a path that is not there: a pack, or nothing that has to do with it."""
    if not os.path.exists(folder) and os.path.dirname(folder) != folder:
        return _look(folder, packs)
    return _itself(folder, os.stat(folder)) if is_pack(Path(folder)) else _NOTHING


def _itself(path: str, found: os.stat_result) -> str:
    return "".join(_inside(path)) if stat.S_ISDIR(found.st_mode) else f"{found.st_size} {found.st_mtime_ns}\n"


def _inside(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            found = os.stat(os.path.join(place, name), follow_symlinks=False)
            yield f"{place}/{name} {found.st_size} {found.st_mtime_ns}\n"
