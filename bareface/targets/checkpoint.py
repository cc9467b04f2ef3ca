"""Weights out of a checkpoint, and nothing but weights.

Two locks in a row. The first is ours: the file is read as a description (`container.py`), and whatever is no plain
data, or would grow when it is loaded, is refused by name. The second is torch's: `weights_only=True`, always
written out, because the default can be turned off by an environment variable.
"""

import struct
import warnings
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.targets.container import bounded, read_static
from bareface.targets.counters import count_of
from bareface.targets.nets import choose, refuse_open, split_reference
from bareface.targets.numpy_values import STAND_INS
from bareface.targets.printable import printable
from bareface.targets.sniff import Kind
from bareface.targets.storages import StaticTensor
from bareface.targets.unsafe import refuse_code
from bareface.targets.weights import COUNTER

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

    Args:
        path: the file; `file.pt#model_ema.module` means the net of that name in it.

    Raises:
        CheckpointError: no file, not a checkpoint, damaged, a bomb, without tensors, with several nets, or with numbers
            that are none.
        UnsafeFileError: reading it would execute what is inside.
    """
    file, inside = split_reference(path)
    static = read_static(file)
    refuse_code(str(file), static.names, static.whole_module, static.holders)
    with bounded(file):
        choice = choose(static.tree, StaticTensor, inside, str(file))
        refuse_open(choice, str(file))
        found = choice.of(_load(file, static.kind), Tensor)
    if not found.tensors:
        raise CheckpointError(str(file), got="no tensors", expected="the weights of a backbone")
    counters = counters_of(choice.of(static.tree, StaticTensor).tensors)
    tensors = {key: value for key, value in found.tensors.items() if key not in counters} | counters
    _refuse_non_finite(str(file), {key: value for key, value in tensors.items() if key not in choice.head})
    return Checkpoint(static.kind, tensors, found.wrapper, found.leftovers)


def counters_of(tensors: Mapping[str, StaticTensor]) -> dict[str, Tensor]:
    """The counters of training batches as torch keeps them; zero where no number can be read."""
    counts = {key: count_of(tensor) for key, tensor in tensors.items() if key.endswith(COUNTER)}
    return {key: torch.tensor(count.batches or 0) for key, count in counts.items()}


def _load(path: Path, kind: Kind) -> object:
    if kind == "safetensors":
        return load_file(path)
    known: list[Any] = [Namespace, *STAND_INS]
    try:
        # The warnings are of pickle protocols that torch may not know.
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(known):
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
                hint=_CAST if tensor.dtype == torch.float16 and not bool(tensor.isnan().any()) else _DIVERGED,
            )


_DIVERGED = "an earlier checkpoint of the same run; this one diverged"
_CAST = "the file before it was cast to float16, which ends at 65,504"
