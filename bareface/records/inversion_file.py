"""Where the record of an inversion lies: `inversion.json` in the run folder."""

from pathlib import Path

from bareface.records.inversion import SCHEMA_VERSION, InversionRecord
from bareface.records.record import read_record, write_record

INVERSION_FILE = "inversion.json"


def write_inversion(record: InversionRecord, run: Path) -> None:
    """Write `inversion.json` into a run folder, whole or not at all."""
    write_record(record, run / INVERSION_FILE)


def read_inversion(run: Path, *, unsealed: bool = False) -> InversionRecord:
    """Read the record of a finished inversion; one without its digest only if `unsealed`.

    Raises:
        RunError: the folder holds no finished inversion, or one that is damaged, of another schema, or without its
            digest.
    """
    expected = f"an inversion of schema {SCHEMA_VERSION}"
    return read_record(run / INVERSION_FILE, InversionRecord, "inversion", expected, unsealed=unsealed)
