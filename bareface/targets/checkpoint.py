"""Weights out of a checkpoint, and nothing but weights.

Two locks in a row. The first is ours: the file is read as a description (`container.py`), and whatever is no plain
data, or would grow when it is loaded, is refused by name. The second is torch's: `weights_only=True`, always
written out, because the default can be turned off by an environment variable.
"""

import struct
import warnings
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import load_file
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.targets.container import bounded, read_static
from bareface.targets.printable import printable
from bareface.targets.sniff import Kind
from bareface.targets.unsafe import refuse_code
from bareface.targets.unwrap import unwrap

# What torch.load raises on damaged files, found by damaging files at random.
_TORCH_GIVES_UP = (
    *(UnpicklingError, RuntimeError, EOFError, OSError, MemoryError, AssertionError, AttributeError, TypeError),
    *(ValueError, LookupError, ArithmeticError, struct.error),
)


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a backbone, as a file holds them.

    Attributes:
        kind: of file.
        tensors: key as the backbone calls it -> tensor, on the CPU.
        wrapper: dicts and prefixes that were taken off.
        leftovers: path -> tensor or scalar that lay beside them.
    """

    kind: Kind
    tensors: dict[str, Tensor]
    wrapper: str
    leftovers: dict[str, object]


def read_checkpoint(path: Path) -> Checkpoint:
    """The weights in the file at `path`; nothing in it is executed.

    Raises:
        CheckpointError: no file, not a checkpoint, damaged, a bomb, without tensors, or with numbers that are none.
        UnsafeFileError: reading it would execute what is inside.
    """
    static = read_static(path)
    refuse_code(str(path), static.names, static.whole_module)
    with bounded(path):
        found = unwrap(_load(path, static.kind), Tensor)
    if not found.tensors:
        raise CheckpointError(str(path), got="no tensors", expected="the weights of a backbone")
    _refuse_non_finite(str(path), found.tensors)
    return Checkpoint(static.kind, found.tensors, found.wrapper, found.leftovers)


def _load(path: Path, kind: Kind) -> object:
    if kind == "safetensors":
        return load_file(path)
    try:
        # The warnings are of pickle protocols that torch may not know.
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals([Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except _TORCH_GIVES_UP as error:
        first_line = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            str(path), got=f"a file that torch refuses ({first_line})", expected="a whole state_dict"
        ) from None


def _refuse_non_finite(where: str, tensors: dict[str, Tensor]) -> None:
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            raise CheckpointError(
                where,
                got=f"{bad:,} of {tensor.numel():,} numbers in {printable(key)} that are NaN or infinite",
                expected="finite weights",
                hint="an earlier checkpoint of the same run; this one diverged",
            )
