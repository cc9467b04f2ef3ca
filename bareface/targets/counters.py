"""Counters of training batches as files hold them: whole numbers, or whatever a cast of the file made of them.

Casting a whole checkpoint turns `num_batches_tracked` into a float too. A float type holds every whole number below
2^p, p being the bits of its significand; above that only some, and float16 none at all above 65,504.
"""

import math
from dataclasses import dataclass
from typing import Literal

from bareface.targets.storages import StaticTensor

State = Literal["exact", "approximate", "wrapped", "overflowed", "no number", "absent"]
# Bits of the significand, the hidden one included, and the largest number.
_FLOATS = {
    "float16": (11, "65,504"),
    "bfloat16": (8, "3.4e38"),
    "float32": (24, "3.4e38"),
    "float64": (53, "1.8e308"),
    "float8_e4m3fn": (4, "448"),
    "float8_e5m2": (3, "57,344"),
}
_COMPLEX = {"complex64": "float32", "complex128": "float64"}
# Integers that begin again while a net is trained: how many numbers they have.
_NARROW = {"int8": 1 << 8, "uint8": 1 << 8, "int16": 1 << 16, "uint16": 1 << 16}
MOST_BATCHES = 1 << 41  # a batch a millisecond for seventy years


@dataclass(frozen=True)
class Count:
    """What a counter says.

    Attributes:
        state: `exact`; `approximate`, where its type has gaps around the number; `wrapped`, where its type is so
            narrow that it may have begun again; `overflowed`, where its type ends below it; `no number`, where
            something else stands there; `absent`.
        batches: the number; None unless exact, approximate or perhaps wrapped.
        within: the true number lies so close to it; 0 where exact.
        why: what is wrong with it, in words; empty where exact or absent.
    """

    state: State
    batches: int | None = None
    within: int = 0
    why: str = ""


ABSENT = Count("absent")


def count_of(counter: StaticTensor | None) -> Count:
    """The number in a counter of any type; a file may put anything in its place."""
    if counter is None:
        return ABSENT
    dtype = counter.storage.dtype
    if counter.numel != 1 or dtype == "bool":
        shape = f" of shape {counter.shape}" if counter.shape != () else ""
        return Count("no number", why=f"{dtype}{shape} stands in its place")
    value = counter.numpy().item()
    if dtype in _COMPLEX:
        if value.imag:
            return Count("no number", why=f"the {dtype} {value} stands in its place")
        value, dtype = value.real, _COMPLEX[dtype]
    return _float_count(value, dtype) if dtype in _FLOATS else _whole_count(int(value), dtype)


def _float_count(value: float, dtype: str) -> Count:
    bits, largest = _FLOATS[dtype]
    if value == math.inf or (dtype == "float8_e4m3fn" and not value < 448):  # which has no infinity
        return Count("overflowed", why=f"it overflowed: {dtype} ends at {largest}, so there were more batches")
    if not value.is_integer():
        return Count("no number", why=f"{value:g} is no whole number: an average of several counters, or damaged")
    count = int(value)
    if count > MOST_BATCHES:
        return _whole_count(count, dtype)
    gap = 1 << max(0, count.bit_length() - bits) if count >= 1 << bits else 1
    if count < 0 or gap == 1:
        return _whole_count(count, dtype)
    why = f"{dtype} holds every whole number only below {1 << bits:,}"
    return Count("approximate", count, within=max(1, gap // 2), why=why)


def _whole_count(count: int, dtype: str) -> Count:
    if count < 0:
        return Count("no number", why=f"{count:,} is no count: it overflowed {dtype}, or was set to mark something")
    if count > MOST_BATCHES:
        return Count("no number", why=f"{count:,} is more than anybody trains: damaged, or set to mark something")
    if dtype in _NARROW:
        why = f"{dtype} begins again after {_NARROW[dtype]:,} batches, so it may have wrapped"
        return Count("wrapped", count, why=why)
    return Count("exact", count)
