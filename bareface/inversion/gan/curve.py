"""How near the generator came to images it never saw, checkpoint by checkpoint: `curve.csv` in the run's folder."""

import csv
import io
from pathlib import Path

from bareface.errors import RunError
from bareface.files import write_text

FILE = "curve.csv"
Curve = tuple[tuple[int, float], ...]


def read_curve(folder: Path, steps: int) -> Curve:
    """(steps, distance) of every measurement up to `steps`; a run that goes on from there writes the others anew.

    Raises:
        RunError: the file is no such curve.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        rows = [(int(row["steps"]), float(row["distance"])) for row in csv.DictReader(io.StringIO(path.read_text()))]
    except (KeyError, TypeError, ValueError):
        raise RunError(str(path), got="no curve", expected="columns steps, distance", hint="removing it") from None
    return tuple(row for row in rows if row[0] <= steps)


def add_to_curve(folder: Path, steps: int, distance: float) -> None:
    """Add one measurement.

    Raises:
        RunError: the folder cannot be written.
    """
    rows = (*read_curve(folder, steps - 1), (steps, distance))
    write_text(folder / FILE, "steps,distance\n" + "".join(f"{at},{value:.6g}\n" for at, value in rows))
