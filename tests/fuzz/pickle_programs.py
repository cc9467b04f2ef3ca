"""Pickles that nobody wrote: random programs that keep the stack in order, so they get further than random bytes."""

import random
import struct
from collections.abc import Callable

# (module, name) -> so many arguments, where it is known how many are honest.
GLOBALS = (
    *(b"collections\nOrderedDict", b"builtins\ndict", b"builtins\nset", b"argparse\nNamespace", b"torch\nSize"),
    *(
        b"torch._utils\n_rebuild_tensor_v2",
        b"torch._utils\n_rebuild_parameter",
        b"torch\nFloatStorage",
        b"torch\nTensor",
    ),
    *(b"_codecs\nencode", b"numpy\ndtype", b"numpy\nndarray", b"numpy.core.multiarray\n_reconstruct", b"numpy\nscalar"),
    *(b"numpy._core.multiarray\nscalar", b"numpy._core.numeric\n_frombuffer", b"builtins\nbytearray", b"os\nsystem"),
    *(
        b"torch_utils.persistence\n_reconstruct_persistent_obj",
        b"torch.storage\n_load_from_bytes",
        b"dnnlib.util\nEasyDict",
    ),
)
WORDS = (
    b"state_dict",
    b"conv1.weight",
    b"storage",
    b"0",
    b"cpu",
    b"G_ema",
    b"_modules",
    b"_parameters",
    b"u1",
    b"b1",
    b"latin1",
)

Piece = Callable[[random.Random], bytes]


def _text(word: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word


def _number(rng: random.Random) -> bytes:
    sized = rng.choice((b"K" + rng.randbytes(1), b"M" + rng.randbytes(2), b"J" + rng.randbytes(4)))
    return rng.choice((sized, b"K\x01", b"K\x00", b"\x8a" + bytes([9]) + rng.randbytes(9)))


def _tensor(_: random.Random) -> bytes:
    """What torch writes for a tensor of six numbers."""
    storage = b"(" + _text(b"storage") + b"ctorch\nFloatStorage\n" + _text(b"0") + _text(b"cpu") + b"K\x06tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x06\x85K\x01\x85\x89}tR"


VALUES: tuple[Piece, ...] = (
    lambda rng: _text(rng.choice(WORDS)),
    _number,
    _tensor,
    lambda rng: b"c" + rng.choice(GLOBALS) + b"\n",
    lambda rng: rng.choice(
        (b"N", b"\x88", b"\x89", b"]", b")", b"}", b"\x8f", b"C\x01\x01", b"G" + rng.randbytes(8), b"U\x02\xff\x00")
    ),
    lambda rng: b"h" + bytes([rng.randrange(4)]),
)
# Opcodes that take so many values from the stack and leave one.
FOLDS = {
    1: (b"\x85", b"2\x86", b"Q", b"q\x00", b"q\x01", b"\x94"),
    2: (b"\x86", b"R", b"\x81", b"b", b"a"),
    3: (b"\x87", b"s", b"\x92"),
}
MARKED = (b"t", b"l", b"d", b"e", b"u", b"o", b"\x90", b"\x91")


def program(rng: random.Random) -> bytes:
    """A pickle of 1 to some 200 opcodes that ends with one value on the stack, if nothing in it is refused."""
    code, marks = [b"\x80", bytes([rng.choice((2, 3, 4))])], []
    depth = 0
    for _ in range(1 + rng.randrange(1 << rng.randrange(1, 8))):
        kind = rng.random()
        if kind < 0.5 or depth == 0:
            code.append(rng.choice(VALUES)(rng))
            depth += 1
        elif kind < 0.8:
            taken = rng.choice([count for count in FOLDS if count <= depth])
            code.append(rng.choice(FOLDS[taken]))
            depth -= taken - 1
        elif kind < 0.9 or not marks:
            code.append(b"(")
            marks.append(depth)
        else:
            code.append(rng.choice(MARKED))
            depth = marks.pop() + 1
    return b"".join(code) + b"0" * rng.randrange(2) + b"."
