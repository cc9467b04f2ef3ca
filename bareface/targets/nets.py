"""Which net in a file is the backbone, where training saved more than one thing with BatchNorm in it.

A net is found by the names of its tensors, wherever it lies: below dicts, or below prefixes of any name. Projectors,
heads and predictors beside it are left over. Two whole nets (weights and their moving average, student and teacher)
are told apart by nobody but the one who knows which of them is deployed: what their dicts are called says nothing of
that. Where both have the same weights it does not matter.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from bareface.errors import CheckpointError, TargetError
from bareface.targets.families import families
from bareface.targets.printable import printable
from bareface.targets.recognise import recognise, shapes_of
from bareface.targets.unwrap import Unwrapped, unwrap
from bareface.targets.weights import COUNTER
from bareface.untrusted.regular import is_there

# More complete nets in one file than anybody saves.
_MOST_NETS = 16
# What stands beside the embedding in training and never before it.
_SIDE = re.compile(
    r"proj|predict|heads?$|arcface|cosface|margin|criter|loss|classif|^aux|queue|prototype|cent(er|re)s?$|discrimin",
    re.I,
)


class Shaped(Protocol):
    """A tensor, or the description of one."""

    @property
    def shape(self) -> Sequence[int]:
        """Its sizes."""

    def numpy(self) -> NDArray[Any]:
        """Its numbers."""


T = TypeVar("T", bound=Shaped)


@dataclass(frozen=True)
class Choice:
    """Where the backbone lies in a file.

    Attributes:
        prefix: what stands before its keys, dicts first, as in `state_dict/backbone.`; None = where `unwrap` finds it.
        beside: first parts of the names below the prefix that are no part of it.
        head: names of a classification layer that it carries along.
        nets: names of all nets in the file that are whole and known.
        is_open: whether they differ and nobody has said which of them is meant.
        others: what stands before the names of tensors that belong to another one of them, as `of` leaves them over.
    """

    prefix: str | None = None
    beside: frozenset[str] = frozenset()
    head: frozenset[str] = frozenset()
    nets: tuple[str, ...] = ()
    is_open: bool = False
    others: tuple[str, ...] = ()

    def is_of_another(self, key: str) -> bool:
        """Whether something that was left over is a part of another net: its layers are no head of this one."""
        return key.startswith(self.others)

    def of(self, tree: object, tensor: type[T]) -> Unwrapped[T]:
        """The tensors of the backbone in a tree, and what lies beside them."""
        if self.prefix is None:
            return unwrap(tree, tensor)
        folder = re.sub(r"[^./]+[./]$", "", self.prefix)
        tensors: dict[str, T] = {}
        leftovers: dict[str, object] = {}
        for path, value in _leaves(tree):
            name = path.removeprefix(self.prefix)
            if path.startswith(self.prefix) and isinstance(value, tensor) and not self._is_beside(name):
                tensors[name] = value
            else:
                leftovers[path.removeprefix(folder).replace("/", ".")] = value
        return Unwrapped(tensors, self.prefix.removesuffix("/"), leftovers)

    def _is_beside(self, name: str) -> bool:
        return _first(name) in self.beside


@dataclass(frozen=True)
class _Net:
    """A net below a prefix.

    Attributes:
        own, beside: first parts of the names there: of the net, and of what stands beside it.
        head: whole names of a classification layer that it carries along.
    """

    own: frozenset[str]
    beside: frozenset[str]
    head: frozenset[str]


Nets = Mapping[str, _Net]


def split_reference(path: Path) -> tuple[Path, str]:
    """A file, and the net in it that `file.pt#model_ema.module` asks for; empty where it asks for none."""
    if is_there(path) or "#" not in path.name:
        return path, ""
    file, _, inside = str(path).rpartition("#")
    return (Path(file), inside) if is_there(file) else (path, "")


def choose(tree: object, tensor: type[T], inside: str = "", where: str = "checkpoint") -> Choice:
    """Where the backbone lies in a tree of nested dicts.

    Args:
        tree: as a file holds it.
        tensor: what counts as a tensor there.
        inside: the net that is wanted, as `Choice.nets` names it; empty = whichever there is.
        where: the file, for messages.

    Raises:
        CheckpointError: nothing called `inside` is in the file.
    """
    tensors = {path: value for path, value in _leaves(tree) if isinstance(value, tensor)}
    shapes = {path: tuple(value.shape) for path, value in tensors.items()}
    nets = _nets(shapes)
    if inside:
        return _wanted(inside, nets, shapes, where)
    if not nets:
        return Choice()
    usual = unwrap(tree, tensor).wrapper
    taken = next((prefix for prefix in nets if prefix.removesuffix("/") == usual), next(iter(nets)))
    is_open = any(not _is_same(taken, other, nets, tensors) for other in nets if other != taken)
    made = _choice(taken, nets, is_open)
    return replace(made, prefix=None) if taken.removesuffix("/") == usual and not made.beside else made


def refuse_open(choice: Choice, where: str) -> None:
    """Stop where a file holds several nets and does not say which one is meant.

    Raises:
        CheckpointError: naming them, and how one is chosen.
    """
    if choice.is_open:
        hint = " or ".join(f"{where}#{name}" for name in choice.nets[:4])
        raise CheckpointError(
            where, got=several(choice), expected="one, or the name of the one that is meant", hint=hint
        )


def several(choice: Choice) -> str:
    """The nets in the file, in words."""
    named = ", ".join(printable(name, 60) if name != "." else "one without a prefix" for name in choice.nets)
    return f"{len(choice.nets)} whole nets ({named})"


def _choice(taken: str, nets: Nets, is_open: bool = False) -> Choice:
    below = {_first(other.removeprefix(taken)) for other in nets if other != taken and other.startswith(taken)}
    net = nets[taken]
    names = dict(zip(nets, _names(nets), strict=True))
    others = tuple(
        f"{names[other]}.{part}".lstrip(".")
        for other, found in nets.items()
        for part in sorted(found.own - {_first(name) for name in found.head})
        if other != taken
    )
    return Choice(taken, net.beside | below, net.head, _names(nets), is_open, others)


def _wanted(inside: str, nets: Nets, shapes: Mapping[str, object], where: str) -> Choice:
    names = _names(nets)
    for prefix, name in zip(nets, names, strict=True):
        if _plain(inside) in (_plain(prefix), _plain(name)):
            return _choice(prefix, nets)
    start = _plain(inside) + "."
    path = next((path for path in shapes if _plain(path).startswith(start)), None)
    if path is None:
        known = ", ".join(printable(name, 60) for name in names) or "a part of the names in it"
        raise CheckpointError(where, got=f"nothing called {printable(inside, 60)!r} inside", expected=known)
    return Choice(path[: len(start)])


def _nets(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, _Net]:
    """Prefix -> whole net, in the order of their prefixes' lengths."""
    found: dict[str, _Net] = {}
    for prefix in _candidates(shapes):
        below = {path.removeprefix(prefix): shape for path, shape in shapes.items() if path.startswith(prefix)}
        net = _net(below, prefix)
        if net is not None and not _is_part(prefix, found):
            found[prefix] = net
    return found


def _candidates(shapes: Mapping[str, object]) -> list[str]:
    """What stands before the marks of some family, the shortest first."""
    exact = [[mark for mark in family.marks if not mark.endswith(".")] for family in families()]
    found: dict[str, None] = {}
    for path in shapes:
        for marks in exact:
            prefix = path.removesuffix(marks[0])
            if prefix != path and (not prefix or prefix[-1] in "./") and all(prefix + mark in shapes for mark in marks):
                found[prefix] = None
        if len(found) >= _MOST_NETS:
            break
    return sorted(found, key=len)


def _net(below: Mapping[str, tuple[int, ...]], prefix: str) -> _Net | None:
    """The net that all these tensors hold, if it is whole."""
    try:
        known = recognise(below, prefix)
        own = shapes_of(known.blank().state_dict())
    except TargetError:
        return None
    if any(below.get(name) != shape for name, shape in own.items() if not name.endswith(COUNTER)):
        return None
    parts = frozenset(_first(name) for name in (*own, *known.head))
    more = {_first(name) for name in below} - parts
    return _Net(parts, frozenset(part for part in more if _SIDE.search(part)), frozenset(known.head))


def _is_part(prefix: str, found: Nets) -> bool:
    """Whether a net lies inside another one, or inside something that stands beside it."""
    inside = ((net, _first(prefix.removeprefix(outer))) for outer, net in found.items() if prefix.startswith(outer))
    return any(first in net.own | net.beside for net, first in inside)


def _is_same(ours: str, theirs: str, nets: Nets, tensors: Mapping[str, Shaped]) -> bool:
    """Whether two nets have the same weights; counters of batches and heads are no part of what a net computes."""
    one, other = (_weights(prefix, nets[prefix], tensors) for prefix in (ours, theirs))
    return one.keys() == other.keys() and all(_is_equal(one[name], other[name]) for name in one)


def _weights(prefix: str, net: _Net, tensors: Mapping[str, T]) -> dict[str, T]:
    below = {path.removeprefix(prefix): value for path, value in tensors.items() if path.startswith(prefix)}
    own = {name: value for name, value in below.items() if _first(name) in net.own and name not in net.head}
    return {name: value for name, value in own.items() if not name.endswith(COUNTER)}


def _is_equal(one: Shaped, other: Shaped) -> bool:
    return tuple(one.shape) == tuple(other.shape) and one.numpy().tobytes() == other.numpy().tobytes()


def _names(nets: Nets) -> tuple[str, ...]:
    """The prefixes without what they have in common; a dot for the one without a prefix."""
    parts = [re.findall(r"[^./]*[./]", prefix) for prefix in nets]
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))
    shared = "".join(column[0] for column in alike) if len(parts) > 1 else ""
    return tuple(_plain(prefix.removeprefix(shared)) or "." for prefix in nets)


def _plain(name: str) -> str:
    return name.replace("/", ".").strip(".")


def _first(name: str) -> str:
    return re.split(r"[./]", name, maxsplit=1)[0]


def _leaves(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Path -> whatever is no dict; dicts end in a slash."""
    if not isinstance(tree, Mapping):
        yield path, tree
        return
    for key, value in tree.items():
        yield from _leaves(value, f"{path}{key}/" if isinstance(value, Mapping) else f"{path}{key}")
