"""The object that a torch pickle describes, as nested dicts of tensors; nothing is imported to build it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bareface.errors import CheckpointError
from bareface.targets.inert import DICTS, inert_value, other_layout, pairs_of
from bareface.targets.numpy_values import is_numpy, numpy_array, numpy_scalar
from bareface.targets.storages import DTYPES, StaticTensor, Storage
from bareface.untrusted.opcodes import Call, Name, Persistent
from bareface.untrusted.walk import TooMuchError, Walk

MAX_DEPTH = 64
MAX_RANK = 64  # torch's own limit
MAX_POSITIONS = 64  # nobody keeps more state_dicts in one list
# A pickle can hold integers of any length; no honest one is longer than this.
_HUGE = 1 << 63

STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
UNTYPED = Name("torch.storage", "UntypedStorage")
_TENSORS = {Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_tensor")}
_TYPED_BY_CALL = Name("torch._utils", "_rebuild_tensor_v3")
_PARAMETERS = {
    Name("torch._utils", "_rebuild_parameter"),
    Name("torch._utils", "_rebuild_parameter_with_state"),
}

# (key of the storage, dtype, number of elements) -> the storage
FindStorage = Callable[[str, str, int], Storage]


@dataclass(frozen=True)
class Opaque:
    """Something in a checkpoint that is neither a number, a text, a dict nor a tensor."""

    kind: str


_ITSELF = Opaque("a reference to itself")
_A_TREE = "dicts in dicts that end somewhere"
_SAVED_AGAIN = "torch.save(model.state_dict(), path) in the code that made it, then bring that file"


def storage_of(key: object) -> tuple[str, str, int] | None:
    """Name, dtype and number of elements of the storage that a persistent id means, if it means one."""
    match key:
        case ("storage", Name(attribute=kind), str(name), _, int(numel), *view) if view in ([], [None]):
            return (name, STORAGES[kind], numel) if kind in STORAGES and 0 <= numel < _HUGE else None
    return None


def bytes_of(key: object, dtype: str) -> tuple[str, str, int] | None:
    """Name, dtype and number of elements of a storage that counts bytes, if a persistent id means one."""
    match key:
        case ("storage", Name() as kind, str(name), _, int(nbytes), *view) if kind == UNTYPED and view in ([], [None]):
            size = np.dtype(DTYPES[dtype]).itemsize
            return (name, dtype, nbytes // size) if 0 <= nbytes < _HUGE else None
    return None


class TreeBuilder:
    """Turns a walked pickle into nested dicts.

    Args:
        where: the file, for messages.
        find: gives the storage that a persistent id names.
    """

    def __init__(self, where: str, find: FindStorage) -> None:
        self._where, self._find = where, find
        self._done: dict[int, object] = {}
        self._walk = Walk()

    def build(self, node: object, depth: int = 0) -> object:
        """Dicts, scalars, `StaticTensor` and, for everything else, `Opaque`.

        A pickled module becomes the flat dict that its `state_dict()` would have been, a list that holds dicts of
        tensors, as `torch.save((state_dict, settings), path)` leaves it, a dict by position.

        Raises:
            CheckpointError: nesting, tensors or storages beyond all measure.
        """
        if not isinstance(node, Call | list | tuple):
            return node if _is_scalar(node) else Opaque(type(node).__name__)
        if depth > MAX_DEPTH:
            raise self._odd("objects nested without end", _A_TREE)
        if id(node) not in self._done:
            self._done[id(node)] = _ITSELF
            self._done[id(node)] = self._call(node, depth) if isinstance(node, Call) else self._items(node, depth)
        if self._done[id(node)] is _ITSELF and isinstance(node, Call) and node.function in DICTS:
            raise self._odd("a dict that lies inside itself", _A_TREE)
        return self._done[id(node)]

    def _call(self, node: Call, depth: int) -> object:
        if not isinstance(node.function, Name | Persistent):
            return Opaque("a call of something made up")
        if node.function in DICTS:
            return {str(key): self.build(value, depth + 1) for key, value in pairs_of(node)}
        if node.function in _PARAMETERS and node.args:
            return self.build(node.args[0], depth + 1)
        if node.function in _TENSORS:
            return self._tensor(node.args)
        if node.function == _TYPED_BY_CALL:
            return self._tensor(node.args, _dtype_of(node.args[6:7]))
        if other := other_layout(node.function):
            return Opaque(other)
        if (text := inert_value(node)) is not None:
            return text
        if is_numpy(node.function):
            return self._numpy(node)
        state = self.build(node.state, depth + 1) if isinstance(node.state, Call) else None
        if isinstance(state, dict) and "_modules" in state:
            return self._module(state)
        return Opaque(_class_name(node.function))

    def _items(self, node: list[object] | tuple[object, ...], depth: int) -> object:
        """A list by position where it holds weights under names; else only how long it is."""
        shown = Opaque(f"{len(node)} items")
        if len(node) > MAX_POSITIONS or not any(isinstance(item, Call | list | tuple) for item in node):
            return shown
        made = {str(place): self.build(item, depth + 1) for place, item in enumerate(node)}
        return made if any(_holds_tensors(item) for item in made.values()) else shown

    def _numpy(self, node: Call) -> object:
        number = numpy_scalar(node)
        made = numpy_array(node) if number is None else number
        return Opaque("a NumPy value") if made is None else made

    def _module(self, state: dict[str, object]) -> dict[str, object]:
        """The `state_dict()` of a pickled module, from its attributes; modules may share modules."""
        flat: dict[str, object] = {}
        for prefix, members in _parts(state):
            for name, value in members.items():
                try:
                    self._walk.visit(size=len(prefix) + len(name))
                except TooMuchError as error:
                    raise self._odd(f"modules in modules: {error}") from None
                if value is not None:
                    flat[prefix + name] = value
        return flat

    def _tensor(self, args: tuple[object, ...], dtype: str | None = None) -> StaticTensor:
        if len(args) < 4 or not isinstance(args[0], Persistent):
            raise self._odd("a tensor without a storage")
        offset, (shape, stride) = args[1], (_integers(size) for size in args[2:4])
        if (
            not isinstance(offset, int)
            or abs(offset) >= _HUGE
            or shape is None
            or stride is None
            or len(shape) != len(stride)
        ):
            raise self._odd("a tensor without a shape")
        tensor = StaticTensor(self._storage(args[0].key, dtype), shape, stride, offset)
        tensor.check(self._where)
        return tensor

    def _storage(self, key: object, dtype: str | None = None) -> Storage:
        """The storage that a persistent id names; one of bytes alone holds numbers of the type that is given."""
        named = storage_of(key) if dtype is None else bytes_of(key, dtype)
        if named is None:
            raise self._odd("a storage of another kind")
        return self._find(*named)

    def _odd(self, got: str, expected: str = f"dense tensors of {', '.join(DTYPES)}") -> CheckpointError:
        return CheckpointError(self._where, got=got, expected=expected, hint=_SAVED_AGAIN)


def module_class(root: object) -> str | None:
    """The class of the module that a pickle holds, if it holds one at its top or one level below."""
    if not isinstance(root, Call):
        return None
    nodes = [node for node in (root, *(value for _, value in root.pairs)) if isinstance(node, Call)]
    return next((_class_name(node.function) for node in nodes if _is_module(node.state)), None)


def _is_module(state: object) -> bool:
    return isinstance(state, Call) and any(key == "_modules" for key, _ in state.pairs)


def _class_name(function: object) -> str:
    match function:
        case Persistent(key=("module", Name() as name, *_)):
            return str(name)
    return str(function) if isinstance(function, Name) else "of an unnamed class"


def _dtype_of(args: tuple[object, ...]) -> str:
    match args:
        case (Name(module="torch", attribute=dtype),) if dtype in DTYPES:
            return dtype
    return "uint8"  # of a type that nothing is read in: its bytes


def _holds_tensors(tree: object, depth: int = 2) -> bool:
    """Whether a dict holds tensors, or a dict in it does."""
    if not isinstance(tree, dict):
        return False
    return any(isinstance(one, StaticTensor) or (depth > 0 and _holds_tensors(one, depth - 1)) for one in tree.values())


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | float | None) or (isinstance(value, int) and abs(value) < _HUGE)


def _integers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, tuple) or len(value) > MAX_RANK:
        return None
    return value if all(isinstance(item, int) and abs(item) < _HUGE for item in value) else None


def _parts(state: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Where the tensors of a pickled module stand: its own, then those of its children, with the prefix of each."""
    for group in ("_parameters", "_buffers"):
        members = state.get(group)
        if isinstance(members, dict):
            yield "", members
    children = state["_modules"]
    for name, child in children.items() if isinstance(children, dict) else ():
        if isinstance(child, dict):
            yield f"{name}.", child
