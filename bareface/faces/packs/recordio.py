"""RecordIO framing: where the records of a `.rec` file start and which bytes each one holds, without MXNet.

A record is a magic number, a word (three bits of flag, 29 bits of length) and the payload, padded to four bytes.
Where a payload holds the magic number at an aligned place, the writer cuts it there and leaves the number out; the
flag says whether a part is a whole record (0), the first (1), a middle (2) or the last part (3). So an aligned
magic number is always the start of a part, and reading can find its way again behind damage
(`dmlc/recordio.h` of dmlc-core).
"""

import struct
from collections.abc import Iterator
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

MAGIC = 0xCED7230A
LENGTH = (1 << 29) - 1
WHOLE, FIRST, MIDDLE, LAST = range(4)
MAX_PAYLOAD = 65 << 20  # an image of the largest size that is decoded, and its labels
MAX_PARTS = 4096  # one part in 2^30 images is the honest rate
_MAGIC = struct.pack("<I", MAGIC)
_BLOCK = 1 << 24
_HEAD = struct.Struct("<II")

Buffer = bytes | mmap


class BrokenRecord(Exception):
    """The bytes at an offset are no whole record; the text says why. `RecordFile` turns it into a house error."""


def payload_at(buffer: Buffer, start: int) -> bytes:
    """The payload of the record that starts at a byte, its parts joined.

    Raises:
        BrokenRecord: there is no whole record.
    """
    size, flag, content = _part(buffer, start)
    if flag == WHOLE:
        return content
    if flag != FIRST:
        raise BrokenRecord(f"a part of another record (flag {flag})")
    parts, total = [content], size
    while flag != LAST:
        start += 8 + _padded(size)
        size, flag, content = _part(buffer, start)
        if flag not in (MIDDLE, LAST):
            raise BrokenRecord(f"a record without an end: its next part has flag {flag}")
        parts.append(content)
        total += size
        if total > MAX_PAYLOAD or len(parts) > MAX_PARTS:
            raise BrokenRecord(f"a record of more than {MAX_PAYLOAD >> 20} MiB or {MAX_PARTS:,} parts")
    return _MAGIC.join(parts)


def scan(buffer: Buffer) -> NDArray[np.int64]:
    """Where the records of a file start, in order, found without an index.

    Every aligned magic number starts a part. Parts that belong to no record and stretches between parts count as
    records, so that whoever reads them learns that something is lost.
    """
    parts = np.concatenate([np.empty(0, np.int64), *_magic_places(buffer)])
    heads = np.array([_HEAD.unpack_from(buffer, at)[1] for at in parts.tolist()], np.int64)
    flag, end = heads >> 29, parts + 8 + (((heads & LENGTH) + 3) & ~3)
    before, follows = np.r_[LAST, flag[:-1]], np.r_[0, end[:-1]] == parts
    continues = np.isin(flag, (MIDDLE, LAST)) & np.isin(before, (FIRST, MIDDLE)) & follows
    ends, nexts = np.r_[0, end], np.r_[parts, len(buffer)]
    return np.sort(np.concatenate([parts[~continues], ends[ends < nexts]]))


def _magic_places(buffer: Buffer) -> Iterator[NDArray[np.int64]]:
    words = np.frombuffer(buffer, "<u4", count=len(buffer) // 4)
    for at in range(0, len(words), _BLOCK):
        found = np.flatnonzero(words[at : at + _BLOCK] == MAGIC)
        yield 4 * (found[4 * (found + at) + 8 <= len(buffer)] + at)


def frame(payload: bytes) -> bytes:
    """The payload as a record, cut into parts where it holds the magic number at an aligned place.

    Raises:
        BrokenRecord: it is too large to be read again.
    """
    cuts = list(_aligned_magic(payload))
    if len(payload) > MAX_PAYLOAD or len(cuts) >= MAX_PARTS:
        raise BrokenRecord(f"a record of more than {MAX_PAYLOAD >> 20} MiB or {MAX_PARTS:,} parts")
    if not cuts:
        return _framed(WHOLE, payload)
    bounds = zip([0, *(cut + 4 for cut in cuts)], [*cuts, len(payload)], strict=True)
    flags = [FIRST, *[MIDDLE] * (len(cuts) - 1), LAST]
    return b"".join(_framed(flag, payload[a:b]) for flag, (a, b) in zip(flags, bounds, strict=True))


def _framed(flag: int, part: bytes) -> bytes:
    return _HEAD.pack(MAGIC, flag << 29 | len(part)) + part + bytes(-len(part) & 3)


def _part(buffer: Buffer, start: int) -> tuple[int, int, bytes]:
    """Length, flag and bytes of the part that starts at a byte."""
    if not 0 <= start <= len(buffer) - 8:
        raise BrokenRecord(f"nothing at byte {start:,}: the file ends at {len(buffer):,}")
    magic, word = _HEAD.unpack_from(buffer, start)
    size = word & LENGTH
    if magic != MAGIC:
        raise BrokenRecord(f"no record at byte {start:,}: the magic number is missing")
    if start + 8 + size > len(buffer):
        raise BrokenRecord(f"cut off: {size:,} bytes from byte {start + 8:,} in a file of {len(buffer):,}")
    if size > MAX_PAYLOAD:
        raise BrokenRecord(f"a record of more than {MAX_PAYLOAD >> 20} MiB")
    content = buffer[start + 8 : start + 8 + size]
    if _MAGIC in content and any(True for _ in _aligned_magic(content)):
        raise BrokenRecord(f"a wrong length at byte {start + 4:,}: another record starts inside")
    return size, word >> 29, content


def _aligned_magic(content: bytes) -> Iterator[int]:
    at = content.find(_MAGIC)
    while at >= 0:
        if at % 4 == 0:
            yield at
            at += 3
        at = content.find(_MAGIC, at + 1)


def _padded(size: int) -> int:
    return size + 3 & ~3
