"""One bounded walk for every tree that somebody else's file describes.

Such trees are graphs: the memo of a pickle and the anchors of YAML let one node stand in many places, so a kilobyte
can have more paths than anybody can follow, and a node can lie inside itself. Whoever follows paths counts each node as
often as it is *visited*, empty ones too, and the texts that are put together on the way; bounds end the walk.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """How far a tree is followed.

    Attributes:
        depth: of nesting.
        nodes: visits, on every path.
        size: bytes of text that the visits take.
    """

    depth: int = 64
    nodes: int = 400_000
    size: int = 64 << 20


_PLAIN = (str, int, float)
CHECKPOINT = Bounds()
# Nobody writes these by hand: a configuration of two hundred references has some thousand nodes.
CONFIGURATION = Bounds(depth=32, nodes=20_000, size=256 << 10)


class TooMuchError(ValueError):
    """A tree that goes beyond its bounds; the text says which. Readers turn it into a house error."""


class Walk:
    """What following a tree has cost so far.

    Args:
        bounds: where it ends.
    """

    def __init__(self, bounds: Bounds = CHECKPOINT) -> None:
        self._bounds, self._nodes, self._size = bounds, 0, 0

    def visit(self, depth: int = 0, size: int = 0) -> None:
        """Count one node.

        Args:
            depth: how deep it lies.
            size: bytes of text that visiting it takes.

        Raises:
            TooMuchError: a bound is passed.
        """
        self._nodes += 1
        self._size += size
        bounds = self._bounds
        if depth > bounds.depth:
            raise TooMuchError(f"values nested more than {bounds.depth} deep, perhaps without end")
        if self._nodes > bounds.nodes:
            raise TooMuchError(f"more than {bounds.nodes:,} values, each counted wherever it is referred to")
        if self._size > bounds.size:
            raise TooMuchError(f"more than {bounds.size:,} bytes of names and texts")


def leaves(tree: object, path: str = "", bounds: Bounds = CHECKPOINT) -> dict[str, object]:
    """Path -> whatever is no dict; the names on the way are joined by dots.

    Args:
        tree: dicts in dicts; a dict may stand in several places.
        path: of the tree itself.
        bounds: of the walk.

    Raises:
        TooMuchError: a bound is passed.
    """
    found: dict[str, object] = {}
    _collect(tree, path, 0, Walk(bounds), found)
    return found


def _collect(tree: object, path: str, depth: int, walk: Walk, found: dict[str, object]) -> None:
    walk.visit(depth, len(path))
    if not isinstance(tree, Mapping):
        found[path] = tree
        return
    for key, value in tree.items():
        name = f"{path}.{key}" if path else str(key)
        if value is None or isinstance(value, _PLAIN):  # most of them: a call and a look at Mapping each would add up
            walk.visit(depth + 1, len(name))
            found[name] = value
        else:
            _collect(value, name, depth + 1, walk, found)
