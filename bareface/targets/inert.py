"""Python's own plain values that training loops leave beside the weights, read on paper; nothing of them is made."""

from bareface.untrusted.opcodes import Call, Name

_BUILTINS = ("builtins", "__builtin__")
_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath")

DICTS = frozenset(
    {
        *(Name(module, "dict") for module in _BUILTINS),
        *(Name("collections", kind) for kind in ("OrderedDict", "Counter", "defaultdict")),
    }
)
_FACTORIES = frozenset(
    Name(module, kind)
    for module in _BUILTINS
    for kind in (
        "list",
        "int",
        "long",
        "float",
        "str",
        "tuple",
        "bool",
        "set",
        "bytes",
        "frozenset",
        "bytearray",
        "complex",
    )
)
_PATH_NAMES = frozenset(Name(module, kind) for module in ("pathlib", "pathlib._local") for kind in _PATHS)
_TEXTUAL = frozenset(
    {
        *(Name("datetime", kind) for kind in ("datetime", "date", "time", "timedelta", "timezone")),
        *(Name("decimal", "Decimal"), Name("fractions", "Fraction"), Name("collections", "deque")),
        *(Name("types", "SimpleNamespace"), *(Name(module, "slice") for module in _BUILTINS)),
    }
)
# Tensors of another layout: they are told of, and their numbers are not read.
SPARSE = Name("torch._utils", "_rebuild_sparse_tensor")
QUANTISED = Name("torch._utils", "_rebuild_qtensor")
_OTHER_LAYOUTS = frozenset(
    {
        *(SPARSE, QUANTISED, Name("torch.serialization", "_get_layout")),
        *(Name("torch", f"{kind}Storage") for kind in ("QInt8", "QUInt8", "QInt32")),
        *(Name("torch", f"per_{scheme}") for scheme in ("tensor_affine", "channel_affine")),
    }
)

INERT_NAMES = DICTS | _FACTORIES | _PATH_NAMES | _TEXTUAL | _OTHER_LAYOUTS


def pairs_of(call: Call) -> list[tuple[object, object]]:
    """What a call of a kind of dict holds: what it was given, then what was set.

    A Counter is given a dict; an OrderedDict of old protocols, a list of pairs; a defaultdict, only its factory.
    """
    given: list[tuple[object, object]] = []
    for first in call.args[:1]:
        if isinstance(first, Call) and first.function in DICTS and first is not call:
            given = list(first.pairs)
        elif isinstance(first, list):
            given = [(pair[0], pair[1]) for pair in first if isinstance(pair, list | tuple) and len(pair) == 2]
    return given + call.pairs if given else call.pairs


def inert_value(call: Call) -> str | None:
    """The text that stands for a path or a complex number; None for everything else."""
    if call.function in _PATH_NAMES:
        return "/".join(part for part in call.args if isinstance(part, str)).replace("//", "/")
    match call:
        case Call(function=Name(module="builtins" | "__builtin__", attribute="complex"), args=(real, imaginary)):
            if isinstance(real, int | float) and isinstance(imaginary, int | float):
                return f"{real:g}{imaginary:+g}j"
    return None


def other_layout(function: object) -> str:
    """What a tensor of another layout is called; empty for everything else."""
    return "a sparse tensor" if function == SPARSE else "a quantised tensor" if function == QUANTISED else ""
