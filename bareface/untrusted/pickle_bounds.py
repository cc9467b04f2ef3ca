"""What a pickle may not ask of whoever carries it out: work and memory beyond its own size.

Tuples that share tuples take exponential time to print or to hash, and deep ones overflow the interpreter's stack,
which no handler catches. Whoever makes a dict of what a file says hashes every key that it gives, so a file is walked
under these bounds. Honest checkpoints stay far below: their keys are texts and numbers.
"""

from collections.abc import Sequence
from typing import Any

MAX_NESTED = 4096  # random.getstate() has 629
MAX_KEY = 16
# What calls are given lies in the pickle before them, so honest ones take in as much as there is, or a little more.
MAX_REPEATED = 2
ALWAYS_ALLOWED = 256 << 10


class Work:
    """What the calls of one pickle would take in: the memo can hand the same megabyte to every one of them.

    Attributes:
        seen: bytes of the pickle that were read.
    """

    def __init__(self) -> None:
        self.seen, self._spent, self._encoded = 0, 0, 0

    def spend(self, taken: object) -> None:
        """Count what one call takes in: its arguments, and what lies in them.

        Raises:
            ValueError: together they are many times the pickle.
        """
        parts = taken if isinstance(taken, tuple) else (taken,)
        self._spent += sum(len(part) for part in (taken, *parts[:MAX_KEY]) if isinstance(part, _SIZED))
        if self._spent > ALWAYS_ALLOWED + MAX_REPEATED * self.seen:
            raise ValueError("calls that are given the same values over and over")

    def encode(self, args: object) -> bytes:
        """The bytes that protocols before 3 write as a text in Latin 1; every other codec could swell what it gets.

        Raises:
            ValueError: it is something else, or they are more than the pickle holds.
        """
        match args:
            case (str(text), "latin1" | "latin-1"):
                self._encoded += len(text)
                if self._encoded > ALWAYS_ALLOWED + self.seen:
                    raise ValueError("the same bytes written out over and over")
                return text.encode("latin-1")
        raise ValueError("a call of _codecs.encode with anything but a text in latin1")


_SIZED = (str, bytes, bytearray, list, tuple)


class Nested(tuple[Any, ...]):
    """A tuple that holds tuples.

    Attributes:
        weight: items, counted as often as they would be printed.
    """

    weight: int


def bounded_tuple(items: Sequence[Any]) -> tuple[Any, ...]:
    """The items as a tuple.

    Raises:
        ValueError: it is nested beyond measure.
    """
    inner = [item for item in items if isinstance(item, tuple)]
    if not inner:
        return tuple(items)
    made = Nested(items)
    made.weight = len(items) + sum(item.weight if isinstance(item, Nested) else len(item) for item in inner)
    if made.weight > MAX_NESTED:
        raise ValueError("tuples nested without end")
    return made


def refuse_costly_key(key: object) -> None:
    """Raise unless a key of a dict is a text, a number, or a few of them.

    Raises:
        ValueError: it is neither.
    """
    few = key if isinstance(key, tuple) and len(key) <= MAX_KEY else (key,)
    # Anything else that can be hashed is one object of its own, such as an import.
    if any(isinstance(part, list | tuple) or (isinstance(part, int) and abs(part) >> 64) for part in few):
        raise ValueError("a key that is neither a text nor a number")


def refuse_costly_items(items: object) -> None:
    """Raise if making a dict or a set of the items would hash more than texts and numbers.

    Raises:
        ValueError: it would.
    """
    for item in items if isinstance(items, list | tuple) else ():
        refuse_costly_key(item[0] if isinstance(item, list | tuple) and len(item) == 2 else item)
