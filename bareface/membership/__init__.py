"""Attacks that tell training images from others: one file each, the file's name is the attack's.

Nothing in here may import the roster: an attack never sees the truth. It reads a trace, and what is known.
"""

from typing import Final

from bareface.membership.base import Attack
from bareface.registry import Registry, in_folder

ATTACKS: Final = Registry[type[Attack]](
    "attack",
    "bareface.attacks",
    Attack,
    lambda: in_folder("bareface.membership", Attack),  # type: ignore[type-abstract]
    lambda attack: attack(),
)


def attacks() -> dict[str, type[Attack]]:
    """Every attack on offer, by name: the files of this folder and those that other packages offer."""
    return ATTACKS.available()


def attack_class(name: str) -> type[Attack]:
    """The attack called `name`.

    Raises:
        UsageError: there is none, or it cannot be used; the message lists those there are, or says why.
    """
    return ATTACKS.get(name)
