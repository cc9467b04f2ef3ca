"""Where the numbers of a checkpoint lie in its file, read without torch.load."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.errors import CheckpointError

# NumPy has no bfloat16, whose two bytes are the upper half of a float32, and no float8.
DTYPES = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "bfloat16": "<u2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "|i1",
    "uint8": "|u1",
    "bool": "|b1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "complex64": "<c8",
    "complex128": "<c16",
    "float8_e4m3fn": "|u1",
    "float8_e5m2": "|u1",
}
# Bits of exponent and mantissa (OCP 8-bit floating point, 2023).
_FLOAT8 = {"float8_e4m3fn": (4, 3), "float8_e5m2": (5, 2)}


@dataclass(frozen=True, eq=False)
class Storage:
    """A run of numbers in a file.

    Attributes:
        dtype: as torch calls it, without the prefix.
        numel: how many numbers.
        path, start: the file, and the position of the first byte there.
        content: the bytes themselves, where they do not lie in the file as they are.
    """

    dtype: str
    numel: int
    path: Path
    start: int
    content: bytes | None = None

    @property
    def nbytes(self) -> int:
        """Size in the file."""
        return self.numel * np.dtype(DTYPES[self.dtype]).itemsize

    def read(self) -> bytes:
        """The bytes.

        Raises:
            CheckpointError: the file ends before them, or was changed meanwhile.
        """
        if self.content is not None:
            return self.content
        with self.path.open("rb") as file:
            file.seek(self.start)
            found = file.read(self.nbytes)
        if len(found) != self.nbytes:  # a view of fewer would reach beyond them
            got = f"{len(found):,} of {self.nbytes:,} bytes of a tensor"
            raise CheckpointError(str(self.path), got=got, expected="a whole file", hint="copying it again")
        return found


@dataclass(frozen=True, eq=False)
class StaticTensor:
    """A tensor as its file describes it.

    Attributes:
        storage: where the numbers lie.
        shape, stride: in numbers.
        offset: of the first number in the storage.
    """

    storage: Storage
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int = 0

    @property
    def numel(self) -> int:
        """How many numbers the tensor has."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Size once it is copied."""
        return self.numel * np.dtype(DTYPES[self.storage.dtype]).itemsize

    def numpy(self) -> NDArray[Any]:
        """The numbers, as float64, int64 or complex128, in the tensor's shape."""
        flat = np.frombuffer(self.storage.read(), dtype=DTYPES[self.storage.dtype])
        if self.storage.dtype == "bfloat16":
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        if self.storage.dtype in _FLOAT8:
            flat = _float8(flat, *_FLOAT8[self.storage.dtype])
        strides = tuple(step * flat.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, strides, writeable=False)
        return view.astype({"f": np.float64, "c": np.complex128}.get(flat.dtype.kind, np.int64))

    def check(self, where: str) -> None:
        """Make sure that every number of the tensor lies inside its storage, and lies there once.

        Raises:
            CheckpointError: a stride of zero or a reach beyond the end: a few bytes that would become gigabytes.
        """
        reach = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        negative = min((*self.shape, *self.stride, self.offset, 0)) < 0
        if negative or (self.numel and (reach >= self.storage.numel or self.numel > self.storage.numel)):
            raise CheckpointError(
                where,
                got=f"a tensor of shape {self.shape} on a storage of {self.storage.numel} numbers",
                expected="tensors that lie inside their storage",
                hint="saving tensor.clone() instead of an expanded view",
            )


def _float8(raw: NDArray[np.uint8], exponent_bits: int, mantissa_bits: int) -> NDArray[np.float64]:
    """The numbers that bytes of a sign, an exponent and a mantissa mean."""
    every = np.arange(256)
    exponent, mantissa = (every >> mantissa_bits) & ((1 << exponent_bits) - 1), every & ((1 << mantissa_bits) - 1)
    fraction = mantissa / (1 << mantissa_bits) + (exponent > 0)
    value = fraction * 2.0 ** (np.maximum(exponent, 1) - (1 << (exponent_bits - 1)) + 1)
    top = exponent == (1 << exponent_bits) - 1
    if exponent_bits == 5:
        value[top] = np.where(mantissa[top] == 0, np.inf, np.nan)
    else:  # this type has no infinity, and one number that is none
        value[top & (mantissa == 7)] = np.nan
    signed: NDArray[np.float64] = np.where(every < 128, value, -value)
    return signed[raw]
