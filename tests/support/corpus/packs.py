"""Packs: tar archives and RecordIO, with what lies beside them."""

import io
import os
import struct
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bareface.faces.packs.recordio import MAGIC, frame
from corpus import Hostile
from corpus.world import World

Entry = tuple[str, bytes, bytes]  # name, kind, content


def _tar(*entries: Entry, link: str = "", size: int | None = None) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    made = file.getvalue()
    return made if size is None else _resized(made, size)


def _resized(made: bytes, size: int) -> bytes:
    header = bytearray(made[:512])
    header[124:136] = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + made[512:]


def _file(name: str, content: bytes = b"x") -> Entry:
    return name, tarfile.REGTYPE, content


def _pax(record: bytes) -> bytes:
    long = _tar((("x"), b"x", b""))
    return _resized(long, len(record))[:512] + record.ljust(512, b"\0") + _tar(_file("a/1.png"))


TAR: dict[str, Callable[[bytes], bytes]] = {
    "names that climb": lambda p: _tar(_file("../../a/1.png", p), _file("a/../../../b/1.png", p)),
    "absolute names": lambda p: _tar(_file("/etc/a/1.png", p), _file("//b/1.png", p)),
    "a link to a secret": lambda p: _tar(
        _file("a/1.png", p), ("b/1.png", tarfile.SYMTYPE, b""), link="../../world/secret.txt"
    ),
    "a hard link": lambda p: _tar(_file("a/1.png", p), ("b/1.png", tarfile.LNKTYPE, b""), link="/etc/passwd"),
    "a device": lambda p: _tar(_file("a/1.png", p), ("b/1.png", tarfile.CHRTYPE, b"")),
    "a pipe": lambda p: _tar(_file("a/1.png", p), ("b/1.png", tarfile.FIFOTYPE, b"")),
    "a size of exabytes": lambda p: _tar(_file("a/1.png", p), size=1 << 60),
    "a size of 2^80": lambda p: _tar(_file("a/1.png", p), size=1 << 80),
    "a size of gigabytes": lambda p: _tar(_file("a/1.png", p), size=7 << 30),
    "a name of a megabyte": lambda p: _tar(_file("a" * (1 << 20) + "/1.png", p)),
    "a person of three hundred letters": lambda p: _tar(_file("a" * 300 + "/1.png", p)),
    "pax records that lie": lambda p: _pax(b"999999999 path=a/1.png\n"),
    "a pax record of no length": lambda p: _pax(b"0 path=a/1.png\n"),
    "a pax size of five hundred digits": lambda p: _pax(b"520 size=" + b"9" * 500 + b"\n"),
    "control characters": lambda p: _tar(_file("\x1b[2J/\x07\n.png", p)),
    "names that are no text": lambda p: _tar(_file("\udcff\udcfe/1.png", p)),
    "a hidden folder": lambda p: _tar(_file(".ipynb_checkpoints/1.png", p), _file("a/1.png", p)),
    "only hidden files": lambda p: _tar(_file(".a/1.png", p), _file("b/.1.png", p)),
    "damage in the middle": lambda p: (
        (made := _tar(_file("a/1.png", p), _file("b/1.png", p)))[:700] + b"\xff" * 900 + made[1600:]
    ),
    "cut off": lambda p: _tar(_file("a/1.png", p + bytes(5000)))[:2000],
    "classes that are no text": lambda p: _tar(_file("1.cls", b"\xff\xfe"), _file("1.png", p)),
    "an empty class": lambda p: _tar(_file("1.cls", b" "), _file("1.png", p)),
    "a class of a megabyte": lambda p: _tar(_file("1.cls", b"7" * (1 << 20)), _file("1.png", p)),
    "one name ten thousand times": lambda p: _tar(*[_file("a/1.png")] * 10_000),
    "nothing": lambda p: b"",
    "zeros": lambda p: bytes(100_000),
    "noise": lambda p: os.urandom(50_000),
    "a gzip": lambda p: b"\x1f\x8b" + bytes(100),
}

HEADER = struct.Struct("<IfQQ")


def _record(label: float, number: int, content: bytes, flag: int = 0) -> bytes:
    return frame(HEADER.pack(flag, label, number, 0) + content)


def _part(flag: int, size: int, content: bytes = b"") -> bytes:
    return struct.pack("<II", MAGIC, flag << 29 | size) + content


REC: dict[str, Callable[[bytes], bytes]] = {
    "a length beyond the file": lambda p: _part(0, 1 << 28) + bytes(100),
    "a length of nothing": lambda p: _part(0, 0) * 1000,
    "a first part without a last": lambda p: _part(1, 4, bytes(4)) * 5000,
    "middles alone": lambda p: _part(2, 4, bytes(4)) * 100,
    "fifty thousand first parts": lambda p: _part(1, 0) * 50_000,
    "flags that are none": lambda p: _part(7, 4, bytes(4)) * 100,
    "two billion labels": lambda p: _record(0, 1, p, flag=(1 << 31) - 1),
    "labels that are none": lambda p: _record(float("nan"), 1, p) + _record(float("inf"), 2, p),
    "a label of 3e38": lambda p: _record(3e38, 1, p) + _record(-3e38, 2, p),
    "record 0 announces a billion": lambda p: _record(0, 0, struct.pack("<2f", 1e9, 1e9), 2) + _record(1, 1, p),
    "record 0 announces nonsense": lambda p: _record(0, 0, struct.pack("<2f", float("nan"), -5), 2) + _record(1, 1, p),
    "numbers of 2^63": lambda p: _record(1, (1 << 64) - 1, p) + _record(2, 1 << 63, p),
    "one number many times": lambda p: b"".join(_record(1, 7, p) for _ in range(50)),
    "magic numbers alone": lambda p: struct.pack("<I", MAGIC) * 20_000,
    "cut off": lambda p: _record(1, 1, p + bytes(5000))[:3000],
    "too short for a header": lambda p: frame(b"abc"),
    "nothing": lambda p: b"",
    "noise": lambda p: os.urandom(50_000),
}
IDX: dict[str, bytes] = {
    "offsets beyond the file": b"1\t999999999\n2\t-5\n",
    "numbers of fifty digits": b"9" * 50 + b"\t" + b"9" * 50 + b"\n",
    "one record for all": b"".join(b"%d\t0\n" % i for i in range(50_000)),
    "no numbers": b"a\tb\n",
    "no text": b"\xff\xfe\0\0",
    "nothing": b"",
}
LST: dict[str, bytes] = {
    "labels that are none": b"1\tnan\ta.png\n2\tinf\tb.png\n",
    "numbers of five thousand digits": b"9" * 5000 + b"\t1\ta.png\n",
    "an InsightFace list": b"1\t/etc/passwd\t5\n1\t../../x\t6\n",
    "no text": b"\xff\xfe\0\0",
}


def _tarred(content: Callable[[bytes], bytes], folder: Path, world: World) -> list[str]:
    (folder / "people.tar").write_bytes(content(world.picture))
    return ["overlap", "people.tar", world.faces, "-o", "run"]


def _recorded(content: Callable[[bytes], bytes], beside: dict[str, bytes], folder: Path, world: World) -> list[str]:
    (folder / "train.rec").write_bytes(content(world.picture))
    for name, bytes_beside in beside.items():
        (folder / name).write_bytes(bytes_beside)
    return ["overlap", "train.rec", world.faces, "-o", "run"]


def _pipe(name: str, folder: Path, world: World) -> list[str]:
    (folder / "train.rec").write_bytes(_record(1, 1, world.picture) + _part(0, 99))
    os.mkfifo(folder / name)
    return ["overlap", "train.rec" if name != "people.tar" else name, world.faces, "-o", "run"]


def inputs() -> Iterator[Hostile]:
    """Packs are brought as people."""
    for name, content in TAR.items():
        yield Hostile("tar", name, partial(_tarred, content))
    for name, content in REC.items():
        yield Hostile("RecordIO", name, partial(_recorded, content, {}))
    for name, index in IDX.items():
        yield Hostile(
            "RecordIO", f"an index: {name}", partial(_recorded, lambda p: _record(1, 1, p), {"train.idx": index})
        )
    for name, listed in LST.items():
        damaged: Callable[[bytes], bytes] = lambda p: _record(1, 1, p) + _part(0, 99)  # noqa: E731
        yield Hostile("RecordIO", f"a list: {name}", partial(_recorded, damaged, {"train.lst": listed}))
    for name in ("train.idx", "train.lst", "people.tar"):
        yield Hostile("RecordIO", f"a pipe: {name}", partial(_pipe, name))
