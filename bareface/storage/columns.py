"""Tables that people bring, as columns of text, with a message for everything that can be wrong with them."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from bareface.errors import RosterError
from bareface.storage.files import write_text
from bareface.untrusted.regular import is_there, open_file

Columns = Mapping[str, Sequence[str]]


def read_csv(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file by the names in its first line.

    Raises:
        RosterError: it cannot be read, is no CSV, has no rows, a column twice, or rows of different lengths.
    """
    names, *rows = read_rows(path) or [[]]
    refuse_ragged(path, rows, len(names), first=2)
    refuse_unusable(path, names, len(rows))
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def read_rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file that are not empty; where its first line has no comma, semicolons or tabs separate.

    Raises:
        RosterError: it cannot be read, or is no CSV.
    """
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            rows = csv.reader(chain([first], file), strict=True, delimiter=_delimiter(first))
            return [row for row in rows if row]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        got = f"a file that is no CSV ({error})"
        raise RosterError(str(path), got=got, expected="UTF-8 text, comma separated") from error


def _delimiter(line: str) -> str:
    """What separates the cells of a first line: spreadsheets in much of Europe write semicolons."""
    return next((sign for sign in ",;\t" if sign in line), ",")


def write_csv(path: Path, columns: Columns) -> None:
    """Write columns of equal length as a CSV file, whole or not at all."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(_quoted(cell) for cell in row) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def column(path: Path, columns: Columns, name: str) -> list[str]:
    """One column without the spaces around its cells.

    Raises:
        RosterError: it is missing, or one of its cells is empty.
    """
    if name not in columns:
        raise RosterError(str(path), got=f"the columns {', '.join(columns)}", expected=f"a column {name}")
    empty = next((row for row, cell in enumerate(columns[name], start=2) if not cell.strip()), None)
    if empty is not None:
        raise RosterError(f"{path}, line {empty}", got=f"an empty {name}", expected=f"a {name} in every row")
    return [cell.strip() for cell in columns[name]]


def paths(path: Path, columns: Columns, name: str) -> list[str]:
    """A column of file names relative to the table: with the spaces around them where a file is called so.

    Raises:
        RosterError: as `column`.
    """
    stripped = column(path, columns, name)
    return [
        cell if cell != bare and is_there(path.parent / cell) else bare
        for cell, bare in zip(columns[name], stripped, strict=True)
    ]


def refuse_strays(path: Path, images: Iterable[str], folder: str = "the table's folder", first: int = 2) -> None:
    """Raise if an image path would leave its folder.

    Raises:
        RosterError: with the line, counted from `first`.
    """
    for row, name in enumerate(images, start=first):
        if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
            raise RosterError(f"{path}, line {row}", got=f"image {name!r}", expected=f"a path inside {folder}")


def refuse_unusable(path: Path, names: Sequence[str], rows: int) -> None:
    """Raise if a table has no rows, or a column twice.

    Raises:
        RosterError: it does.
    """
    if not rows:
        raise RosterError(str(path), got="no rows", expected="one row for each image below the column names")
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        raise RosterError(str(path), got=f"the column {repeated} twice", expected="every column once")


def refuse_ragged(path: Path, rows: Sequence[Sequence[str]], cells: int, first: int) -> None:
    """Raise if a row has another number of cells.

    Raises:
        RosterError: with the line, counted from `first`.
    """
    ragged = next((n for n, row in enumerate(rows, start=first) if len(row) != cells), None)
    if ragged is not None:
        raise RosterError(f"{path}, line {ragged}", got="another number of cells", expected=f"{cells} cells")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\n\r') else cell
