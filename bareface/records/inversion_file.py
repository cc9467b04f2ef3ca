"""Where the record of an inversion lies: `inversion.json` in the run folder."""

from pathlib import Path

from pydantic import ValidationError

from bareface.errors import RunError
from bareface.records.inversion import SCHEMA_VERSION, InversionRecord
from bareface.storage.artefacts import refuse_damaged, write_artefact

INVERSION_FILE = "inversion.json"


def write_inversion(record: InversionRecord, run: Path) -> None:
    """Write `inversion.json` into a run folder, whole or not at all."""
    write_artefact(run / INVERSION_FILE, record.model_dump_json(indent=1) + "\n", private=False)


def read_inversion(run: Path) -> InversionRecord:
    """Read the record of a finished inversion.

    Raises:
        RunError: the folder holds no finished inversion, or one that is damaged or of another schema.
    """
    path = run / INVERSION_FILE
    if not path.is_file():
        got, hint = f"no {INVERSION_FILE}", "run the inversion again; it resumes"
        raise RunError(str(run), got=got, expected="the folder of a finished inversion", hint=hint)
    try:
        record = InversionRecord.model_validate_json(path.read_text(encoding="utf-8"), strict=True)
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        got = f"{first['msg']} at {'.'.join(map(str, first['loc']))}" if first else "bytes that are no text"
        raise RunError(str(path), got=got, expected=f"an inversion of schema {SCHEMA_VERSION}") from error
    refuse_damaged(path, hint="run the inversion again; it writes this record again")
    return record
