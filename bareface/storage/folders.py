"""Folders that one process at a time works in."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bareface.errors import RunError
from bareface.storage.files import readable_os_errors, remove_stale
from bareface.untrusted.regular import is_file, is_there, what_lies_at

LOCK = ".lock"


@contextmanager
def held(path: Path) -> Iterator[Path]:
    """Make a folder where there is none, and hold it for this process until the block ends.

    Half-written files that a killed process left there are removed.

    Raises:
        RunError: another process holds it, it cannot be written, or it was gone when the block ended.
    """
    with _locked(path) as lock:
        remove_stale(path)
        yield path
        if not _still_there(path, lock):
            got = "a run folder that was removed or replaced while the run was going on"
            hint = "run the same command again, and leave its folder alone until it ends"
            raise RunError(str(path), got=got, expected="the folder that the run began in", hint=hint)


def subfolder(path: Path) -> Path:
    """Make one folder in another that is there; a run folder that vanished is not made anew.

    Raises:
        RunError: the outer folder is gone or cannot be written.
    """
    with readable_os_errors(path):
        path.mkdir(exist_ok=True)
    return path


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if is_there(path / LOCK) and not is_file(path / LOCK):  # to open a pipe would wait for ever
            raise OSError(errno.EINVAL, f"{LOCK} is {what_lies_at(path / LOCK)}")
        lock = (path / LOCK).open("a")
    except OSError as error:
        raise RunError(str(path), got=str(error.strerror), expected="a folder that can be written") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                str(path), got="a folder that another process is using", expected="one run at a time"
            ) from error
        except OSError as error:  # some network file systems have no locks
            raise RunError(str(path), got=str(error.strerror), expected="a folder that can be locked") from error
        yield lock


def _still_there(path: Path, lock: IO[str]) -> bool:
    try:
        there = os.stat(path / LOCK)
    except OSError:
        return False
    return os.path.samestat(there, os.fstat(lock.fileno()))
