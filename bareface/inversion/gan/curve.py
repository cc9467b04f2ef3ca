"""How near the generator came to images it never saw, checkpoint by checkpoint: `curve.csv` in the run's folder.

The curve that a run goes on from lies in its checkpoint; the file is for people to look at.
"""

import csv
import io
from pathlib import Path

from bareface.errors import RunError
from bareface.storage.files import write_text

FILE = "curve.csv"
Curve = tuple[tuple[int, float], ...]


def read_curve(folder: Path, steps: int) -> Curve:
    """(steps, distance) of every measurement up to `steps`.

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


def write_curve(folder: Path, curve: Curve) -> None:
    """Write all measurements, in order of their steps.

    Raises:
        RunError: the folder is gone or cannot be written.
    """
    rows = "".join(f"{at},{value:.6g}\n" for at, value in curve)
    write_text(folder / FILE, f"steps,distance\n{rows}", parents=False)
