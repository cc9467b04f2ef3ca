"""Files that are read back: each has its digest beside it, and is used only where it fits.

part-00000.parquet          an artefact
part-00000.parquet.sha256   its digest, as `sha256sum -c` reads it

What does not fit is made again by whoever makes it, and that is said through the log of this module. The digest is
written first: whoever is killed between the two leaves a digest without a file, or an old file that no longer fits.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from bareface.errors import RunError
from bareface.storage.files import atomic_path, flush, sha256_of, write_text

SUFFIX = ".sha256"

_log = logging.getLogger(__name__)


class Fit(Enum):
    """How a file and the digest beside it stand to each other."""

    ABSENT = "absent"
    SOUND = "sound"
    DAMAGED = "damaged"
    UNSIGNED = "without a digest"


@contextmanager
def artefact_path(path: Path, *, private: bool = True) -> Iterator[Path]:
    """As `files.atomic_path` in a folder that exists, with the digest of what was written beside it.

    Raises:
        RunError: the disk is full, or the folder is gone or cannot be written.
    """
    with atomic_path(path, private=private, parents=False) as temporary:
        yield temporary
        flush(temporary)  # a full disk shows here, while the old file still fits the old digest
        write_text(_beside(path), _line(sha256_of(temporary), path), private=private, parents=False)


def write_artefact(path: Path, content: bytes | str, *, private: bool = True) -> None:
    """Write an artefact, whole or not at all.

    Raises:
        RunError: the disk is full, or the folder is gone or cannot be written.
    """
    with artefact_path(path, private=private) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def sign(path: Path, *, private: bool = True) -> None:
    """Write the digest of a file that is right as it stands."""
    write_text(_beside(path), _line(sha256_of(path), path), private=private, parents=False)


def fit_of(path: Path) -> Fit:
    """Whether a file is there and fits the digest beside it; one that cannot be read is damaged."""
    if not path.is_file():
        return Fit.ABSENT
    try:
        found = _line(sha256_of(path), path)
    except OSError:
        return Fit.DAMAGED
    return _compared(found, path)


def is_sound(path: Path) -> bool:
    """Whether an artefact can be used as it is; one that is there and cannot is made again, and that is said."""
    return _told(path, fit_of(path))


def read_sound(path: Path) -> bytes | None:
    """The bytes of a sound artefact; None where there is none, or one that has to be made again."""
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    return content if _told(path, _compared(_line(hashlib.sha256(content).hexdigest(), path), path)) else None


def digest_beside(path: Path) -> str:
    """The digest that stands beside a file, empty where there is none or it cannot be read."""
    try:
        return _beside(path).read_bytes().decode("ascii", "replace").partition(" ")[0]
    except OSError:
        return ""


def refuse_damaged(path: Path, *, hint: str) -> None:
    """Stop where a file does not fit the digest beside it and only somebody else can make it again.

    A file without a digest passes: an older version wrote it, or it was copied alone.

    Raises:
        RunError: it does not fit.
    """
    if fit_of(path) is Fit.DAMAGED:
        raise damaged(path, hint=hint)


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
    return fit is Fit.SOUND


def _compared(found: str, path: Path) -> Fit:
    try:
        known = _beside(path).read_bytes()
    except FileNotFoundError:
        return Fit.UNSIGNED
    except OSError:
        return Fit.DAMAGED
    return Fit.SOUND if known == found.encode() else Fit.DAMAGED


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _line(sha256: str, path: Path) -> str:
    return f"{sha256}  {path.name}\n"
