"""The folder of one run: one configuration, one process at a time, nothing half written.

config.json        the resolved configuration; another one is refused
rejects.parquet    images that could not be used, with path and reason (yours, not for the report)
people.parquet     which pseudonym is whom (yours, not for the report)
trace/  shadows/  references/   what was probed and trained; reused when the run is repeated
attack_models/     fitted attack models, as arrays
scores.parquet     every score, by pseudonym
result.json        the evidence
report.html        the report
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bareface.errors import RunError
from bareface.files import remove_stale, write_text

CONFIG, LOCK = "config.json", ".lock"


@contextmanager
def run_folder(path: Path, settings: dict[str, Any], *, fresh: bool = False) -> Iterator[Path]:
    """Open a run folder for one configuration and hold it until the block ends.

    Raises:
        RunError: another process holds it, it belongs to another configuration, or it cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
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
        if fresh:
            _empty(path)
        remove_stale(path)
        _claim(path, settings)
        yield path


def _claim(path: Path, settings: dict[str, Any]) -> None:
    card = path / CONFIG
    plain = json.loads(json.dumps(settings))
    if card.exists():
        _refuse_other(path, json.loads(card.read_text()), plain)
    elif any(entry.name != LOCK for entry in path.iterdir()):
        raise RunError(str(path), got="a folder with other files in it", expected="an empty folder or an earlier run")
    else:
        write_text(card, json.dumps(plain, indent=1, sort_keys=True) + "\n")


def _refuse_other(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise RunError(
                str(path),
                got=f"{key} = {now.get(key)!r}",
                expected=f"{key} = {before.get(key)!r}, as this run folder was begun",
                hint="another folder, or --fresh to start over in this one",
            )


def _empty(path: Path) -> None:
    if any(path.iterdir()) and not (path / CONFIG).exists() and os.listdir(path) != [LOCK]:
        raise RunError(str(path), got="a folder that is no run of ours", expected="a run folder to start over in")
    for entry in path.iterdir():
        if entry.name == LOCK:
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
