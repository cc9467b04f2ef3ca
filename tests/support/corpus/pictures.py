"""Pictures: bombs, lies in headers, metadata, and files that are no files."""

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from corpus import Hostile
from corpus.world import World


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *more: bytes, body: bytes = b"\0" * 100_000, depth: int = 8, kind: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), *more, _chunk(b"IDAT", zlib.compress(body)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _small(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (9, 99, 199)).save(file, form, **options)
    return file.getvalue()


def _tiff(entries: bytes, count: int, order: bytes = b"II*\0") -> bytes:
    return b"Exif\0\0" + order + struct.pack("<IH", 8, count) + entries + bytes(4)


def _turn(kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0x0112, kind, count) + value.ljust(4, b"\0")


def _sized(content: bytes, at: int, width: int, height: int, code: str) -> bytes:
    made = bytearray(content)
    struct.pack_into(code, made, at, width, height)
    return bytes(made)


CASES: dict[str, Callable[[], bytes]] = {
    "a PNG of four billion pixels": lambda: _png(65_535, 65_535),
    "a PNG of 2^31": lambda: _png((1 << 31) - 1, (1 << 31) - 1),
    "a PNG of no pixels": lambda: _png(0, 0),
    "a PNG one pixel high": lambda: _png(15_000_000, 1),
    "a PNG of the largest size": lambda: _png(4000, 4000, body=b"\0" * 48_004_000),
    "a PNG with too much inside": lambda: _png(16, 16, body=bytes(50 << 20)),
    "a text chunk of a gigabyte": lambda: _png(16, 16, _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100 << 20)))),
    "a hundred text chunks": lambda: _png(16, 16, *[_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))] * 100),
    "an international text": lambda: _png(
        16, 16, _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(60 << 20)))
    ),
    "a colour profile of a gigabyte": lambda: _png(16, 16, _chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100 << 20)))),
    "a chunk longer than the file": lambda: _png(16, 16)[:33] + struct.pack(">I", 1 << 31) + b"tEXt" + bytes(10),
    "a palette that is missing": lambda: _png(16, 16, kind=3),
    "a depth of three": lambda: _png(16, 16, depth=3),
    "an animation": lambda: _png(16, 16, _chunk(b"acTL", struct.pack(">II", 1 << 30, 0))),
    "an animation without end": lambda: _small("GIF"),
    "a JPEG of four billion pixels": lambda: (
        (c := _small("JPEG")) and _sized(c, c.index(b"\xff\xc0") + 5, 65_535, 65_535, ">HH")
    ),
    "a JPEG of no pixels": lambda: (c := _small("JPEG")) and _sized(c, c.index(b"\xff\xc0") + 5, 0, 0, ">HH"),
    "a JPEG cut off": lambda: _small("JPEG")[:-20],
    "a JPEG of headers": lambda: b"\xff\xd8\xff" + b"\xff\xe1\x00\x02" * 50_000,
    "a JPEG of fills": lambda: b"\xff\xd8" + b"\xff" * 100_000,
    "EXIF of sixty thousand entries": lambda: _small(
        "JPEG", exif=_tiff(struct.pack("<HHII", 1, 2, 4, 0) * 5000, 65_535)
    ),
    "EXIF that points to itself": lambda: _small("JPEG", exif=_tiff(_turn(3, 1 << 30, struct.pack("<I", 8)), 1)),
    "EXIF of four billion values": lambda: _small("JPEG", exif=_tiff(_turn(7, 0xFFFFFFFF, struct.pack("<I", 8)), 1)),
    "EXIF in rationals over zero": lambda: _small(
        "JPEG", exif=_tiff(_turn(5, 1, struct.pack("<I", 26)), 1) + struct.pack("<II", 6, 0)
    ),
    "EXIF in big TIFF": lambda: _small("JPEG", exif=b"Exif\0\0II+\0" + b"\xff" * 60),
    "EXIF of no order": lambda: _small("JPEG", exif=b"Exif\0\0XX*\0" + bytes(20)),
    "a raw profile that is no hex": lambda: _png(16, 16, _chunk(b"tEXt", b"Raw profile type exif\0\nexif\n8\nzz\n")),
    "XMP that turns ten times": lambda: _small("JPEG", xmp=b'<x tiff:Orientation="9"/>' * 2000),
    "a BMP of 2^31": lambda: _sized(_small("BMP"), 18, (1 << 31) - 1, (1 << 31) - 1, "<ii"),
    "a BMP of negative size": lambda: _sized(_small("BMP"), 18, -16, -16, "<ii"),
    "a BMP of gigabytes": lambda: _sized(_small("BMP"), 18, 3999, 3999, "<ii"),
    "a BMP header of 2^31": lambda: (
        (c := bytearray(_small("BMP"))) and bytes(c[:14] + struct.pack("<I", 1 << 31) + c[18:])
    ),
    "a WebP canvas of a billion": lambda: (
        b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff" * 6
    ),
    "a WebP that lies": lambda: _small("WEBP")[:20] + b"\xff" * 40,
    "a WebP of no end": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff",
    "a TIFF": lambda: _small("TIFF"),
    "an SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "PostScript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(EXECUTED) (w) file\n",
    "an icon": lambda: b"\0\0\1\0\1\0" + bytes(60),
    "a PSD": lambda: b"8BPS\0\1" + bytes(60),
    "a pickle": lambda: b"\x80\x02cos\nmkdir\nX\x08\x00\x00\x00EXECUTED\x85R.",
    "nothing": lambda: b"",
    "zeros": lambda: bytes(1000),
}


def _picture(name: str, content: Callable[[], bytes], folder: Path, world: World) -> list[str]:
    for person in range(3):
        place = folder / "faces" / f"p{person}"
        place.mkdir(parents=True)
        (place / "1.png").write_bytes(world.picture)
    (folder / "faces" / "p0" / name).write_bytes(content())
    return ["overlap", "faces", world.others, "-o", "run"]


def _linked(how: str, command: str, folder: Path, world: World) -> list[str]:
    """Pictures behind links that lead to somebody else's."""
    place = folder / "faces" / "p0"
    place.mkdir(parents=True)
    (place / "1.png").write_bytes(world.picture)
    secret = Path(world.others, "p00o")
    if how == "a link to a picture":
        (place / "2.png").symlink_to(secret / "0.png")
    elif how == "a relative link":
        (place / "2.png").symlink_to(os.path.relpath(secret / "0.png", place))
    elif how == "a link to a person":
        (folder / "faces" / "p1").symlink_to(secret)
    else:
        (folder / "inside").symlink_to(secret)
        (place / "2.png").symlink_to("../../inside/0.png")
    (folder / "people.csv").write_text(
        "image,subject,role\n"
        + "".join(
            f"{path.relative_to(folder)},{path.parent.name},member\n"
            for path in sorted((folder / "faces").glob("*/*.png"))
        )
    )
    if command == "manifest":
        os.rename(folder / "people.csv", folder / "faces" / "people.csv")
        text = (folder / "faces" / "people.csv").read_text().replace("faces/", "")
        (folder / "faces" / "people.csv").write_text(text)
    return {
        "overlap": ["overlap", "faces", world.others, "-o", "run"],
        "manifest": ["overlap", "faces/people.csv", world.others, "-o", "run"],
        "pairs": ["pairs", "faces", "-o", "pairs.csv"],
        "train": ["train", "faces", "-o", "run"],
        "selfcheck": ["selfcheck", "--model", world.target, "--images", "faces"],
    }[command]


def _no_file(kind: str, folder: Path, world: World) -> list[str]:
    place = folder / "faces" / "p0"
    place.mkdir(parents=True)
    (place / "1.png").write_bytes(world.picture)
    odd = place / "2.png"
    if kind == "a pipe":
        os.mkfifo(odd)
    elif kind == "a device":
        odd.symlink_to("/dev/zero")
    elif kind == "a link to itself":
        odd.symlink_to("2.png")
    elif kind == "a link to nothing":
        odd.symlink_to("nothing.png")
    elif kind == "a folder":
        (odd / "x.png").mkdir(parents=True)
    elif kind == "a name of no text":
        (place / os.fsdecode(b"caf\xe9\x1b[2J.png")).write_bytes(world.picture)
    elif kind == "a loop of folders":
        (place / "loop").symlink_to("..")
    else:
        hidden = folder / "faces" / ".ipynb_checkpoints"
        hidden.mkdir()
        (hidden / "1.png").write_bytes(world.picture)
    return ["overlap", "faces", world.others, "-o", "run"]


def inputs() -> Iterator[Hostile]:
    """Every picture is examined; links are brought through several commands."""
    for name, content in CASES.items():
        yield Hostile("image", name, partial(_picture, "9.jpg", content))
    hows = ("a link to a picture", "a relative link", "a link to a person", "a link to a link")
    for how in hows:
        for command in ("overlap", "manifest", "pairs", "train", "selfcheck"):
            yield Hostile("image", f"{how}, {command}", partial(_linked, how, command), must_refuse=True)
    for kind in ("a pipe", "a device", "a link to itself", "a link to nothing", "a folder", "a name of no text",
                 "a loop of folders", "a hidden folder"):  # fmt: skip
        yield Hostile("image", kind, partial(_no_file, kind))
