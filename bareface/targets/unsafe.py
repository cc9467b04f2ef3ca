"""Which imports a checkpoint may ask for. A closed list: what is not on it is refused.

Nothing on it is imported or called either: tensors and plain values are read on paper (`tree.py`).
"""

from collections.abc import Iterable, Mapping

from bareface.errors import UnsafeFileError
from bareface.targets.inert import INERT_NAMES
from bareface.targets.numpy_values import NUMPY_NAMES
from bareface.targets.printable import printable
from bareface.targets.storages import DTYPES
from bareface.targets.tree import STORAGES, UNTYPED
from bareface.untrusted.opcodes import Call, Name, Persistent

EXPORT = "torch.save(model.state_dict(), path) in the code that made it, then bring that file"

# A key of a key is enough to find it.
_KEYS = 2
_Placed = tuple[object, tuple[str, ...]]

ALLOWED = frozenset(
    {
        *("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"),
        *("torch._utils._rebuild_tensor_v3", str(UNTYPED)),
        *("_codecs.encode", *map(str, NUMPY_NAMES), *map(str, INERT_NAMES)),
        "argparse.Namespace",  # Lightning keeps the command line in it; it holds attributes and does nothing
        # Not torch.Tensor: called with a number, it takes as much memory as the number says.
        *("torch.Size", "torch.device", "torch.nn.parameter.Parameter"),
        *(f"torch.{storage}" for storage in STORAGES),
        *(f"torch.{dtype}" for dtype in DTYPES),
    }
)


def offenders(names: Iterable[Name]) -> list[str]:
    """The imports that are not on the list."""
    return [printable(str(name)) for name in names if str(name) not in ALLOWED]


def holders(root: object, names: Iterable[Name]) -> dict[str, str]:
    """Import -> the key under which the pickle holds what it would make, for the imports that are not on the list.

    Args:
        root: of the walked pickle.
        names: its imports.
    """
    wanted = {name for name in names if str(name) not in ALLOWED}
    found: dict[str, str] = {}
    todo: list[tuple[object, tuple[str, ...]]] = [(root, ())]
    seen: set[int] = set()
    while todo and len(found) < len(wanted):
        node, path = todo.pop()
        if isinstance(node, Name) and node in wanted and path:
            found.setdefault(str(node), ".".join(path))
        if isinstance(node, Call | Persistent | list | tuple) and id(node) not in seen:
            seen.add(id(node))
            todo += reversed(list(_inside(node, path)))
    return found


def _inside(node: Call | Persistent | list[object] | tuple[object, ...], path: tuple[str, ...]) -> Iterable[_Placed]:
    """What a node holds, with the keys on the way to it, of which the first two are kept."""
    if isinstance(node, Persistent):
        return ((node.key, path),)
    if not isinstance(node, Call):
        return ((item, path) for item in node)
    kept = [(value, (*path, key) if isinstance(key, str) and len(path) < _KEYS else path) for key, value in node.pairs]
    return (*kept, *((item, path) for item in (node.function, *node.args, node.state)))


def refuse_code(
    where: str, names: Iterable[Name], whole_module: str | None = None, keys: Mapping[str, str] | None = None
) -> None:
    """Stop unless every import is on the list.

    Args:
        where: the file, for messages.
        names: its imports.
        whole_module: the class of the pickled module, where the file holds one.
        keys: import -> the key that holds it, as far as known.

    Raises:
        UnsafeFileError: naming the offending imports, and the keys to drop.
    """
    found = offenders(names)
    if found:
        shown = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
        what = f"a whole pickled module ({printable(whole_module)})" if whole_module else "a pickle"
        got = f"{what} that would import and call {shown}"
        expected, hint = "tensors, numbers and texts only", EXPORT
        if keys and not whole_module:
            got, hint = f"{got}, under {_told(keys)}", f"saving it again without that, or {EXPORT}"
        raise UnsafeFileError(where, got=got, expected=expected, hint=hint)


def _told(keys: Mapping[str, str]) -> str:
    distinct = list(dict.fromkeys(keys.values()))
    shown = ", ".join(repr(printable(key, 80)) for key in distinct[:4])
    return shown + (f" and {len(distinct) - 4} more keys" if len(distinct) > 4 else "")
