"""The text files beside a `.rec`: `.idx` (where records start), `.lst` (what they were made of), `property`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.decode import printable


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
    return key, start


def read_list(path: Path) -> dict[int, Listed]:
    """What each record of a pack was made of, by its number.

    Two layouts are in use. `im2rec` of MXNet writes a number, labels and a path; InsightFace's own tools write a flag
    (whether the image is aligned), a path, a label and perhaps more numbers, and number the records from 1 by line.

    Raises:
        RosterError: a line is of neither layout, or not of the one that the lines before it have.
    """
    listed: dict[int, Listed] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        read = _of_insightface if lines and _is_of_insightface(lines[0].split("\t")) else _of_im2rec
        for number, line in enumerate(lines, start=1):
            key, one = read(number, line.split("\t"))
            listed[key] = one
    except (OSError, ValueError) as error:
        where, got = f"{path}, line {len(listed) + 1}", f"a line that cannot be read ({printable(str(error))})"
        expected = "a number, labels and a path, or a flag, a path and a label, separated by tabs"
        hint = f"removing {path.name}: only the people of damaged records are looked up there"
        raise RosterError(where, got=got, expected=expected, hint=hint) from None
    return listed


def _is_of_insightface(fields: list[str]) -> bool:
    """Whether a line is a flag, a path and numbers; where the last field is no number it is a path."""
    return len(fields) > 2 and not _is_number(fields[1]) and all(map(_is_number, fields[2:]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_im2rec(_: int, fields: list[str]) -> tuple[int, Listed]:
    key, *label, source = fields
    return int(key), Listed(tuple(float(number) for number in label), source)


def _of_insightface(line: int, fields: list[str]) -> tuple[int, Listed]:
    _flag, source, *label = fields
    return line, Listed(tuple(float(number) for number in label), source)


def read_property(path: Path) -> Property:
    """The number of people and the size of the images, from the `property` file of an InsightFace pack.

    Raises:
        RosterError: it is missing or holds something else than three numbers.
    """
    try:
        people, height, width = (int(number) for number in path.read_text(encoding="utf-8").strip().split(","))
    except (OSError, ValueError) as error:
        got = f"no property file ({printable(str(error))})"
        raise RosterError(str(path), got=got, expected="people,height,width, as in 85742,112,112") from None
    return Property(people, height, width)
