"""Which photos make the templates: equally many people with equally many photos on both sides, all drawn by lot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.rosters.grouping import rows_of

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class GalleryRows:
    """Which photos make the templates of two galleries of one size.

    Attributes:
        training, decoy: (people, m) row numbers.
    """

    training: Rows
    decoy: Rows


def matched_galleries(
    subject: NDArray[np.str_], training: NDArray[np.bool_], per_person: int, stream: np.random.Generator
) -> GalleryRows:
    """Equally many people on both sides with `per_person` photos each, drawn by lot.

    People with fewer photos are left out, and the larger side is cut.

    Args:
        subject: (n,) who is on each photo.
        training: (n,) whether the person was trained on.
        per_person: photos of each person, m.
        stream: draws people and photos.

    Raises:
        UsageError: a person stands on both sides, or fewer than 2 people of a side have enough photos.
    """
    if both := set(subject[training]) & set(subject[~training]):
        raise UsageError(
            "matched_galleries", got=f"{len(both)} people on both sides", expected="people on one side each"
        )
    able = [_able(subject, np.flatnonzero(side), per_person) for side in (training, ~training)]
    size = min(map(len, able))
    if size < 2:
        raise UsageError(
            "matched_galleries",
            got=f"{len(able[0])} training people and {len(able[1])} decoys with {per_person} photos",
            expected="at least 2 of each",
            hint="fewer photos per person, or more decoys",
        )
    drawn = (stream.choice(len(side), size, replace=False) for side in able)
    sides = ([side[i] for i in who] for side, who in zip(able, drawn, strict=True))
    return GalleryRows(*(np.stack([stream.choice(r, per_person, replace=False) for r in rows]) for rows in sides))


@dataclass(frozen=True)
class CalibrationRows:
    """Photos of calibration people: some make their templates, others are searched.

    Attributes:
        templates: (people, m) row numbers.
        probes: (p,) row numbers of other photos.
        person: (p,) whose they are: a row of `templates`.
    """

    templates: Rows
    probes: Rows
    person: Rows


def calibration_rows(subject: NDArray[np.str_], per_person: int, stream: np.random.Generator) -> CalibrationRows:
    """`per_person` photos of everybody for a template, and all others as probes.

    Raises:
        UsageError: nobody has more photos than that.
    """
    able = _able(subject, np.arange(len(subject)), per_person)
    mixed = [stream.permutation(rows) for rows in able]
    rest = [rows[per_person:] for rows in mixed]
    if not any(map(len, rest)):
        got = f"nobody with more than {per_person} photos"
        raise UsageError("calibration_rows", got=got, expected="people with photos to spare", hint="fewer per template")
    person = np.repeat(np.arange(len(rest)), [len(rows) for rows in rest])
    return CalibrationRows(np.stack([rows[:per_person] for rows in mixed]), np.concatenate(rest), person)


def _able(subject: NDArray[np.str_], rows: Rows, per_person: int) -> list[Rows]:
    """The rows of each person who has at least so many, in order of name."""
    return [rows[own] for own in rows_of(subject[rows]).values() if len(own) >= per_person]
