"""InsightFace verification packs (`lfw.bin`, `cfp_fp.bin`, ...): encoded images in pairs, one person or two.

The file is a pickle of `(images, same)`, and a pickle is a program; this one is walked and never run. A pack is
lists of bytes and truth values, so there is hardly anything to call: the four spellings below of "these bytes" and
"this truth value", by the pickle protocols and NumPy versions that wrote them. Any other name is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError, UnsafeFileError
from bareface.opcodes import Call, Name, Walked, mapped, walk

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
    to 5 of Python 2 and 3, with images as byte strings or as NumPy arrays of bytes.

    Raises:
        RosterError: the file is missing, damaged, or holds something else.
        UnsafeFileError: reading it with pickle would import more than bytes need.
    """
    walked = _walked(path)
    strangers = [str(name) for name in walked.names if name not in TABLE]
    if strangers:
        got = f"a pickle that would import and call {', '.join(strangers[:6])!a}"
        raise UnsafeFileError(str(path), got=got, expected="bytes and truth values only")
    match walked.root:
        case (list() | tuple() as images, list() | tuple() | Call() as same):
            return _checked(path, _all_bytes(images), _truths(same))
    raise RosterError(str(path), got="a pickle of something else", expected=EXPECTED)


def _walked(path: Path) -> Walked:
    try:
        with mapped(path) as stream:
            return walk(stream, str(path), kind=RosterError, expected=EXPECTED)
    except (OSError, ValueError) as error:
        got = "no such file" if not path.exists() else f"a file that cannot be read ({error})"
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
        case bytes():
            return node
        case bytearray():
            return bytes(node)
        case str():  # a byte string of Python 2
            return _latin1(node)
        case Call(function=Name() as name) if name in _SPELLINGS:
            return _SPELLINGS[name](node)
    return None


def _latin1(text: object) -> bytes | None:
    """Pickles of Python 2 write byte strings, and protocol 2 of Python 3 writes bytes, as text of one byte each."""
    return text.encode("latin-1") if isinstance(text, str) and (text.isascii() or max(text) <= "\xff") else None


def _made(call: Call) -> bytes | None:
    """`bytes()`, `bytearray(content)`."""
    return _bytes_of(call.args[0]) if call.args else b""


def _reconstructed(call: Call) -> bytes | None:
    """A NumPy array, whose content is the last item of its state."""
    match call.state:
        case (_, _, dtype, _, content) if _is_dtype(dtype, "u1"):
            return _bytes_of(content)
    return None


def _from_buffer(call: Call) -> bytes | None:
    match call.args:
        case (content, dtype, *_) if _is_dtype(dtype, "u1"):
            return _bytes_of(content)
    return None


def _truths(node: object) -> list[bool | None]:
    """Truth values from a list, or from a NumPy array of them."""
    if isinstance(node, list | tuple):
        return [_truth(item) for item in node]
    match node:
        case Call(state=(_, _, dtype, _, content)) | Call(args=(content, dtype, *_)) if _is_dtype(dtype, "b1"):
            return [byte == 1 for byte in _bytes_of(content) or b""]
    return [None]


def _truth(node: object) -> bool | None:
    match node:
        case bool():
            return node
        case 0 | 1:
            return bool(node)
        case Call(function=Name(attribute="scalar"), args=(dtype, content)) if _is_dtype(dtype, "b1"):
            return _one_character(content) in (b"\1", "\1")
    return None


def _one_character(node: object) -> object:
    """What is short enough to be a truth value: nobody converts the same megabyte for every pair."""
    match node:
        case Call(function=Name("_codecs", "encode"), args=(text, *_)):
            return text
    return node


def _is_dtype(node: object, kind: str) -> bool:
    match node:
        case Call(function=Name("numpy", "dtype"), args=(said, *_)):
            return said in (kind, kind.encode())
    return False


_BUILTINS = ("builtins", "__builtin__")
_NUMPY = ("numpy.core", "numpy._core")
_SPELLINGS: Mapping[Name, Callable[[Call], bytes | None]] = MappingProxyType(
    {
        Name("_codecs", "encode"): lambda call: _latin1(call.args[0]) if call.args else None,
        **{Name(module, kind): _made for module in _BUILTINS for kind in ("bytes", "bytearray")},
        **{Name(f"{core}.multiarray", "_reconstruct"): _reconstructed for core in _NUMPY},
        **{Name(f"{core}.numeric", "_frombuffer"): _from_buffer for core in _NUMPY},
    }
)
TABLE = frozenset(
    {*_SPELLINGS, *(Name("numpy", name) for name in ("dtype", "ndarray"))}
    | {Name(f"{core}.multiarray", "scalar") for core in _NUMPY}
)
