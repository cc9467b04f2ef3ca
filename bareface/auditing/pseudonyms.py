"""Names that say nothing, and the table that only the owner keeps."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.rosters.roster import Roster
from bareface.storage.artefacts import artefact_path
from bareface.streams import stream


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
