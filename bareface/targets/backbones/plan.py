"""What a backbone is in numbers, and how those are read off the names and shapes of its tensors."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from bareface.errors import TargetError
from bareface.settings.spec import ImageSpec

# Positions; larger ones are no faces.
LARGEST_MAP = 1 << 20

Shapes = Mapping[str, tuple[int, ...]]


class Plan(Protocol):
    """A backbone in numbers."""

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""


@dataclass(frozen=True)
class Reading:
    """What the shapes tell.

    Attributes:
        plan: the backbone.
        channels: of the input.
        size: (height, width) of the input, in pixels.
        embedding_size: d.
        head: keys among the tensors that belong to a classification layer, not to the backbone.
        caveat: what the shapes of this net leave open; empty where they tell everything.
    """

    plan: Plan
    channels: int
    size: tuple[int, int]
    embedding_size: int
    head: tuple[str, ...] = ()
    caveat: str = ""


def at_least(side: int, spec: ImageSpec, what: str) -> None:
    """Refuse inputs that a net cannot take.

    Raises:
        TargetError: one side of the input is shorter than `side` pixels.
    """
    if min(spec.height, spec.width) < side:
        raise TargetError(what, got=f"an input of {spec.height}x{spec.width}", expected=f"at least {side}x{side}")


def count(shapes: Shapes, pattern: str) -> int:
    """How many different numbers stand in the keys; of distinct ones, because a key may claim any number."""
    return len({found[1] for key in shapes if (found := re.match(pattern, key))})


def present(shapes: Shapes, mark: str) -> bool:
    """Whether the key is there; one that ends in a dot stands for all that begin so."""
    return bool(below(shapes, mark)) if mark.endswith(".") else mark in shapes


def below(shapes: Shapes, prefix: str) -> tuple[str, ...]:
    """The keys that begin so."""
    return tuple(key for key in shapes if key.startswith(prefix))


def sides(area: int, shrink: int) -> tuple[int, int]:
    """(height, width) of an input whose last map has so many positions and was shrunk so many times.

    The map is a square or, as face crops are square or upright, as little taller than wide as its area allows.

    Raises:
        ValueError: no image leaves such a map.
    """
    if not 0 < area <= LARGEST_MAP:
        raise ValueError(f"a last map of {area:,} positions")
    width = math.isqrt(area)
    while area % width:
        width -= 1
    return shrink * (area // width), shrink * width
