"""What `bareface query` and `bareface people` say."""

import json as plain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bareface.auditing.asked_photos import photos_of
from bareface.auditing.calibration import PERSONAL, read_calibration
from bareface.auditing.config_file import AUDIT_FILE, read_config
from bareface.auditing.pseudonyms import resolved
from bareface.auditing.query import query as asked
from bareface.cli.manners import Stages, out
from bareface.errors import ExitCode, UsageError
from bareface.report.clean import visible
from bareface.report.query import query_text
from bareface.settings.spec import ImageSpec
from bareface.targets.device import device_of
from bareface.targets.kinds import Auditable, called_by_content, load_any
from bareface.targets.target import Target
from bareface.untrusted.code import names_code
from bareface.untrusted.regular import is_file


def answer(
    run: Path, photos: Path, target: Auditable, *, fpr: float, game: str | None, json: bool, links: bool
) -> ExitCode:
    """Ask a finished audit about one person's photos and say the answer.

    Raises:
        UsageError: no game of people is called so, or the target is another one.
        RunError: the folder holds no finished audit.
        RosterError: the folder holds no photos of one person.
    """
    playable = next((name for name in PERSONAL if name == game), None)
    if game and playable is None:
        raise UsageError("--game", got=game, expected=f"{' or '.join(PERSONAL)}, where people are members")
    calibration = read_calibration(run, target)
    with TemporaryDirectory() as faces:
        brought = photos_of(photos, calibration.config, Path(faces), links=links)
        with Stages() as stages:
            record = asked(calibration, brought, fpr=fpr, game=playable, progress=stages)
    out(record.model_dump_json(indent=1) if json else query_text(record))
    return ExitCode.DONE if record.status == "answered" else ExitCode.INCONCLUSIVE


def target_of(run: Path, reference: str | None, spec: ImageSpec | None, device: str) -> Auditable:
    """The target that was named, or the one that the run's own configuration names; fed as that configuration says.

    Raises:
        UsageError: nobody names it, or only a file does, and it is code.
    """
    settings = None
    if is_file(run / AUDIT_FILE):  # read, not run
        settings = read_config(run / AUDIT_FILE, {"model": reference} if reference else None, allow_code=True)
    if reference is None and (settings is None or names_code(settings.model)):
        got = "no target" if settings is None else "an audit of code, which is not run because a file names it"
        raise UsageError(str(run), got=got, expected="the audited backbone", hint="--target")
    named = reference or (settings.model if settings else "")
    asked_of: dict[str, Any] = {"rate_limit": settings.endpoint} if settings else {}
    found = called_by_content(load_any(named, spec=spec or (settings.spec if settings else None), **asked_of), named)
    return found.on(device_of(device)) if isinstance(found, Target) else found


def named(run: Path, number: str, *, json: bool) -> str:
    """Who stands behind a pseudonym, with the images.

    Raises:
        UsageError: nobody has that number.
        RunError: the folder holds no people, or whoever asks may not read them.
    """
    rows = resolved(run / "people.parquet", number).to_pylist()
    images = [{"image": row["image"], "role": row["role"]} for row in rows]
    who = {"number": rows[0]["person"], "subject": rows[0]["subject"], "images": images}
    if json:
        return plain.dumps(who, indent=1, ensure_ascii=False)
    listed = "".join(f"\n  {one['role']:10} {one['image']}" for one in images)
    return visible(f"{who['number']}: {who['subject']}{listed}")
