"""The headers of tar archives: which files they hold, and where.

Python's `tarfile` takes a damaged header in the middle for the end of the archive and drops the rest in silence, so
the headers are read here: blocks of 512 bytes with a checksum (POSIX.1-1988 ustar, GNU long names and numbers,
POSIX.1-2001 pax records). Behind damage reading goes on at the next block that is a sound header.
"""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 512
_NOTHING = bytes(BLOCK)
_FILES, _WITHOUT_CONTENT, _FOLDER, _LINKS = b"0\x007", b"123456", b"5", b"12"
_GNU_NAME, _GNU_LINK, _PAX, _PAX_GLOBAL = b"LKxg"
_SIZE = 124, 136
_LONGEST = 1 << 20
_RECORD = re.compile(rb"([1-9][0-9]{0,8}) ([^=]{1,256})=")

Buffer = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: as the archive says; of a damaged stretch its bytes.
        start: first byte of its content.
        size: of its content, in bytes.
        flaw: why its content cannot be read; empty when it can.
    """

    name: str
    start: int
    size: int
    flaw: str = ""


def members(buffer: Buffer) -> Iterator[Member]:
    """The entries of an archive in order, damaged stretches among them; folders are left out."""
    at, end = 0, len(buffer)
    said: dict[bytes, bytes] = {}
    while at < end:
        header = buffer[at : at + BLOCK]
        if header == _NOTHING[: len(header)]:
            at += BLOCK
            continue
        if not _is_sound(header):
            following = _next_header(buffer, at + BLOCK)
            yield _stretch(at, following, "a damaged header")
            at, said = following, {}
            continue
        kind, content = header[156], at + BLOCK
        size = _size(header, said)
        after = content + (0 if kind in _WITHOUT_CONTENT else size + BLOCK - 1 & -BLOCK)
        if kind not in (_GNU_NAME, _GNU_LINK, _PAX, _PAX_GLOBAL):
            yield from _member(header, said, content, size, end)
            said = {}
        elif content + size > end:
            yield _stretch(at, end, "cut off inside a long name")
        else:
            said |= _said(kind, buffer[content : content + min(size, _LONGEST)])
        at = after


def _stretch(start: int, end: int, flaw: str) -> Member:
    return Member(f"bytes {start}-{end}", start, end - start, flaw)


def _member(header: bytes, said: dict[bytes, bytes], start: int, size: int, end: int) -> Iterator[Member]:
    name = (said.get(b"path") or _name(header)).decode("utf-8", "backslashreplace")
    kind = header[156]
    if kind in _FOLDER or (kind in _FILES and name.endswith("/")):
        return
    if kind in _LINKS:
        yield Member(name, start, 0, "a link to another file")
    elif kind not in _FILES:
        yield Member(name, start, 0, f"an entry of kind {chr(kind)!r}")
    elif start + size > end:
        yield Member(name, start, 0, f"cut off: {size:,} bytes from byte {start:,} in a file of {end:,}")
    else:
        yield Member(name, start, size)


def _name(header: bytes) -> bytes:
    name, prefix = header[:100].partition(b"\0")[0], header[345:500].partition(b"\0")[0]
    return prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name


def _size(header: bytes, said: dict[bytes, bytes]) -> int:
    return _octal(said.get(b"size", b""), base=10) or _octal(header[slice(*_SIZE)]) or 0


def _said(kind: int, content: bytes) -> dict[bytes, bytes]:
    """What an extended header says about the next member."""
    if kind == _GNU_NAME:
        return {b"path": content.partition(b"\0")[0]}
    found, at = {}, 0
    while kind == _PAX and (record := _RECORD.match(content, at)) is not None:
        after = at + int(record[1])
        if after <= record.end():
            break
        found[record[2]] = content[record.end() : after - 1]
        at = after
    return found


def _is_sound(header: bytes) -> bool:
    """Whether the checksum fits: the sum of all bytes, with its own eight as spaces."""
    if len(header) < BLOCK or _octal(header[slice(*_SIZE)]) is None:
        return False
    return _octal(header[148:156]) == sum(header[:148]) + 8 * ord(" ") + sum(header[156:])


def _octal(field: bytes, base: int = 8) -> int | None:
    """A number in digits, or in GNU's base 256 where the first bit is set; None for anything else."""
    if field[:1] == b"\x80":
        number = int.from_bytes(field[1:], "big")
        return number if number < 1 << 62 else None
    digits = field.partition(b"\0")[0].strip()
    if not re.fullmatch(rb"[0-7]{0,20}" if base == 8 else rb"[0-9]{0,18}", digits):
        return None
    return int(digits or b"0", base)


def _next_header(buffer: Buffer, at: int) -> int:
    while at + BLOCK <= len(buffer):
        header = buffer[at : at + BLOCK]
        if header != _NOTHING and _is_sound(header):
            return at
        at += BLOCK
    return len(buffer)
