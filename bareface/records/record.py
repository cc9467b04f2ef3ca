"""What every record that leaves the house is made of."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bareface.errors import RunError
from bareface.storage.artefacts import SUFFIX, Fit, fit_of, refuse_damaged, write_artefact
from bareface.untrusted.regular import content_of, is_file, is_there, what_lies_at

MOST_RECORD = 1 << 30


class Record(BaseModel):
    """Strict, frozen, closed: an unknown or mistyped field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


R = TypeVar("R", bound=Record)


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON beside its digest, whole or not at all."""
    write_artefact(path, record.model_dump_json(indent=1) + "\n", private=False)


def read_record(path: Path, kind: type[R], run: str, schema: str, *, unsealed: bool = False) -> R:
    """Read the record of a finished run.

    Args:
        path: of the record in the run folder.
        kind: of record.
        run: what kind of run it was, as in `audit`.
        schema: what it has to be, as in `evidence of schema 1.0`.
        unsealed: whether a record without a digest beside it is read: an older version wrote it, or somebody did.

    Raises:
        RunError: the folder holds no finished run of that kind, or one that is damaged, of another schema, or without
            its digest.
    """
    if not is_file(path):
        hint = f"run the {run} again; it resumes"
        got = f"{path.name}, {what_lies_at(path)}" if is_there(path) else f"no {path.name}"
        raise RunError(str(path.parent), got=got, expected=f"the folder of a finished {run}", hint=hint)
    try:
        record = kind.model_validate_json(content_of(path, MOST_RECORD).decode("utf-8"), strict=True)
    except OSError as error:
        got = error.strerror or "no readable file"
        raise RunError(str(path), got=got, expected=f"the record of a finished {run}") from None
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        got = f"{first['msg']} at {'.'.join(map(str, first['loc']))}" if first else "bytes that are no text"
        raise RunError(str(path), got=got, expected=schema) from error
    refuse_damaged(path, hint=f"run the {run} again; it writes this record again")
    if not unsealed and fit_of(path) is Fit.UNSIGNED:
        hint = (
            f"run the {run} again, which writes both; or bareface report --unsealed, if you know who wrote the record"
        )
        got = "a record without its digest, which anybody may have changed"
        raise RunError(str(path), got=got, expected=f"{path.name}{SUFFIX} beside it", hint=hint)
    return record
