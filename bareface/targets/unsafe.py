"""Which imports a checkpoint may ask for. A closed list, narrower than torch's own: what is not on it is refused."""

from collections.abc import Iterable

from bareface.errors import UnsafeFileError
from bareface.opcodes import Name
from bareface.targets.printable import printable
from bareface.targets.storages import DTYPES
from bareface.targets.tree import STORAGES

EXPORT = "torch.save(model.state_dict(), path) in the code that made it, then bring that file"

ALLOWED = frozenset(
    {
        *("collections.OrderedDict", "builtins.dict", "builtins.set", "__builtin__.dict", "__builtin__.set"),
        *("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"),
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


def refuse_code(where: str, names: Iterable[Name], whole_module: str | None = None) -> None:
    """Stop unless every import is on the list.

    Raises:
        UnsafeFileError: naming the offending imports.
    """
    found = offenders(names)
    if found:
        shown = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
        what = f"a whole pickled module ({printable(whole_module)})" if whole_module else "a pickle"
        got = f"{what} that would import and call {shown}"
        raise UnsafeFileError(where, got=got, expected="tensors, numbers and texts only", hint=EXPORT)
