"""Zip archives, as torch.save writes them and as it never would."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from corpus import Hostile
from corpus.pickles import text
from corpus.world import World

EMPTY = b"\x80\x02}."


def _zip(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
        archive.comment = comment
    return file.getvalue()


def _twice(name: str, first: bytes, second: bytes) -> bytes:
    import warnings

    file = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, first)
        archive.writestr(name, second)
    return file.getvalue()


def _replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    return content.replace(old, new)


def _sized(size: int) -> bytes:
    """The directory claims another size of the pickle."""
    made = bytearray(_zip({"archive/data.pkl": EMPTY}))
    at = made.rindex(b"PK\x01\x02")
    made[at + 20 : at + 28] = struct.pack("<II", size & 0xFFFFFFFF, size & 0xFFFFFFFF)
    return bytes(made)


def _overlapping(times: int = 2000) -> bytes:
    """Many directory entries for one stored file."""
    made = _zip({"archive/data.pkl": EMPTY + bytes(10_000)})
    start = made.rindex(b"PK\x01\x02")
    end = made.rindex(b"PK\x05\x06")
    one = made[start:end]
    names = b"".join(
        one.replace(b"archive/data.pkl", f"archive/{i:08d}"[:16].encode().ljust(16, b"x")) for i in range(times)
    )
    tail = bytearray(made[end:])
    tail[8:12] = struct.pack("<HH", (times + 1) & 0xFFFF, (times + 1) & 0xFFFF)
    tail[12:16] = struct.pack("<I", len(one) + len(names))
    return made[:start] + one + names + bytes(tail)


def _many(count: int = 20_000) -> bytes:
    return _zip({"archive/data.pkl": EMPTY, **{f"archive/data/{i}": b"" for i in range(count)}})


CASES: dict[str, Callable[[], bytes]] = {
    "a deflated bomb": lambda: _zip({"archive/data.pkl": bytes(50 << 20)}, zipfile.ZIP_DEFLATED),
    "a bzip2 bomb": lambda: _zip({"archive/data.pkl": bytes(50 << 20)}, zipfile.ZIP_BZIP2),
    "an lzma bomb": lambda: _zip({"archive/data.pkl": bytes(50 << 20)}, zipfile.ZIP_LZMA),
    "entries that overlap": _overlapping,
    "twenty thousand entries": _many,
    "two directories of tensors": lambda: _zip({"a/data.pkl": EMPTY, "b/data.pkl": EMPTY}),
    "an entry twice": lambda: _twice("archive/data.pkl", EMPTY, EMPTY),
    "names that climb": lambda: _zip({"../../data.pkl": EMPTY, "archive/data.pkl": EMPTY, "/etc/data.pkl": EMPTY}),
    "only a name that climbs": lambda: _zip({"../data.pkl": EMPTY}),
    "an absolute name": lambda: _zip({"/data.pkl": EMPTY}),
    "a size of four gigabytes": partial(_sized, 0xFFFFFFFF),
    "a size of three gigabytes": partial(_sized, 3 << 30),
    "no pickle": lambda: _zip({"archive/readme": b"x"}),
    "TorchScript": lambda: _zip({"a/data.pkl": EMPTY, "a/constants.pkl": EMPTY, "a/code/x.py": b"import os"}),
    "an exported program": lambda: _zip({"archive_format": b"pt2", "data.pkl": EMPTY}),
    "an empty pickle": lambda: _zip({"archive/data.pkl": b""}),
    "big endian": lambda: _zip({"archive/data.pkl": EMPTY, "archive/byteorder": b"big"}),
    "an encrypted flag": lambda: _replaced(
        _zip({"archive/data.pkl": EMPTY}), b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    ),
    "an unknown method": lambda: _replaced(
        _zip({"archive/data.pkl": EMPTY}), b"\x14\x00\x00\x00\x00\x00", b"\x14\x00\x00\x00\x63\x00"
    ),
    "cut off": lambda: _zip({"archive/data.pkl": EMPTY + bytes(1000)})[:-40],
    "cut off in the middle": lambda: _zip({"archive/data.pkl": EMPTY + bytes(1000)})[:200],
    "a comment that is a zip": lambda: _zip({"archive/data.pkl": EMPTY}, comment=_zip({"archive/data.pkl": b"x"})),
    "bytes before it": lambda: b"PK\x03\x04" + bytes(100) + _zip({"archive/data.pkl": EMPTY}),
    "control characters in a name": lambda: _zip({"archive/\x1b[2J\n/data.pkl": EMPTY, "\x07/data.pkl": EMPTY}),
    "a storage that is not there": lambda: _zip(
        {
            "archive/data.pkl": b"\x80\x02("
            + text("storage")
            + b"ctorch\nFloatStorage\n"
            + text("../../secret.txt")
            + text("cpu")
            + b"K\x06tQ."
        }
    ),
}


def _made(content: Callable[[], bytes], command: str, folder: Path, world: World) -> list[str]:
    (folder / "weights.pt").write_bytes(content())
    if command == "inspect":
        return ["inspect", "weights.pt"]
    return ["verify", "pairs.csv", "--model", "weights.pt", "--images", world.faces]


def inputs() -> Iterator[Hostile]:
    """Each through `inspect` and through `verify`."""
    for name, content in CASES.items():
        for command in ("inspect", "verify"):
            yield Hostile("zip", f"{name}, {command}", partial(_made, content, command))
