"""RecordIO framing: where the records of a `.rec` file start and which bytes each one holds, without MXNet.

A record is a magic number, a word (three bits of flag, 29 bits of length) and the payload, padded to four bytes.
Where a payload holds the magic number at an aligned place, the writer cuts it there and leaves the number out; the
flag says whether a part is a whole record (0), the first (1), a middle (2) or the last part (3). So an aligned
magic number is always the start of a part, and reading can find its way again behind damage
(`dmlc/recordio.h` of dmlc-core).
"""

import struct
from array import array
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
    """Where the records of a file start, in order, found by walking it.

    A stretch of bytes that belongs to no record counts as one, so that whoever reads it learns of it.
    """
    starts, end, at = array("q"), len(buffer), 0
    lost: set[int] = set()
    unpack = _HEAD.unpack_from
    while at + 8 <= end:
        starts.append(at)
        magic, word = unpack(buffer, at)
        size = word & LENGTH
        after = at + 8 + size
        if magic == MAGIC and word <= LENGTH and after <= end:
            at = after + (-size & 3)
        else:
            at = _after(buffer, at, starts, lost)
    if at < end:
        starts.append(at)
    return np.frombuffer(starts, np.int64) if starts else np.empty(0, np.int64)


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


def _after(buffer: Buffer, at: int, starts: "array[int]", lost: set[int]) -> int:
    """Where to go on behind something that is no record in one piece; notes a stretch that is lost."""
    if (end := _end_of_parts(buffer, at, lost)) is not None:
        return end
    sound_so_far = len(starts) > 1 and _HEAD.unpack_from(buffer, at)[0] != MAGIC
    # The record before may have claimed too much and hidden others: look for a start inside it, too.
    following = _next_start(buffer, (starts[-2] if sound_so_far else at) + 4)
    if following < at:
        starts.pop()
    return following


def _end_of_parts(buffer: Buffer, at: int, lost: set[int]) -> int | None:
    """Where a record in several parts ends; None when it is none, or has no end.

    Middle parts that lead nowhere are kept in `lost`, so that no chain of them is walked twice.
    """
    wanted: tuple[int, ...] = (FIRST,)
    middle: list[int] = []
    while at + 8 <= len(buffer) and at not in lost:
        magic, word = _HEAD.unpack_from(buffer, at)
        size, flag = word & LENGTH, word >> 29
        if magic != MAGIC or flag not in wanted or at + 8 + size > len(buffer):
            break
        if flag == MIDDLE:
            middle.append(at)
        at += 8 + _padded(size)
        if flag == LAST:
            return at
        wanted = (MIDDLE, LAST)
    lost.update(middle)
    return None


def _next_start(buffer: Buffer, at: int) -> int:
    """The next aligned place that looks like the start of a record; the end of the file when there is none."""
    while (at := buffer.find(_MAGIC, at)) >= 0 and at + 8 <= len(buffer):
        if at % 4 == 0 and _HEAD.unpack_from(buffer, at)[1] >> 29 in (WHOLE, FIRST):
            return at
        at += 1
    return len(buffer)


def _aligned_magic(content: bytes) -> Iterator[int]:
    at = content.find(_MAGIC)
    while at >= 0:
        if at % 4 == 0:
            yield at
            at += 3
        at = content.find(_MAGIC, at + 1)


def _padded(size: int) -> int:
    return size + 3 & ~3
