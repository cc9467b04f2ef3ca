"""Files of numbers: safetensors with its card, and npy with its names."""

import io
import json
import os
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from corpus import EXECUTED, Hostile
from corpus.world import World


def _safe(header: bytes | dict[str, Any], body: bytes = b"", size: int | None = None) -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if size is None else size) + content + body


def _entry(dtype: str = "F32", shape: list[Any] | None = None, offsets: list[Any] | None = None) -> dict[str, Any]:
    return {
        "dtype": dtype,
        "shape": [2] if shape is None else shape,
        "data_offsets": [0, 8] if offsets is None else offsets,
    }


SAFETENSORS: dict[str, Callable[[], bytes]] = {
    "a header of eight exabytes": lambda: _safe(b"{}", size=(1 << 63) - 1),
    "a header of 2^64": lambda: _safe(b"{}", size=(1 << 64) - 1),
    "a header longer than the file": lambda: _safe(b'{"a": 1}', size=5000),
    "a header without end": lambda: _safe(b'{"a":' * 50_000),
    "brackets without end": lambda: _safe(b'{"a": ' + b"[" * 100_000),
    "a number of five thousand digits": lambda: _safe(
        b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 8]}}', bytes(8)
    ),
    "a shape of 2^63": lambda: _safe({"a": _entry(shape=[1 << 62, 4])}, bytes(8)),
    "a negative shape": lambda: _safe({"a": _entry(shape=[-1])}, bytes(8)),
    "a shape of floats": lambda: _safe({"a": _entry(shape=[1.5])}, bytes(8)),
    "offsets backwards": lambda: _safe({"a": _entry(offsets=[8, 0])}, bytes(8)),
    "offsets beyond the file": lambda: _safe({"a": _entry(offsets=[1 << 40, (1 << 40) + 8])}, bytes(8)),
    "tensors that overlap": lambda: _safe({"a": _entry(), "b": _entry()}, bytes(8)),
    "a hole": lambda: _safe({"a": _entry(offsets=[8, 16])}, bytes(16)),
    "an unknown type": lambda: _safe({"a": _entry("F99")}, bytes(8)),
    "a type that is an object": lambda: _safe({"a": _entry("O")}, bytes(8)),
    "an entry that is a text": lambda: _safe({"a": "b"}),
    "a name twice": lambda: _safe(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        bytes(8),
    ),
    "names with control characters": lambda: _safe({"\x1b[2J\x07\n": _entry()}, bytes(8)),
    "no text": lambda: _safe(b'{"\xff\xfe": 1}'),
    "metadata of a megabyte": lambda: _safe({"__metadata__": {"x": "y" * (1 << 20)}, "a": _entry()}, bytes(8)),
    "metadata that is a list": lambda: _safe({"__metadata__": [1], "a": _entry()}, bytes(8)),
    "a hundred thousand empty tensors": lambda: _safe(
        {f"t{i}": _entry(shape=[0], offsets=[0, 0]) for i in range(100_000)}
    ),
    "six hundred thousand values": lambda: _safe(
        b"{"
        + b",".join(b'"%d":{"dtype":"F32","shape":[0,0,0,0,0,0],"data_offsets":[0,0]}' % i for i in range(60_000))
        + b"}"
    ),
    "a list": lambda: _safe(b"[]"),
    "nothing": lambda: _safe(b"{}"),
    "cut off": lambda: _safe({"a": _entry()}, bytes(4)),
    "numbers that are none": lambda: _safe(
        {"bn.running_mean": _entry()}, struct.pack("<2f", float("nan"), float("inf"))
    ),
}

CARDS: dict[str, bytes] = {
    "brackets without end": b"[" * 200_000,
    "dicts without end": b'{"notes":' * 100_000,
    "a number of five thousand digits": b'{"embedding_size": ' + b"9" * 5000 + b"}",
    "twenty megabytes": b'{"name": "' + b"x" * (20 << 20) + b'"}',
    "two million values": b'{"notes": {' + b",".join(b'"%d":1' % i for i in range(200_000)) + b"}}",
    "no text": b"\xff\xfe{",
    "nothing": b"",
    "a name with control characters": b'{"name": "\\u001b[2J", "architecture": 1}',
}


def _npy(header: str | bytes, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() if isinstance(header, str) else header
    size = struct.pack("<H", len(text)) if version[0] == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + version + size + text + body


def _described(descr: str = "'<f4'", order: str = "False", shape: str = "(2, 2)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n"


def _pickled() -> bytes:
    class Marker:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (EXECUTED,)

    file = io.BytesIO()
    np.save(file, np.array([Marker()], dtype=object), allow_pickle=True)
    return file.getvalue()


NPY: dict[str, Callable[[], bytes]] = {
    "objects": _pickled,
    "a call in the header": lambda: _npy(f"__import__('os').mkdir('{EXECUTED}')\n"),
    "a call in the shape": lambda: _npy(_described(shape=f"(__import__('os').mkdir('{EXECUTED}'),)")),
    "a call in the type": lambda: _npy(_described(descr=f"__import__('os').mkdir('{EXECUTED}')")),
    "a shape of 2^62": lambda: _npy(_described(shape="(4611686018427387904, 2)")),
    "a shape of a trillion": lambda: _npy(_described(shape="(1000000000000, 512)"), bytes(64)),
    "a negative shape": lambda: _npy(_described(shape="(-1, 2)"), bytes(16)),
    "a shape of five thousand digits": lambda: _npy(_described(shape="(" + "9" * 5000 + ",)")),
    "a shape of a thousand sides": lambda: _npy(_described(shape="(" + "1," * 1000 + ")"), bytes(4)),
    "brackets without end": lambda: _npy("(" * 9000 + "\n"),
    "lists without end": lambda: _npy("[" * 60_000 + "\n"),
    "minus without end": lambda: _npy("-" * 9000 + "1\n"),
    "a header of four gigabytes": lambda: b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    "version 9": lambda: _npy(_described(), bytes(16), b"\x09\x00"),
    "structured": lambda: _npy(_described(descr="[('a', '<f4'), ('b', '|O')]"), bytes(64)),
    "texts": lambda: _npy(_described(descr="'<U1000000'"), bytes(64)),
    "void": lambda: _npy(_described(descr="'|V4'"), bytes(16)),
    "an empty type": lambda: _npy(_described(descr="'|S0'"), bytes(16)),
    "cut off": lambda: _npy(_described(), bytes(7)),
    "no dict": lambda: _npy("[1, 2]\n"),
    "bytes that are no text": lambda: _npy(b"\xff\xfe\x00\n"),
    "a text without end": lambda: _npy("'" + "a" * 200 + "\n"),
    "NaN": lambda: _npy(_described(), struct.pack("<4f", *[float("nan")] * 4)),
    "a zip": lambda: b"PK\x03\x04" + bytes(100),
}


def _safetensors(content: Callable[[], bytes], command: str, folder: Path, world: World) -> list[str]:
    (folder / "weights.safetensors").write_bytes(content())
    if command == "convert":
        return ["convert-generator", "weights.safetensors", "made.safetensors"]
    if command == "inspect":
        return ["inspect", "weights.safetensors"]
    return ["verify", "pairs.csv", "--model", "weights.safetensors", "--images", world.faces]


def _card(content: bytes | None, folder: Path, world: World) -> list[str]:
    weights = Path(world.target, "backbone.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(weights)
    if content is None:
        os.mkfifo(folder / "weights.json")
    else:
        (folder / "weights.json").write_bytes(content)
    return ["inspect", "weights.safetensors"]


def _numbers(content: Callable[[], bytes], folder: Path, world: World) -> list[str]:
    (folder / "answers.npy").write_bytes(content())
    (folder / "answers.csv").write_text("image,view\na.png,image\na.png,flip\n")
    return ["verify", "pairs.csv", "--model", "answers.npy", "--images", world.faces]


def _names(kind: str, folder: Path, world: World) -> list[str]:
    (folder / "answers.npy").write_bytes(_npy(_described(), bytes(16)))
    names = folder / "answers.csv"
    if kind == "a pipe":
        os.mkfifo(names)
    elif kind == "a device":
        names.symlink_to("/dev/zero")
    else:
        names.write_bytes(b'image,view\n"' + b"a" * 200_000)
    return ["verify", "pairs.csv", "--model", "answers.npy", "--images", world.faces]


def inputs() -> Iterator[Hostile]:
    """Weights through three commands, cards, tables."""
    for name, content in SAFETENSORS.items():
        for command in ("inspect", "verify", "convert"):
            yield Hostile("safetensors", f"{name}, {command}", partial(_safetensors, content, command))
    for name, card in CARDS.items():
        yield Hostile("safetensors", f"a card: {name}", partial(_card, card))
    yield Hostile("safetensors", "a card that is a pipe", partial(_card, None))
    for name, content in NPY.items():
        yield Hostile("npy", name, partial(_numbers, content))
    for name in ("a pipe", "a device", "a cell without end"):
        yield Hostile("npy", f"names: {name}", partial(_names, name))
