"""Reading numbers off the names and shapes of tensors."""

import math
import re
from collections.abc import Mapping

Shapes = Mapping[str, tuple[int, ...]]


def count(shapes: Shapes, pattern: str) -> int:
    """How many different numbers stand in the keys; of distinct ones, because a key may claim any number."""
    return len({found[1] for key in shapes if (found := re.match(pattern, key))})


def last_norm(shapes: Shapes, prefix: str) -> int:
    """Channels of the last numbered BatchNorm under the prefix."""
    numbered = re.compile(re.escape(prefix) + r"(\d+)\.running_mean")
    found = {int(match[1]): shape[0] for key, shape in shapes.items() if (match := numbered.fullmatch(key))}
    return found[max(found)]


def sides(area: int) -> tuple[int, int]:
    """(height, width) of a map of so many positions: a square, or as little taller than wide as divides it.

    Face crops are square or, 112x96, upright.
    """
    width = math.isqrt(area)
    while area % width:
        width -= 1
    return area // width, width
