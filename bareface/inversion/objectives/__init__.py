"""What a search makes larger: one file each, the file's name is the objective's."""

from typing import Final

from bareface.inversion.objectives.base import Objective
from bareface.registry import Registry, in_folder

OBJECTIVES: Final = Registry[type[Objective]](
    "objective",
    "bareface.objectives",
    Objective,
    lambda: in_folder("bareface.inversion.objectives", Objective),  # type: ignore[type-abstract]
)


def objectives() -> dict[str, type[Objective]]:
    """Every objective on offer, by name: the files of this folder and those that other packages offer."""
    return OBJECTIVES.available()


def objective_class(name: str) -> type[Objective]:
    """The objective called `name`.

    Raises:
        UsageError: there is none, or it cannot be used; the message lists those there are, or says why.
    """
    return OBJECTIVES.get(name)
