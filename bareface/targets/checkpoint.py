"""Weights out of a checkpoint, and nothing but weights.

Two locks in a row. A file is read as a description (`container.py`), and whatever is no plain data, or would grow when
it is loaded, is refused by name. Then the numbers are read from where the description says that they lie: no pickle is
ever carried out, neither by Python nor by torch.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.targets.container import bounded, read_static
from bareface.targets.counters import count_of
from bareface.targets.nets import choose, refuse_open, split_reference
from bareface.targets.printable import printable
from bareface.targets.sniff import Kind
from bareface.targets.storages import StaticTensor, Storage
from bareface.targets.tree import Opaque
from bareface.targets.unsafe import refuse_code
from bareface.targets.weights import COUNTER
from bareface.untrusted.shown import gist

_SHOWN = 4


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a backbone, as a file holds them.

    Attributes:
        kind: of file.
        tensors: key as the backbone calls it -> tensor, on the CPU.
        wrapper: dicts and prefixes that were taken off.
        leftovers: path -> tensor or scalar that lay beside them.
        of_others: those of them that are layers of another net in the file.
    """

    kind: Kind
    tensors: dict[str, Tensor]
    wrapper: str
    leftovers: dict[str, object]
    of_others: frozenset[str] = frozenset()


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
        found = choice.of(static.tree, StaticTensor)
    if not found.tensors:
        raise _nothing(str(file), static.tree)
    read: dict[tuple[object, ...], Tensor] = {}
    counters = counters_of(found.tensors)
    tensors = {key: _tensor(value, read) for key, value in found.tensors.items() if key not in counters} | counters
    backbone = {key: value for key, value in tensors.items() if key not in choice.head}
    _refuse_complex(str(file), backbone)
    _refuse_non_finite(str(file), backbone)
    leftovers = {key: _tensor(v, read) if isinstance(v, StaticTensor) else v for key, v in found.leftovers.items()}
    of_others = frozenset(filter(choice.is_of_another, leftovers))
    return Checkpoint(static.kind, tensors, found.wrapper, leftovers, of_others)


def counters_of(tensors: Mapping[str, StaticTensor]) -> dict[str, Tensor]:
    """The counters of training batches as torch keeps them; zero where no number can be read."""
    counts = {key: count_of(tensor) for key, tensor in tensors.items() if key.endswith(COUNTER)}
    return {key: torch.tensor(count.batches or 0) for key, count in counts.items()}


def _tensor(described: StaticTensor, read: dict[tuple[object, ...], Tensor]) -> Tensor:
    """The tensor that a description means; views of one storage share it, as they did when they were saved."""
    storage = described.storage
    key = (storage.path, storage.start, storage.dtype, storage.numel, id(storage.content))
    if key not in read:
        read[key] = _numbers(storage)
    return read[key].as_strided(described.shape, described.stride, described.offset)


def _numbers(storage: Storage) -> Tensor:
    content, dtype = bytearray(storage.read()), getattr(torch, storage.dtype)
    if not content:
        return torch.empty(0, dtype=dtype)
    if dtype == torch.bool:  # a file may hold bytes that are neither
        return torch.frombuffer(content, dtype=torch.uint8) != 0
    return torch.frombuffer(content, dtype=dtype)


def _refuse_complex(where: str, tensors: Mapping[str, Tensor]) -> None:
    found = next((key for key, value in tensors.items() if value.is_complex()), None)
    if found is not None:
        got = f"complex numbers in {printable(found)}"
        raise CheckpointError(where, got=got, expected="real weights", hint="the file before it was cast")


def _nothing(where: str, tree: object) -> CheckpointError:
    """What the file holds instead of weights, in a few words."""
    inside = {"": tree} if not isinstance(tree, Mapping) else dict(itertools.islice(tree.items(), _SHOWN))
    told = ", ".join(f"{printable(name, 60)}: {_gist(value)}".removeprefix(": ") for name, value in inside.items())
    got = f"no tensors; inside is {told}" if told else "no tensors, nothing is inside"
    more = f" and {len(tree) - _SHOWN:,} more" if isinstance(tree, Mapping) and len(tree) > _SHOWN else ""
    return CheckpointError(
        where,
        got=got + more,
        expected="the weights of a backbone, by name",
        hint="torch.save(model.state_dict(), path)",
    )


def _gist(value: object) -> str:
    if isinstance(value, Opaque):
        return printable(value.kind, 60)
    return f"{len(value)} values" if isinstance(value, Mapping) else gist(value)


def _refuse_non_finite(where: str, tensors: dict[str, Tensor]) -> None:
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(_wide(tensor)).all()):
            bad = int((~torch.isfinite(_wide(tensor))).sum())
            raise CheckpointError(
                where,
                got=f"{bad:,} of {tensor.numel():,} numbers in {printable(key)} that are NaN or infinite",
                expected="finite weights",
                hint=_CAST if tensor.dtype == torch.float16 and not bool(tensor.isnan().any()) else _DIVERGED,
            )


def _wide(tensor: Tensor) -> Tensor:
    """The tensor in a type that torch can ask about: bytes are too narrow."""
    return tensor.float() if tensor.element_size() == 1 else tensor


_DIVERGED = "an earlier checkpoint of the same run; this one diverged"
_CAST = "the file before it was cast to float16, which ends at 65,504"
