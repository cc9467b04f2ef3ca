"""Inputs that somebody made to do harm: each a folder of files and the command through which they come in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.world import World

EXECUTED = "EXECUTED"
"""A folder that payloads try to make in their working folder."""
SECRET = b"nobody else's business"
"""What lies beside the working folder, out of reach."""

Make = Callable[[Path, World], list[str]]


@dataclass(frozen=True)
class Hostile:
    """One input.

    Attributes:
        kind, name: what it is.
        make: writes its files into an empty folder, which is the working folder then; returns the arguments of
            `bareface`.
        must_refuse: whether anything but a refusal would mean that it got what it wanted.
    """

    kind: str
    name: str
    make: Make
    must_refuse: bool = False


def everything() -> Iterator[Hostile]:
    """All of them, in a fixed order."""
    from corpus import archives, graphs, numbers, packs, pickles, pictures, services, texts

    for module in (pickles, archives, numbers, graphs, packs, texts, pictures, services):
        yield from module.inputs()
