"""Defences against membership inference: one file each, the file's name is the defence's.

A defence changes how a backbone is trained, what is made of it before release, or what is answered. Each says on its
page what it protects and what it cannot; `bareface bench defences` measures both.
"""

import sys

from bareface.registry import look_up, scan
from bareface.training.defence import Defence

HEADINGS = ("What it does", "What it protects", "What it cannot", "Reference")
ENTRY_POINTS = "bareface.defences"


def defences() -> dict[str, type[Defence]]:
    """Every defence on offer, by name: the files of this folder and those that other packages offer."""
    return scan(sys.modules[__name__], Defence, ENTRY_POINTS)


def defence_class(name: str) -> type[Defence]:
    """The defence called `name`.

    Raises:
        UsageError: there is none; the message lists those there are.
    """
    return look_up(defences(), name, "defence")
