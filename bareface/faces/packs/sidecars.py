"""The text files beside a `.rec`: `.idx` (where records start), `.lst` (what they were made of), `property`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.decode import printable
from bareface.untrusted.regular import content_of, is_file

MOST_LIST = 1 << 30
_BOX = 4


@dataclass(frozen=True)
class Listed:
    """One line of a `.lst` file.

    Attributes:
        label: the numbers of the record; the first is the person.
        source: the file that it was made of, as its maker called it.
    """

    label: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class Property:
    """What InsightFace writes beside its packs.

    Attributes:
        people: classes that a head trained on the pack has.
        height: of every image, in pixels.
        width: of every image, in pixels.
    """

    people: int
    height: int
    width: int


def read_index(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys and first bytes of the records that an `.idx` file lists: (n,), (n,).

    Raises:
        RosterError: a line is no pair of numbers, or a key stands there twice.
    """
    expected = "lines of a record's number, a tab and the byte where it starts"
    hint = f"remove {path.name}: the records will be found without it"
    options = pv.ReadOptions(column_names=["key", "start"], use_threads=False, block_size=1 << 24)
    types = pv.ConvertOptions(column_types={"key": pa.int64(), "start": pa.int64()}, null_values=[])
    try:
        table = pv.read_csv(path, options, pv.ParseOptions(delimiter="\t", quote_char=False), types)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RosterError(str(path), got=f"no index ({printable(str(error))})", expected=expected, hint=hint) from None
    key, start = (table[name].to_numpy() for name in ("key", "start"))
    if len(np.unique(key)) < len(key):
        raise RosterError(str(path), got="a record listed twice", expected="every record once", hint=hint)
    if len(np.unique(start)) < len(start):
        raise RosterError(str(path), got="two records at one byte", expected="every record once", hint=hint)
    return key, start


def read_list(path: Path) -> dict[int, Listed]:
    """What each record of a pack was made of, by its number.

    Two tools write such files. `im2rec` of MXNet: number, labels, path. `face2rec2.py` of InsightFace: whether the face
    is aligned, path, label, and perhaps box and landmarks; its records are numbered from 1 as they stand there, less
    those that are neither aligned nor have landmarks.

    Raises:
        RosterError: a line is of neither kind.
    """
    listed: dict[int, Listed] = {}
    try:
        for line in content_of(path, MOST_LIST).decode("utf-8", "surrogateescape").splitlines():
            cells = line.split("\t")
            if len(cells) > 2 and not _is_number(cells[1]):
                _add_face(listed, cells)
            else:
                key, *label, source = cells
                listed[int(key)] = Listed(tuple(float(number) for number in label), source)
    except (OSError, ValueError) as error:
        where, got = f"{path}, line {len(listed) + 1}", f"a line that cannot be read ({printable(str(error))})"
        expected = "a number, labels and a path, or a flag, a path and a label, separated by tabs"
        hint = f"removing {path.name}: only the people of damaged records are looked up there"
        raise RosterError(where, got=got, expected=expected, hint=hint) from None
    return listed


def _add_face(listed: dict[int, Listed], cells: list[str]) -> None:
    aligned, source, label, *where = cells
    if int(aligned) or len(where) > _BOX:
        listed[len(listed) + 1] = Listed((float(label),), source)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def beside(path: Path, suffix: str) -> Path | None:
    """The file of the same name with another suffix, in small or in capital letters; None where there is none."""
    return next((found for way in (suffix, suffix.upper()) if is_file(found := path.with_suffix(way))), None)


def read_property(path: Path) -> Property:
    """The number of people and the size of the images, from the `property` file of an InsightFace pack.

    Raises:
        RosterError: it is missing or holds something else than three numbers.
    """
    try:
        people, height, width = (int(number) for number in content_of(path, 1024).decode().strip().split(","))
    except (OSError, ValueError) as error:
        got = f"no property file ({printable(str(error))})"
        raise RosterError(str(path), got=got, expected="people,height,width, as in 85742,112,112") from None
    return Property(people, height, width)
