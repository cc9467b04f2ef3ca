"""Files that are either whole or absent."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bareface.errors import RunError
from bareface.storage.places import place_to_write
from bareface.untrusted.regular import open_file

OWNER_ONLY, AS_USUAL = 0o600, 0o666  # the second less the umask


@contextmanager
def atomic_path(path: Path, *, private: bool = False, parents: bool = True) -> Iterator[Path]:
    """A temporary neighbour of `path` that takes its place when the block ends well, and vanishes when it does not.

    A link stays: the file that it leads to is replaced, in that file's own folder.

    Args:
        path: the file to write.
        private: whether its owner alone may read it, from the first byte on.
        parents: whether missing folders are made. Inside a run folder they are not: one that vanished is an error.

    Raises:
        RunError: the disk is full, the folder cannot be written, or what lies at `path` is no file (`places`); it is
            untouched.
    """
    with readable_os_errors(path):
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        place = place_to_write(path)
        temporary = place.with_name(f".{place.name}.{secrets.token_hex(6)}.tmp")
        temporary.touch(mode=OWNER_ONLY if private else AS_USUAL, exist_ok=False)
        try:
            yield temporary
            flush(temporary)
            os.replace(temporary, place)
            flush(place.parent)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def refuse_unwritable(path: Path) -> None:
    """Stop early, before hours of work, where `atomic_path` would refuse what lies at `path`.

    Raises:
        RunError: as there.
    """
    with readable_os_errors(path):
        place_to_write(path)


def write_bytes(path: Path, content: bytes, *, private: bool = False, parents: bool = True) -> None:
    """Write `content` to `path`, whole or not at all; the options are those of `atomic_path`."""
    with atomic_path(path, private=private, parents=parents) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str, *, private: bool = False, parents: bool = True) -> None:
    """Write UTF-8 text to `path`, whole or not at all; the options are those of `atomic_path`."""
    write_bytes(path, content.encode(), private=private, parents=parents)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_stale(folder: Path) -> None:
    """Delete the temporary files that a killed process left in `folder`."""
    for leftover in folder.glob(".*.tmp"):
        if not leftover.is_dir():
            leftover.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def readable_os_errors(path: Path) -> Iterator[None]:
    """Turn what the system says about writing `path` into a `RunError`."""
    try:
        yield
    except FileNotFoundError as error:
        got, expected = "a folder that is gone", f"{path.parent}, as it was when the run began"
        hint = "run the same command again, and leave its folder alone until it ends"
        raise RunError(str(path), got=got, expected=expected, hint=hint) from error
    except OSError as error:
        # Some writers (Arrow) lose the errno and keep only the text.
        full = error.errno == errno.ENOSPC or "No space left" in str(error)
        got = "no space left on the disk" if full else f"{error.strerror or error}"
        hint = "free some space and run the same command again; it resumes" if full else "another folder"
        raise RunError(str(path), got=got, expected="a writable place", hint=hint) from error
