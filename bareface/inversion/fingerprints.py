"""What a search depends on, as one digest."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor

from bareface.targets.target import Target


def digest(*things: object) -> str:
    """SHA-256 of dataclasses by their fields, targets and generators by their weights, tensors by their bytes."""
    made = hashlib.sha256()
    for part in things:
        for piece in _pieces(part):
            made.update(len(piece).to_bytes(8, "big") + piece)
    return made.hexdigest()


def _pieces(thing: object) -> Iterator[bytes]:
    if isinstance(thing, Target):
        yield thing.sha256.encode()
    elif isinstance(getattr(thing, "fingerprint", None), str):
        yield str(getattr(thing, "fingerprint")).encode()  # noqa: B009 - a protocol's member
        # Weights do not say everything: truncation, for example, is a plain field.
        yield repr(
            [v for v in getattr(thing, "__dict__", {}).values() if isinstance(v, str | int | float | torch.dtype)]
        ).encode()
    elif isinstance(thing, Tensor):
        value = thing.detach().cpu().contiguous()
        yield f"{value.dtype} {tuple(value.shape)}".encode()
        yield value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
    elif isinstance(thing, tuple):
        yield f"tuple of {len(thing)}".encode()
        for part in thing:
            yield from _pieces(part)
    elif is_dataclass(thing) and not isinstance(thing, type):
        yield type(thing).__qualname__.encode()
        for one in fields(thing):
            yield one.name.encode()
            yield from _pieces(getattr(thing, one.name))
    else:
        yield repr(thing).encode()
