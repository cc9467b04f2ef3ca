"""The object that a torch pickle describes, as nested dicts of tensors; nothing is imported to build it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bareface.errors import CheckpointError
from bareface.targets.numpy_values import is_numpy, numpy_scalar
from bareface.targets.storages import DTYPES, StaticTensor, Storage
from bareface.untrusted.opcodes import DICT, Call, Name, Persistent
from bareface.untrusted.walk import TooMuchError, Walk

MAX_DEPTH = 64
MAX_RANK = 64  # torch's own limit
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
}
_DICTS = {DICT, Name("__builtin__", "dict"), Name("collections", "OrderedDict")}
_TENSORS = {Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_tensor")}
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


def storage_of(key: object) -> tuple[str, str, int] | None:
    """Name, dtype and number of elements of the storage that a persistent id means, if it means one."""
    match key:
        case ("storage", Name(attribute=kind), str(name), _, int(numel), *view) if view in ([], [None]):
            return (name, STORAGES[kind], numel) if kind in STORAGES and 0 <= numel < _HUGE else None
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
        """Dicts, lists, scalars, `StaticTensor` and, for everything else, `Opaque`.

        A pickled module becomes the flat dict that its `state_dict()` would have been.

        Raises:
            CheckpointError: nesting, tensors or storages beyond all measure.
        """
        if not isinstance(node, Call | list | tuple):
            return node if _is_scalar(node) else Opaque(type(node).__name__)
        if depth > MAX_DEPTH:
            raise self._odd("objects nested without end")
        if id(node) not in self._done:
            self._done[id(node)] = _ITSELF
            self._done[id(node)] = self._call(node, depth) if isinstance(node, Call) else Opaque(f"{len(node)} items")
        if self._done[id(node)] is _ITSELF and isinstance(node, Call) and node.function in _DICTS:
            raise self._odd("a dict that lies inside itself")
        return self._done[id(node)]

    def _call(self, node: Call, depth: int) -> object:
        if not isinstance(node.function, Name | Persistent):
            return Opaque("a call of something made up")
        if node.function in _DICTS:
            return {str(key): self.build(value, depth + 1) for key, value in node.pairs}
        if node.function in _PARAMETERS and node.args:
            return self.build(node.args[0], depth + 1)
        if node.function in _TENSORS:
            return self._tensor(node.args)
        if is_numpy(node.function):
            number = numpy_scalar(node)
            return Opaque("a NumPy value") if number is None else number
        state = self.build(node.state, depth + 1) if isinstance(node.state, Call) else None
        if isinstance(state, dict) and "_modules" in state:
            return self._module(state)
        return Opaque(_class_name(node.function))

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

    def _tensor(self, args: tuple[object, ...]) -> StaticTensor:
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
        tensor = StaticTensor(self._storage(args[0].key), shape, stride, offset)
        tensor.check(self._where)
        return tensor

    def _storage(self, key: object) -> Storage:
        named = storage_of(key)
        if named is None:
            raise self._odd("a storage of another kind")
        return self._find(*named)

    def _odd(self, got: str) -> CheckpointError:
        return CheckpointError(self._where, got=got, expected=f"dense tensors of {', '.join(DTYPES)}")


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
