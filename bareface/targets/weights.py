"""One name for the same weights, whatever file they lie in."""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

COUNTER = "num_batches_tracked"
Numbers = Callable[[], NDArray[np.generic]]


def weights_sha256(tensors: Mapping[str, Numbers]) -> str:
    """SHA-256 of names, shapes and numbers of the tensors of a backbone; running statistics are among them.

    The numbers are taken as float32, whole ones as int64, so that a copy in another format has the same name. Counters
    of batches, which may be missing, are left out.

    Args:
        tensors: name -> how its numbers are read; one after the other, so that no more than one is in memory.
    """
    digest = hashlib.sha256()
    for name in sorted(name for name in tensors if not name.endswith(COUNTER)):
        values = tensors[name]()
        with np.errstate(over="ignore"):
            plain = np.ascontiguousarray(values, "<f4" if values.dtype.kind == "f" else "<i8")
        digest.update(f"{name} {plain.dtype.str} {plain.shape}".encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()
