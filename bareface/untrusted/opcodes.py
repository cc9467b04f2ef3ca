"""What a pickle says, without doing what it says.

A pickle is a small program. Python's own reader runs it: it imports names and calls them. The reader here walks
the same opcodes on a stack of plain values and *records* each import and each call instead. Nothing is imported,
nothing is called, nothing is hashed; an opcode that is not listed here is refused.
"""

import mmap
import pickletools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from bareface.errors import BarefaceError, CheckpointError
from bareface.untrusted.pickle_bounds import Work, bounded_tuple, refuse_costly_items, refuse_costly_key
from bareface.untrusted.regular import open_file

MAX_OPCODES = 2_000_000  # three for each name of a class: far more than all people of the largest sets


@dataclass(frozen=True)
class Name:
    """An import that the pickle asks for."""

    module: str
    attribute: str

    def __str__(self) -> str:
        return f"{self.module}.{self.attribute}"


@dataclass(eq=False, repr=False)
class Call:
    """A call that the pickle asks for, with what it would have done to the result.

    Attributes:
        function: a `Name` in every honest file.
        args: positional arguments.
        pairs: items set afterwards, in order; plain dicts are calls of `builtins.dict`.
        state: argument of the final BUILD, if there was one.
    """

    function: object
    args: tuple[object, ...] = ()
    pairs: list[tuple[object, object]] = field(default_factory=list)
    state: object = None


@dataclass(frozen=True, eq=False)
class Persistent:
    """A reference to something kept outside the pickle: in torch files, a storage."""

    key: object


@dataclass(frozen=True)
class Walked:
    """One pickle, walked.

    Attributes:
        root: the object that would have been returned: plain values, lists, tuples and the records above.
        names: every import it asks for, in order of appearance.
        persistent: every reference to something outside, likewise.
    """

    root: object
    names: tuple[Name, ...]
    persistent: tuple[Persistent, ...]


DICT = Name("builtins", "dict")
ENCODE = Name("_codecs", "encode")
HASHING = frozenset(
    {Name("collections", kind) for kind in ("OrderedDict", "Counter", "deque")}
    | {Name(module, kind) for module in ("builtins", "__builtin__") for kind in ("dict", "set", "frozenset")}
)
_MARK = object()
_UNFOLLOWABLE = (ValueError, IndexError, KeyError, TypeError, AttributeError, MemoryError, OverflowError)


@contextmanager
def mapped(path: Path) -> Iterator[IO[bytes]]:
    """The file as a stream that never allocates what a length field claims, only what is there."""
    with open_file(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        yield cast(IO[bytes], stream)


def walk(
    stream: IO[bytes],
    where: str,
    *,
    kind: type[BarefaceError] = CheckpointError,
    expected: str = "a whole checkpoint",
) -> Walked:
    """The next pickle in `stream`, walked without executing anything; the stream is left just behind it.

    Args:
        stream: at the first byte of the pickle.
        where: the file, for messages.
        kind: of error to raise.
        expected: what the file should have been, for messages.

    Raises:
        CheckpointError: (or `kind`) it is no pickle, is cut off, or uses opcodes that no honest file uses.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in texts
            return _walk(stream)
    except _UNFOLLOWABLE as error:
        got = f"a pickle that cannot be followed ({error})"
        raise kind(where, got=got, expected=expected, hint="copying the file again") from None


def _walk(stream: IO[bytes]) -> Walked:
    machine, start = _Machine(), stream.tell()
    for count, (opcode, argument, position) in enumerate(pickletools.genops(stream)):
        if opcode.name == "STOP":
            break
        if count > MAX_OPCODES:
            raise ValueError(f"more than {MAX_OPCODES:,} opcodes")
        machine.work.seen = (position or 0) - start
        machine.step(opcode.name, argument)
    return Walked(machine.stack.pop(), tuple(machine.names), tuple(machine.persistent))


class _Machine:
    """The stack, the memo and the records of one walk."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.names: dict[Name, None] = {}
        self.persistent: list[Persistent] = []
        self.work = Work()

    def step(self, opcode: str, argument: Any) -> None:
        """Carry out one opcode on paper."""
        if opcode in _CONSTANTS:
            self.stack.append(argument)
        elif opcode in _VALUES:
            self.stack.append(_VALUES[opcode]())
        elif opcode in _MOVES:
            _MOVES[opcode](self, argument)
        elif opcode not in _IGNORED:
            raise ValueError(f"opcode {opcode}")

    def since_mark(self) -> list[Any]:
        """Pop everything above the last mark, and the mark."""
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def name(self, module: object, attribute: object) -> None:
        """Record an import."""
        if not (isinstance(module, str) and isinstance(attribute, str)):
            raise ValueError("an import without a name")
        name = Name(module, attribute)
        self.names[name] = None
        self.stack.append(name)

    def call(self, args: object, function: object) -> None:
        """Record a call."""
        if not isinstance(function, Name | Call | Persistent):
            raise ValueError("a call of something that is no function")
        if function == ENCODE:
            self.stack.append(self.work.encode(args))
            return
        if function in HASHING and isinstance(args, tuple) and args:
            refuse_costly_items(args[0])
        self.stack.append(Call(function, args if isinstance(args, tuple) else (args,)))

    def carry_out(self, args: object, function: object) -> None:
        """Record a call that a reader of tensors makes, so that what it takes in counts."""
        self.work.spend(args)
        self.call(args, function)

    def refer(self, key: object) -> None:
        """Record a reference."""
        self.persistent.append(Persistent(key))
        self.stack.append(self.persistent[-1])

    def put(self, index: int) -> None:
        """Remember the top of the stack."""
        self.memo[index] = self.stack[-1]

    def set_items(self, flat: list[Any]) -> None:
        """Record item assignments on the dict at the top."""
        self.stack[-1].pairs.extend(_pairs(flat))

    def append(self, items: list[Any]) -> None:
        """Extend the list at the top, or record the same on a made-up object."""
        top = self.stack[-1]
        if isinstance(top, list):
            top.extend(items)
        else:
            top.pairs.extend(enumerate(items))

    def build(self, state: object) -> None:
        """Record the state given to the object at the top."""
        if isinstance(state, list):
            raise ValueError("a state that is a list")
        self.work.spend(state.pairs if isinstance(state, Call) else state)
        if isinstance(self.stack[-1], Call):
            self.stack[-1].state = state


def _pop_two(machine: _Machine) -> list[Any]:
    pair = machine.stack[-2:]
    del machine.stack[-2:]
    return pair


def _tuple_of(machine: _Machine, count: int) -> None:
    items = machine.stack[-count:]
    del machine.stack[-count:]
    machine.stack.append(bounded_tuple(items))


def _pairs(flat: list[Any]) -> list[tuple[object, object]]:
    for key in flat[::2]:
        refuse_costly_key(key)
    return list(zip(flat[::2], flat[1::2], strict=True))


def _dict_of(items: list[Any]) -> Call:
    return Call(DICT, pairs=_pairs(items))


def _instance(machine: _Machine, argument: str) -> None:
    args = tuple(machine.since_mark())
    machine.name(*argument.split(" ", 1))
    machine.carry_out(args, machine.stack.pop())


def _object(machine: _Machine, _: object) -> None:
    function, *args = machine.since_mark()
    machine.carry_out(tuple(args), function)


def _keyword_call(machine: _Machine, _: object) -> None:
    keywords, args, function = machine.stack.pop(), machine.stack.pop(), machine.stack.pop()
    machine.call((args, keywords), function)


_IGNORED = frozenset({"PROTO", "FRAME"})
_CONSTANTS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_VALUES: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "MARK": lambda: _MARK,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": lambda: Call(DICT),
    "EMPTY_SET": list,
}
_MOVES: dict[str, Callable[[_Machine, Any], object]] = {
    "POP": lambda m, _: m.stack.pop(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "POP_MARK": lambda m, _: m.since_mark(),
    "TUPLE": lambda m, _: m.stack.append(bounded_tuple(m.since_mark())),
    "TUPLE1": lambda m, _: _tuple_of(m, 1),
    "TUPLE2": lambda m, _: _tuple_of(m, 2),
    "TUPLE3": lambda m, _: _tuple_of(m, 3),
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "FROZENSET": lambda m, _: m.stack.append(m.since_mark()),
    "DICT": lambda m, _: m.stack.append(_dict_of(m.since_mark())),
    "APPEND": lambda m, _: m.append([m.stack.pop()]),
    "APPENDS": lambda m, _: m.append(m.since_mark()),
    "ADDITEMS": lambda m, _: m.append(m.since_mark()),
    "SETITEM": lambda m, _: m.set_items(_pop_two(m)),
    "SETITEMS": lambda m, _: m.set_items(m.since_mark()),
    "GLOBAL": lambda m, argument: m.name(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.name(*_pop_two(m)),
    "INST": _instance,
    "OBJ": _object,
    "REDUCE": lambda m, _: m.carry_out(m.stack.pop(), m.stack.pop()),
    "NEWOBJ": lambda m, _: m.carry_out(m.stack.pop(), m.stack.pop()),
    "NEWOBJ_EX": _keyword_call,
    "BUILD": lambda m, _: m.build(m.stack.pop()),
    "PERSID": lambda m, argument: m.refer(argument),
    "BINPERSID": lambda m, _: m.refer(m.stack.pop()),
    "PUT": lambda m, index: m.put(index),
    "BINPUT": lambda m, index: m.put(index),
    "LONG_BINPUT": lambda m, index: m.put(index),
    "MEMOIZE": lambda m, _: m.put(len(m.memo)),
    "GET": lambda m, index: m.stack.append(m.memo[index]),
    "BINGET": lambda m, index: m.stack.append(m.memo[index]),
    "LONG_BINGET": lambda m, index: m.stack.append(m.memo[index]),
}
