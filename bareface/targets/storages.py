"""Where the numbers of a checkpoint lie in its file, read without torch.load."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import CheckpointError

# NumPy has no bfloat16: its two bytes are the upper half of a float32.
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
}


@dataclass(frozen=True, eq=False)
class Storage:
    """A run of numbers in a file.

    Attributes:
        dtype: as torch calls it, without the prefix.
        numel: how many numbers.
        path, start: the file, and the position of the first byte there.
    """

    dtype: str
    numel: int
    path: Path
    start: int

    @property
    def nbytes(self) -> int:
        """Size in the file."""
        return self.numel * np.dtype(DTYPES[self.dtype]).itemsize

    def read(self) -> bytes:
        """The bytes."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.nbytes)


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

    def numpy(self) -> NDArray[np.float64 | np.int64]:
        """The numbers, as float64 or int64, in the tensor's shape."""
        flat = np.frombuffer(self.storage.read(), dtype=DTYPES[self.storage.dtype])
        if self.storage.dtype == "bfloat16":
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        strides = tuple(step * flat.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, strides, writeable=False)
        return view.astype(np.float64 if flat.dtype.kind == "f" else np.int64)

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
