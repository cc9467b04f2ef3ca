"""Names that say nothing, and the table that only the owner keeps."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.errors import RunError, UsageError
from bareface.rosters.roster import Roster
from bareface.storage.artefacts import artefact_path, refuse_damaged
from bareface.streams import stream
from bareface.untrusted.shown import gist


def pseudonyms(subject: NDArray[np.str_], seed: int) -> dict[str, str]:
    """A number in random order for each person."""
    people = np.unique(subject)
    order = stream(seed, "pseudonyms").permutation(len(people))
    width = len(str(len(people)))
    return {str(person): f"person {number + 1:0{width}d}" for person, number in zip(people, order, strict=True)}


def write_people(roster: Roster, names: dict[str, str], path: Path) -> None:
    """Which image and which person stands behind which pseudonym, readable by the owner alone."""
    table = pa.table(
        {
            "image": list(roster.image),
            "subject": roster.subject.tolist(),
            "person": [names[str(subject)] for subject in roster.subject],
            "role": roster.role.tolist(),
        }
    )
    with artefact_path(path) as temporary:
        pq.write_table(table, temporary)


def read_people_table(path: Path) -> pa.Table:
    """What `write_people` wrote: the columns image, subject, person, role, a row for each image in question.

    Raises:
        RunError: there is no such file, it may not be read by whoever asks, or it is damaged.
    """
    if not path.is_file():
        raise RunError(str(path.parent), got=f"no {path.name}", expected="the folder of a finished audit")
    try:
        refuse_damaged(path, hint="run the audit again; it makes this file again")
        return pq.read_table(path)
    except PermissionError as error:
        hint = "asking whoever ran the audit"
        raise RunError(str(path), got="a file that you may not read", expected="its owner", hint=hint) from error


def resolved(path: Path, number: str) -> pa.Table:
    """The rows of one pseudonym: `12`, `012` and `person 012` are the same.

    Raises:
        UsageError: it is no number, or nobody has it.
        RunError: as `read_people_table`.
    """
    table = read_people_table(path)
    names = table["person"].to_pylist()
    digits = number.strip().lower().removeprefix("person").strip()
    wanted = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0
    rows = [row for row, name in enumerate(names) if int(name.removeprefix("person ")) == wanted]
    if not rows:
        people = len(set(names))
        raise UsageError("number", got=gist(number), expected=f"one of the {people:,} numbers that the report shows")
    return table.take(rows)
