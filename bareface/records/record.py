"""What every record that leaves the house is made of."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bareface.errors import RunError
from bareface.storage.artefacts import refuse_damaged, write_artefact


class Record(BaseModel):
    """Strict, frozen, closed: an unknown or mistyped field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


R = TypeVar("R", bound=Record)


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON beside its digest, whole or not at all."""
    write_artefact(path, record.model_dump_json(indent=1) + "\n", private=False)


def read_record(path: Path, kind: type[R], run: str, schema: str) -> R:
    """Read the record of a finished run.

    Args:
        path: of the record in the run folder.
        kind: of record.
        run: what kind of run it was, as in `audit`.
        schema: what it has to be, as in `evidence of schema 1.0`.

    Raises:
        RunError: the folder holds no finished run of that kind, or one that is damaged or of another schema.
    """
    if not path.is_file():
        hint = f"run the {run} again; it resumes"
        raise RunError(str(path.parent), got=f"no {path.name}", expected=f"the folder of a finished {run}", hint=hint)
    try:
        record = kind.model_validate_json(path.read_text(encoding="utf-8"), strict=True)
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        got = f"{first['msg']} at {'.'.join(map(str, first['loc']))}" if first else "bytes that are no text"
        raise RunError(str(path), got=got, expected=schema) from error
    refuse_damaged(path, hint=f"run the {run} again; it writes this record again")
    return record
