"""NumPy's numbers in a pickle, read without NumPy's own code: training loops leave them beside the weights.

A pickled NumPy scalar is two calls, `numpy.dtype('f8', False, True)` and `scalar(dtype, bytes)`; an array is one call
and a state of shape, dtype, order and bytes. Here they are recognised on paper.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bareface.targets.storages import StaticTensor, Storage
from bareface.untrusted.opcodes import Call, Name

_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_SCALARS = frozenset(Name(module, "scalar") for module in _MODULES)
_ARRAYS = frozenset(Name(module, "_reconstruct") for module in _MODULES)
_DTYPE = Name("numpy", "dtype")
_PLAIN = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
# What torch calls the same numbers.
_TORCH = {kind: np.dtype(kind).name for kind in sorted(_PLAIN)}
_MOST_AXES = 32

NUMPY_NAMES = frozenset({*_SCALARS, *_ARRAYS, _DTYPE, Name("numpy", "ndarray")})


def numpy_scalar(call: Call) -> float | None:
    """The number in a pickled NumPy scalar: an int, a float or a bool; None if the call makes something else."""
    match call:
        case Call(
            function=Name() as function,
            args=(Call(function=Name() as made, args=(str(kind), *_), state=state), bytes(content)),
        ) if function in _SCALARS and made == _DTYPE and kind in _PLAIN:
            dtype = np.dtype(_order(state) + kind)
            return np.frombuffer(content, dtype).item() if len(content) == dtype.itemsize else None
    return None


def numpy_array(call: Call) -> StaticTensor | None:
    """The numbers in a pickled NumPy array; None if the call makes something else, or numbers that torch lacks."""
    match call:
        case Call(
            function=Name() as function,
            state=(_, tuple(shape), Call(function=Name() as made, args=(str(kind), *_), state=order), columns, content),
        ) if function in _ARRAYS and made == _DTYPE and kind in _TORCH and isinstance(content, bytes):
            return _tensor(shape, np.dtype(_order(order) + kind), bool(columns), content)
    return None


def _tensor(shape: tuple[object, ...], dtype: np.dtype[Any], columns: bool, content: bytes) -> StaticTensor | None:
    sizes = tuple(size for size in shape if isinstance(size, int) and 0 <= size <= len(content))
    count = int(np.prod(sizes, dtype=object))
    if len(sizes) != len(shape) or len(sizes) > _MOST_AXES:
        return None
    if count * dtype.itemsize != len(content):
        return None
    little = np.frombuffer(content, dtype).astype(dtype.newbyteorder("<")).tobytes()
    steps = [int(np.prod(sizes[:n] if columns else sizes[n + 1 :], dtype=object)) for n in range(len(sizes))]
    storage = Storage(_TORCH[dtype.str[1:]], count, Path(), 0, little)
    return StaticTensor(storage, sizes, tuple(steps))


def is_numpy(function: object) -> bool:
    """Whether a call of this makes something of NumPy's."""
    return isinstance(function, Name) and function in NUMPY_NAMES


def _order(state: object) -> str:
    """The byte order out of a dtype's pickled state (version, order, ...)."""
    match state:
        case (_, ">", *_):
            return ">"
    return "<"
