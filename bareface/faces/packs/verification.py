"""InsightFace verification packs (`lfw.bin`, `cfp_fp.bin`, ...): encoded images in pairs, one person or two.

The file is a pickle of `(images, same)`, and a pickle is a program; this one is walked and never run. A pack is
lists of bytes and truth values, so there is hardly anything to call: the four spellings below of "these bytes" and
"this truth value", by the pickle protocols and NumPy versions that wrote them. Any other name is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError, UnsafeFileError
from bareface.untrusted.opcodes import Call, Name, Walked, mapped, walk
from bareface.untrusted.regular import is_file, what_lies_at

_LONGEST_TRUTH, _LONGEST_NAME = 16, 200
_NUMBERS = frozenset({"b1", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"})
EXPECTED = "an InsightFace verification pack: 2n encoded images and n truth values"


@dataclass(frozen=True)
class VerificationPack:
    """Pairs of images.

    Attributes:
        images: 2n encoded images (the bytes of JPEG or PNG files); pair i is images 2i and 2i + 1.
        same: (n,) whether the two images of a pair show one person.
    """

    images: Sequence[bytes]
    same: NDArray[np.bool_]


def read_verification_pack(path: Path) -> VerificationPack:
    """The pairs in an InsightFace `.bin` file; nothing in it is executed and no image is decoded.

    Format: `recognition/arcface_torch/eval/verification.py` of deepinsight/insightface. Read are pickle protocols 0
    to 5 of Python 2 and 3, with images as byte strings or as NumPy arrays of bytes, and truth values as Python's or as
    NumPy's numbers of any type, each alone or in an array.

    Raises:
        RosterError: the file is missing, damaged, or holds something else.
        UnsafeFileError: reading it with pickle would import more than bytes need.
    """
    walked = _walked(path)
    strangers = [str(name)[:_LONGEST_NAME] for name in walked.names if name not in TABLE]
    if strangers:
        got = f"a pickle that would import and call {', '.join(strangers[:6])!a}"
        raise UnsafeFileError(str(path), got=got, expected="bytes and truth values only")
    match walked.root:
        case (images, list() | tuple() | Call() as same) if (found := _items(images)) is not None:
            return _checked(path, _all_bytes(found), _truths(same))
    raise RosterError(str(path), got="a pickle of something else", expected=EXPECTED)


def _walked(path: Path) -> Walked:
    try:
        with mapped(path) as stream:
            return walk(stream, str(path), kind=RosterError, expected=EXPECTED)
    except (OSError, ValueError) as error:
        got = f"a file that cannot be read ({error})" if is_file(path) else what_lies_at(path)
        raise RosterError(str(path), got=got, expected=EXPECTED) from None


def _checked(path: Path, images: Sequence[bytes | None], same: Sequence[bool | None]) -> VerificationPack:
    strange = next((i for i, image in enumerate(images) if image is None), None)
    if strange is not None:
        raise RosterError(str(path), got=f"image {strange} that is no bytes", expected=EXPECTED)
    if None in same:
        raise RosterError(str(path), got=f"pair {same.index(None)} that is neither true nor false", expected=EXPECTED)
    if not same or len(images) != 2 * len(same):
        raise RosterError(str(path), got=f"{len(images)} images for {len(same)} pairs", expected=EXPECTED)
    return VerificationPack([image for image in images if image is not None], np.array(same, dtype=bool))


def _all_bytes(nodes: Sequence[object]) -> list[bytes | None]:
    """What each node means; one that a pickle names many times is converted, and kept, once."""
    known = {id(node): node for node in nodes}
    meant = {key: _bytes_of(node) for key, node in known.items()}
    return [meant[id(node)] for node in nodes]


def _bytes_of(node: object) -> bytes | None:
    """The bytes that a walked pickle means; None for anything else."""
    match node:
        case Call(function=Name() as name) if name in _SPELLINGS:
            return _SPELLINGS[name](node)
    return _written(node)


def _written(node: object) -> bytes | None:
    """Bytes as they are written down, none of them inside another call: spellings do not nest."""
    match node:
        case bytes():
            return node
        case bytearray():
            return bytes(node)
        case Call(function=Name("_codecs", "encode")):
            return _encoded(node)
        case Call(function=Name(attribute="bytes" | "bytearray"), args=()):
            return b""
    return _latin1(node)  # a byte string of Python 2


def _encoded(call: Call) -> bytes | None:
    return _latin1(call.args[0]) if call.args else None


def _latin1(text: object) -> bytes | None:
    """Pickles of Python 2 write byte strings, and protocol 2 of Python 3 writes bytes, as text of one byte each."""
    return text.encode("latin-1") if isinstance(text, str) and (text.isascii() or max(text) <= "\xff") else None


def _made(call: Call) -> bytes | None:
    """`bytes()`, `bytearray(content)`."""
    return _written(call.args[0]) if call.args else b""


def _of_array(call: Call) -> bytes | None:
    """A NumPy array of bytes."""
    found = _array(call)
    return _written(found[1]) if found and found[0] in (np.dtype("u1"), np.dtype("i1")) else None


def _array(call: Call) -> tuple[np.dtype[Any] | None, object] | None:
    """Type and content of a NumPy array, in either way of writing one; no type stands for objects."""
    match call:
        case Call(function=Name(attribute="_reconstruct"), state=(_, _, dtype, _, content)):
            return dtype_of(dtype), content
        case Call(function=Name(attribute="_frombuffer"), args=(content, dtype, *_)):
            return dtype_of(dtype), content
    return None


def _items(node: object) -> Sequence[object] | None:
    """The items of a list, a tuple, or a NumPy array of objects."""
    if isinstance(node, list | tuple):
        return node
    found = _array(node) if isinstance(node, Call) else None
    return found[1] if found and found[0] is None and isinstance(found[1], list) else None


def _truths(node: object) -> list[bool | None]:
    """Truth values from a list, or from a NumPy array of numbers of any type."""
    items = _items(node)
    if items is not None:
        return [_truth(item) for item in items]
    found = _array(node) if isinstance(node, Call) else None
    if found is None or found[0] is None:
        return [None]
    content = _written(found[1]) or b""
    whole = len(content) % found[0].itemsize == 0
    return [_meant(value) for value in np.frombuffer(content, found[0]).tolist()] if whole else [None]


def _truth(node: object) -> bool | None:
    match node:
        case bool() | int() | float():
            return _meant(node)
        case Call(function=Name(attribute="scalar"), args=(said, content)):
            dtype, written = dtype_of(said), _short(content)
            if dtype is not None and written is not None and len(written) == dtype.itemsize:
                return _meant(np.frombuffer(written, dtype)[0].item())
    return None


def _meant(value: float) -> bool | None:
    """The truth value that 0 or -1 and 1 stand for, whatever type they have."""
    return value == 1 if value in (-1, 0, 1) else None


def _short(node: object) -> bytes | None:
    """The bytes of what is short enough to be a truth value: nobody converts the same megabyte for every pair."""
    match node:
        case Call(function=Name("_codecs", "encode"), args=(text, *_)):
            return _latin1(text) if isinstance(text, str) and len(text) <= _LONGEST_TRUTH else None
    return _written(node) if isinstance(node, bytes | str) and len(node) <= _LONGEST_TRUTH else None


def dtype_of(node: object) -> np.dtype[Any] | None:
    """The type of NumPy numbers that a walked pickle means, in either byte order; None for anything else."""
    match node:
        case Call(function=Name("numpy", "dtype"), args=(str() | bytes() as said, *_), state=state):
            name = said.decode("latin-1") if isinstance(said, bytes) else said
            order = state[1] if isinstance(state, tuple) and len(state) > 1 else "<"
            big = order in (">", b">")
            return np.dtype(name).newbyteorder(">" if big else "<") if name in _NUMBERS else None
    return None


_BUILTINS = ("builtins", "__builtin__")
_NUMPY = ("numpy.core", "numpy._core")
_SPELLINGS: Mapping[Name, Callable[[Call], bytes | None]] = MappingProxyType(
    {
        Name("_codecs", "encode"): _encoded,
        **{Name(module, kind): _made for module in _BUILTINS for kind in ("bytes", "bytearray")},
        **{Name(f"{core}.multiarray", "_reconstruct"): _of_array for core in _NUMPY},
        **{Name(f"{core}.numeric", "_frombuffer"): _of_array for core in _NUMPY},
    }
)
TABLE = frozenset(
    {*_SPELLINGS, *(Name("numpy", name) for name in ("dtype", "ndarray"))}
    | {Name(f"{core}.multiarray", "scalar") for core in _NUMPY}
)
