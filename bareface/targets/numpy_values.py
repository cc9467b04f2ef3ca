"""NumPy's numbers in a pickle, read without NumPy's own code: training loops leave them beside the weights.

A pickled NumPy scalar is two calls, `numpy.dtype('f8', False, True)` and `scalar(dtype, bytes)`. Here they are
recognised on paper; where torch reads the same file, stand-ins that do nothing are called in their place.
"""

import numpy as np

from bareface.untrusted.opcodes import Call, Name

_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_SCALARS = frozenset(Name(module, "scalar") for module in _MODULES)
_ARRAYS = frozenset(Name(module, "_reconstruct") for module in _MODULES)
_DTYPE = Name("numpy", "dtype")
_PLAIN = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})

NUMPY_NAMES = frozenset({*_SCALARS, *_ARRAYS, _DTYPE, Name("numpy", "ndarray")})


class StandIn:
    """Takes the place of whatever NumPy would have made; it keeps nothing and does nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


STAND_INS: list[tuple[type[StandIn], str]] = [(StandIn, str(name)) for name in sorted(NUMPY_NAMES, key=str)]


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


def is_numpy(function: object) -> bool:
    """Whether a call of this makes something of NumPy's."""
    return isinstance(function, Name) and function in NUMPY_NAMES


def _order(state: object) -> str:
    """The byte order out of a dtype's pickled state (version, order, ...)."""
    match state:
        case (_, ">", *_):
            return ">"
    return "<"
