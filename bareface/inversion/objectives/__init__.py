"""What a search makes larger: one file each, the file's name is the objective's."""

import sys

from bareface.inversion.objectives.base import Objective
from bareface.registry import look_up, scan

ENTRY_POINTS = "bareface.objectives"


def objectives() -> dict[str, type[Objective]]:
    """Every objective on offer, by name: the files of this folder and those that other packages offer."""
    return scan(sys.modules[__name__], Objective, ENTRY_POINTS)  # type: ignore[type-abstract]


def objective_class(name: str) -> type[Objective]:
    """The objective called `name`.

    Raises:
        UsageError: there is none; the message lists those there are.
    """
    return look_up(objectives(), name, "objective")
