"""Defences against membership inference: one file each, the file's name is the defence's.

A defence changes how a backbone is trained, what is made of it before release, or what is answered. Each says on its
page what it protects and what it cannot; `bareface bench defences` measures both.
"""

from typing import Final

from bareface.registry import Registry, in_folder
from bareface.training.defence import Defence

DEFENCES: Final = Registry[type[Defence]](
    "defence",
    "bareface.defences",
    Defence,
    lambda: in_folder("bareface.training.defences", Defence),  # type: ignore[type-abstract]
    lambda defence: defence(),
)


def defences() -> dict[str, type[Defence]]:
    """Every defence on offer, by name: the files of this folder and those that other packages offer."""
    return DEFENCES.available()


def defence_class(name: str) -> type[Defence]:
    """The defence called `name`.

    Raises:
        UsageError: there is none, or it cannot be used; the message lists those there are, or says why.
    """
    return DEFENCES.get(name)
