"""The array functions that attacks are written over: one name, one meaning, for NumPy arrays and for torch tensors.

Stage 1 reads features off NumPy arrays; stage 2 moves an image along the same features, and then the arrays are tensors
with gradients. Whatever is written with operators (`+`, `@`, `x[:, 0]`), with `x.sum(axis)`, `x.mean(axis)`,
`x.reshape(...)`, and with the functions below (`from bareface.membership.engine import arrays as xp`) does both. The
types are those of NumPy: nothing here imports torch, a tensor's functions are found through its class.
"""

import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
A = TypeVar("A", bound=NDArray[Any])


def exact(values: NDArray[Any]) -> Array:
    """The values in double precision; a tensor stays in the precision and on the device that it has."""
    return values.astype(np.float64) if _is_numpy(values) else values


def like(numbers: NDArray[Any] | Sequence[float], other: A) -> A:
    """NumPy numbers as the other array's kind: its precision, and for a tensor its device."""
    if _is_numpy(other):
        return np.asarray(numbers, dtype=other.dtype)  # type: ignore[return-value]
    tensor: Any = other
    made: A = _of(other).as_tensor(np.asarray(numbers), dtype=tensor.dtype, device=tensor.device)
    return made


def plain(values: Any) -> Array:
    """NumPy numbers in double precision, without gradients."""
    if _is_numpy(values):
        return np.asarray(values, dtype=np.float64)
    return np.asarray(values.detach().cpu().double().numpy())


def log(values: Array) -> Array:
    """The natural logarithm of each value."""
    return _each("log", values)


def exp(values: Array) -> Array:
    """e to the power of each value."""
    return _each("exp", values)


def expm1(values: Array) -> Array:
    """e to the power of each value, less 1."""
    return _each("expm1", values)


def atanh(values: Array) -> Array:
    """artanh of each value."""
    return _each("arctanh", values)


def clip(values: Array, low: float | None = None, high: float | None = None) -> Array:
    """Each value within the bounds; beyond them there is no gradient."""
    return _each("clip", values, low, high)


def clip_through(values: Array, low: float, high: float) -> Array:
    """Each value within the bounds; the gradient passes as if there were none, so that a far image can come back."""
    if _is_numpy(values):
        return np.clip(values, low, high)
    tensor: Any = values
    clipped: Array = tensor + (tensor.clip(low, high) - tensor).detach()
    return clipped


def where(condition: NDArray[np.bool_], values: Array, otherwise: Array | float) -> Array:
    """Each value where the condition holds; elsewhere the other."""
    chosen: Array = _of(values).where(condition, values, otherwise)
    return chosen


def norm(vectors: Array, *, keepdims: bool = False) -> Array:
    """(..., d) vectors to their (...) lengths, or (..., 1) of them."""
    if _is_numpy(vectors):
        return np.asarray(np.linalg.norm(vectors, axis=-1, keepdims=keepdims))
    tensor: Any = vectors
    length: Array = tensor.norm(dim=-1, keepdim=keepdims)
    return length


def std(values: Array, axis: int, *, keepdims: bool = False) -> Array:
    """The standard deviation along an axis, of the values themselves: divided by their number, not by one less."""
    if _is_numpy(values):
        return np.asarray(values.std(axis, keepdims=keepdims))
    tensor: Any = values
    deviation: Array = tensor.std(axis, correction=0, keepdim=keepdims)
    return deviation


def amax(values: Array, axis: int) -> Array:
    """The largest value along an axis."""
    largest: Array = _of(values).amax(values, axis)
    return largest


def amin(values: Array, axis: int) -> Array:
    """The least value along an axis."""
    least: Array = _of(values).amin(values, axis)
    return least


def sort(values: Array, axis: int = -1) -> Array:
    """The values along an axis, least first."""
    if _is_numpy(values):
        return np.asarray(np.sort(values, axis=axis))
    tensor: Any = values
    ordered: Array = tensor.sort(axis).values
    return ordered


def quantile(values: Array, levels: Sequence[float], axis: int) -> Array:
    """(levels, ...) quantiles along an axis, with linear interpolation."""
    if _is_numpy(values):
        return np.asarray(np.quantile(values, levels, axis=axis))
    tensor: Any = values
    found: Array = tensor.quantile(tensor.new_tensor(levels), axis)
    return found


def concat(parts: Sequence[Array], axis: int) -> Array:
    """The arrays one behind the other along an axis."""
    joined: Array = _of(parts[0]).concatenate(parts, axis)
    return joined


def stack(parts: Sequence[Array], axis: int) -> Array:
    """The arrays side by side along a new axis."""
    joined: Array = _of(parts[0]).stack(parts, axis)
    return joined


def _is_numpy(values: object) -> bool:
    return isinstance(values, np.ndarray | np.generic)


def _of(values: object) -> Any:
    """The package that an array's class comes from, which is loaded since there is such an array."""
    return np if _is_numpy(values) else sys.modules[type(values).__module__.partition(".")[0]]


def _each(name: str, values: Array, *arguments: float | None) -> Array:
    result: Array = getattr(_of(values), name)(values, *arguments)
    return result
