"""Attacks that tell training images from others: one file each, the file's name is the attack's.

Nothing in here may import the roster: an attack never sees the truth. It reads a trace, and what is known.
"""

import sys

from bareface.membership.base import Attack
from bareface.registry import look_up, scan

ENTRY_POINTS = "bareface.attacks"


def attacks() -> dict[str, type[Attack]]:
    """Every attack on offer, by name: the files of this folder and those that other packages offer."""
    return scan(sys.modules[__name__], Attack, ENTRY_POINTS)  # type: ignore[type-abstract]


def attack_class(name: str) -> type[Attack]:
    """The attack called `name`.

    Raises:
        UsageError: there is none; the message lists those there are.
    """
    return look_up(attacks(), name, "attack")
