"""The folder of one run: one configuration, one process at a time, nothing half written.

config.json        the resolved configuration; another one is refused, but a question may grow (`question`)
rejects.parquet    images that could not be used, with path and reason (yours, not for the report)
people.parquet     which pseudonym is whom (yours, not for the report)
trace/  shadows/  references/   what was probed and trained; reused when the run is repeated
attack_models/     fitted attack models, as arrays
scores.parquet     every score, by pseudonym
result.json        the evidence
finished.json      which calls the run answers at once (`finished`)
gate.json          what a policy made of it, if one was asked
audit.yaml         the call as it was typed, paths and all (yours): bareface audit RUN/audit.yaml asks the same again
report.html        the report
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bareface.errors import RunError
from bareface.storage.artefacts import SUFFIX, Fit, damaged, digest_beside, fit_of, say_made_again, write_artefact
from bareface.storage.folders import LOCK, held

CONFIG = "config.json"
_OURS = {LOCK, CONFIG + SUFFIX}  # what a folder may hold without its configuration
# May have been copied from another run: it lies there under the digest of the model, the images and what was asked,
# so that a trace which belongs to something else is not looked at.
_COPIED = "trace"
# What a digest that differs means to whoever brought the files.
_OTHER = {"roster": "other people or photos", "target": "another model", "foreign": "another foreign model"}
_MEND = (
    "the command and settings that the run was begun with, which mends it; deleting "
    f"{CONFIG}{SUFFIX}, where the file is right as it stands; or --fresh to start over"
)


@contextmanager
def run_folder(
    path: Path, configuration: dict[str, Any], *, fresh: bool = False, grows: Sequence[str] = ()
) -> Iterator[Path]:
    """Open a run folder for one configuration and hold it until the block ends.

    Args:
        path: of the folder.
        configuration: whose run it is.
        fresh: start over.
        grows: keys that may differ from those of an earlier run in it; whoever names them looks after them.

    Raises:
        RunError: another process holds it, it belongs to another configuration, its configuration is damaged and
            nothing tells any more which it was, it cannot be written, or it was removed while the run was going on.
    """
    with held(path):
        if fresh:
            _empty(path)
        _claim(path, configuration, grows)
        yield path


def read_settings(run: Path) -> dict[str, Any]:
    """The configuration that a run folder belongs to.

    Raises:
        RunError: there is none, or it is damaged.
    """
    card = run / CONFIG
    fit = fit_of(card)
    if fit is Fit.ABSENT:
        raise RunError(str(run), got=f"no {CONFIG}", expected="the folder of a finished audit")
    if fit is Fit.DAMAGED:
        raise damaged(card, hint=_MEND)
    return _read(card)


def write_settings(run: Path, configuration: dict[str, Any]) -> None:
    """Write the configuration of a run folder that is held; its owner's alone: it says what was compared with what."""
    write_artefact(run / CONFIG, _written(configuration))


def _written(configuration: dict[str, Any]) -> str:
    return json.dumps(configuration, indent=1, sort_keys=True) + "\n"


def _claim(path: Path, configuration: dict[str, Any], grows: Sequence[str]) -> None:
    card = path / CONFIG
    content = _written(configuration)
    fit = fit_of(card)
    if fit is Fit.ABSENT and set(os.listdir(path)) - _OURS - {_COPIED}:
        raise RunError(str(path), got="a folder with other files in it", expected="an empty folder or an earlier run")
    if fit is Fit.DAMAGED and digest_beside(card) == hashlib.sha256(content.encode()).hexdigest():
        say_made_again(card)  # the digest is that of this configuration
    elif fit is not Fit.ABSENT:
        _refuse_other(card, fit, json.loads(content), grows)
        content = card.read_text(encoding="utf-8")  # what may grow is as it was until somebody writes it anew
    if fit is not Fit.SOUND:
        write_artefact(card, content)


def _read(card: Path) -> dict[str, Any]:
    try:
        found = json.loads(card.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise damaged(card, hint=_MEND)
    return found


def _refuse_other(card: Path, fit: Fit, now: dict[str, Any], grows: Sequence[str]) -> None:
    if fit is Fit.DAMAGED:
        raise damaged(card, hint=_MEND)
    before = _read(card)
    for key in sorted((before.keys() | now.keys()) - set(grows)):
        if before.get(key) != now.get(key):
            plain = f" ({_OTHER[key]} than this run folder was begun with)" if key in _OTHER else ""
            raise RunError(
                str(card.parent),
                got=f"{key} = {now.get(key)!r}{plain}",
                expected=f"{key} = {before.get(key)!r}, as this run folder was begun",
                hint="another folder (-o), or --fresh to start over in this one",
            )


def _empty(path: Path) -> None:
    if not (path / CONFIG).exists() and set(os.listdir(path)) - _OURS:
        raise RunError(str(path), got="a folder that is no run of ours", expected="a run folder to start over in")
    for entry in path.iterdir():
        if entry.name == LOCK:
            continue
        shutil.rmtree(
            entry
        ) if entry.is_dir() and not entry.is_symlink() else entry.unlink()  # links, never behind them
