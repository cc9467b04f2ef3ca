"""Files that are read back: each has its digest beside it, and is used only where it fits.

part-00000.parquet          an artefact
part-00000.parquet.sha256   its digest, as `sha256sum -c` reads it, and in a second line what the file belongs to

A file that is right as it stands may lie in the wrong place: a trace of another model, attack models of another run.
So whoever reads a file back to go on says what it has to belong to (`of`: a key, a fingerprint). What does not fit is
made again by whoever makes it, and that is said through the log of this module. The digest is written first: whoever is
killed between the two leaves a digest without a file, or an old file that no longer fits.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from bareface.errors import RunError
from bareface.storage.files import atomic_path, flush, sha256_of, write_text
from bareface.untrusted.regular import content_of, is_there, open_file

SUFFIX = ".sha256"
MOST_BESIDE = 4096  # bytes of a digest, a name and an owner

_log = logging.getLogger(__name__)


class Fit(Enum):
    """How a file and the digest beside it stand to each other."""

    ABSENT = "absent"
    SOUND = "sound"
    DAMAGED = "damaged"
    UNSIGNED = "without a digest"
    STRAY = "of something else"


@contextmanager
def artefact_path(path: Path, *, private: bool = True, of: str = "") -> Iterator[Path]:
    """As `files.atomic_path` in a folder that exists, with the digest of what was written, and its owner, beside it.

    Raises:
        RunError: the disk is full, or the folder is gone or cannot be written.
    """
    with atomic_path(path, private=private, parents=False) as temporary:
        yield temporary
        flush(temporary)  # a full disk shows here, while the old file still fits the old digest
        write_text(_beside(path), _lines(sha256_of(temporary), path, of), private=private, parents=False)


def write_artefact(path: Path, content: bytes | str, *, private: bool = True, of: str = "") -> None:
    """Write an artefact, whole or not at all; the options are those of `artefact_path`.

    Raises:
        RunError: the disk is full, or the folder is gone or cannot be written.
    """
    with artefact_path(path, private=private, of=of) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def sign(path: Path, *, private: bool = True) -> None:
    """Write the digest of a file that is right as it stands."""
    write_text(_beside(path), _lines(sha256_of(path), path), private=private, parents=False)


def fit_of(path: Path, *, of: str = "") -> Fit:
    """Whether a file is there, fits the digest beside it and belongs to what is named.

    One that cannot be read is damaged. Without an `of` whoever owns it will do.
    """
    if not is_there(path):
        return Fit.ABSENT
    try:
        found = sha256_of(path)
    except OSError:
        return Fit.DAMAGED
    return _compared(found, path, of)


def is_sound(path: Path, *, of: str = "") -> bool:
    """Whether an artefact can be used as it is; one that is there and cannot is made again, and that is said."""
    return _told(path, fit_of(path, of=of))


def read_sound(path: Path, *, of: str = "") -> bytes | None:
    """The bytes of a sound artefact; None where there is none, or one that has to be made again."""
    if not is_there(path):
        return None
    try:
        with open_file(path) as file:
            content = file.read()
    except OSError:
        _told(path, Fit.DAMAGED)
        return None
    return content if _told(path, _compared(hashlib.sha256(content).hexdigest(), path, of)) else None


def digest_beside(path: Path) -> str:
    """The digest that stands beside a file, empty where there is none or it cannot be read."""
    try:
        return content_of(_beside(path), MOST_BESIDE).decode("ascii", "replace").partition(" ")[0]
    except OSError:
        return ""


def refuse_damaged(path: Path, *, hint: str, of: str = "") -> None:
    """Stop where a file does not fit the digest beside it, or its owner, and only somebody else can make it again.

    A file without a digest passes unless an owner is named: an older version wrote it, or it was copied alone.

    Raises:
        RunError: it does not fit.
    """
    fit = fit_of(path, of=of)
    if fit is Fit.DAMAGED:
        raise damaged(path, hint=hint)
    if of and fit in (Fit.STRAY, Fit.UNSIGNED):
        got = f"a file {fit.value}"
        raise RunError(str(path), got=got, expected=f"one of this run, as {path.name}{SUFFIX} says", hint=hint)


def damaged(path: Path, *, hint: str) -> RunError:
    """The error about a file that does not fit its digest."""
    return RunError(str(path), got="other bytes than were written", expected=f"those of {path.name}{SUFFIX}", hint=hint)


def say_made_again(path: Path, why: str = "does not fit its digest") -> None:
    """Tell the user that a file is not used as it is."""
    _log.warning("%s %s; it is made again", path, why)


def remove_artefact(path: Path) -> None:
    """Delete a file and its digest, where they are."""
    path.unlink(missing_ok=True)
    _beside(path).unlink(missing_ok=True)


def _told(path: Path, fit: Fit) -> bool:
    if fit is Fit.DAMAGED:
        say_made_again(path)
    if fit is Fit.UNSIGNED:
        say_made_again(path, "has no digest beside it")
    if fit is Fit.STRAY:
        say_made_again(path, "belongs to something else")
    return fit is Fit.SOUND


def _compared(found: str, path: Path, of: str) -> Fit:
    try:
        known = content_of(_beside(path), MOST_BESIDE)
    except FileNotFoundError:
        return Fit.UNSIGNED
    except OSError:
        return Fit.DAMAGED
    if known == _lines(found, path, of).encode():
        return Fit.SOUND
    line = _lines(found, path).encode()
    if not known.startswith(line) or not (known == line or known[len(line) :].startswith(b"# of ")):
        return Fit.DAMAGED
    return Fit.STRAY if of else Fit.SOUND


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _lines(sha256: str, path: Path, of: str = "") -> str:
    return f"{sha256}  {path.name}\n" + (f"# of {of}\n" if of else "")
