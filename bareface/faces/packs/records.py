"""InsightFace training packs (`train.rec` with `train.idx`): labelled, encoded images in RecordIO, read without MXNet.

The payload of a record is a header of 24 bytes (flag, label, id, second id), `flag` further labels where the flag is
not zero, and an encoded image. Records without an image speak about other records: in packs of InsightFace record 0
holds the number of the first such record, so its images are 1 to that number, and one more for each person
holds the range of that person's images (`recognition/arcface_torch/dataset.py` of deepinsight/insightface).
"""

import mmap
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.packs.listing import AGAIN
from bareface.faces.packs.recordio import FIRST, LENGTH, MAGIC, WHOLE, BrokenRecord, payload_at, scan
from bareface.faces.packs.sidecars import beside, read_index
from bareface.untrusted.regular import is_file, open_file, what_lies_at

HEADER = struct.Struct("<IfQQ")
_BLOCK = 1 << 16


class PackRecord(NamedTuple):
    """One record.

    Attributes:
        key: its number.
        label: its labels; the first is the person, where the record is an image.
        content: the bytes of an encoded image; empty in records that speak about others.
    """

    key: int
    label: tuple[float, ...]
    content: bytes


@dataclass(frozen=True)
class Headers:
    """What the headers of all records say, without reading their images.

    Attributes:
        sound: (n,) whether there is a header; the other attributes mean nothing where there is none.
        label: (n,) the first label.
        id: (n,) the number that the record gives itself.
        empty: (n,) whether no image follows.
    """

    sound: NDArray[np.bool_]
    label: NDArray[np.float32]
    id: NDArray[np.uint64]
    empty: NDArray[np.bool_]


class RecordFile:
    """A RecordIO file, open for reading any record at any time, from any thread.

    Args:
        path: a `.rec` file. An `.idx` of the same name beside it says where its records start; without one the
            file is walked once.

    Attributes:
        path: of the file.
        keys: (n,) numbers of the records, as the index says or, without one, as the records themselves do.

    Raises:
        RosterError: the file is missing or empty, or its index is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = _mapped(path)
        index = beside(path, ".idx")
        if index is not None:
            self.keys, self._starts = read_index(index)
        else:
            self._starts = scan(self._bytes)
            self.keys = _numbered(self.headers())
        order = np.argsort(self.keys, kind="stable")
        # Arrays of Python's own give one number faster than NumPy's.
        self._sorted, self._places = array("q", self.keys[order].tobytes()), array("q", self._starts[order].tobytes())

    def __len__(self) -> int:
        """How many records there are, damaged ones included."""
        return len(self.keys)

    def read(self, key: int) -> PackRecord:
        """The record with a number.

        Raises:
            FlawedImage: there is none, or it is damaged; the message says which and why.
        """
        place = bisect_left(self._sorted, key)
        if place == len(self._sorted) or self._sorted[place] != key:
            raise self._flawed(key, BrokenRecord("no record has this number"))
        return self._at(key, self._places[place])

    def __iter__(self) -> Iterator[PackRecord | FlawedImage]:
        """Every record in the order of `keys`; of a damaged one the error that reading it would raise."""
        for key, start in zip(self.keys.tolist(), self._starts.tolist(), strict=True):
            try:
                yield self._at(key, start)
            except FlawedImage as flawed:
                yield flawed

    def headers(self) -> Headers:
        """The headers of all records, in the order of `keys`."""
        blocks = [self._headers(self._starts[at : at + _BLOCK]) for at in range(0, len(self._starts), _BLOCK)]
        blocks = blocks or [self._headers(self._starts)]
        return Headers(*(np.concatenate(column) for column in zip(*blocks, strict=True)))

    def _at(self, key: int, start: int) -> PackRecord:
        try:
            return self._parsed(key, payload_at(self._bytes, start))[0]
        except (BrokenRecord, struct.error) as error:
            raise self._flawed(key, error) from None

    @staticmethod
    def _parsed(key: int, payload: bytes) -> tuple[PackRecord, int]:
        """The record in a payload, and the number that it gives itself."""
        flag, label, number, _second = HEADER.unpack_from(payload)
        if flag == 0:
            return PackRecord(key, (label,), payload[24:]), number
        if 24 + 4 * flag > len(payload):
            raise BrokenRecord(f"{flag:,} labels in {len(payload):,} bytes")
        labels = struct.unpack_from(f"<{flag}f", payload, 24)
        return PackRecord(key, labels, payload[24 + 4 * flag :]), number

    def _flawed(self, key: int, error: Exception) -> FlawedImage:
        reason = str(error) if isinstance(error, BrokenRecord) else "too short for a header"
        flaw = Flaw.TRUNCATED if reason.startswith("cut off") else Flaw.UNREADABLE
        return FlawedImage(f"{self.path}, record {key}", flaw, reason, "a whole record", AGAIN)

    def _headers(self, starts: NDArray[np.int64]) -> tuple[NDArray[np.generic], ...]:
        """The columns of `Headers` for some records."""
        end = len(self._bytes)
        here = (starts >= 0) & (starts <= end - 32)
        places = np.minimum(np.where(here, starts, 0)[:, None] + np.arange(36), end - 1)
        rows = np.frombuffer(self._bytes, np.uint8)[places].view("<u4")
        magic, word, flag = rows[:, 0], rows[:, 1], rows[:, 2].astype(np.int64)
        size, kind = (word & LENGTH).astype(np.int64), word >> 29
        there = here & (magic == MAGIC) & (starts + 8 + size <= end)
        sound = there & (kind <= FIRST) & (size >= 24 + 4 * flag)
        label = np.where(flag > 0, rows[:, 8], rows[:, 3]).astype("<u4").view("<f4")
        columns = sound, label, rows[:, 4:6].copy().view("<u8")[:, 0], (size == 24 + 4 * flag) & (kind == WHOLE)
        for row in np.flatnonzero(there & (kind == FIRST) & ~sound).tolist():
            self._read_header(int(starts[row]), row, columns)
        return columns

    def _read_header(self, start: int, row: int, columns: tuple[NDArray[np.generic], ...]) -> None:
        """Fill in one row the slow way: the magic number stands in the header itself, which lies in parts."""
        with suppress(BrokenRecord, struct.error):
            record, number = self._parsed(0, payload_at(self._bytes, start))
            for column, value in zip(columns, (True, record.label[0], number, not record.content), strict=True):
                column[row] = value


def _mapped(path: Path) -> mmap.mmap:
    try:
        with open_file(path) as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        got = f"a file that cannot be read ({error})" if is_file(path) else what_lies_at(path)
        raise RosterError(str(path), got=got, expected="a RecordIO file") from None


def _numbered(headers: Headers) -> NDArray[np.int64]:
    """The numbers that records give themselves; their positions, where those are no numbers of their own.

    A damaged record gets the number after the one before it, which is its own in every file that was written in
    order.
    """
    own = headers.id[headers.sound]
    if len(np.unique(own)) < len(own) or not (own < 1 << 62).all():
        return np.arange(len(headers.id))
    keys = headers.id.astype(np.int64)
    if headers.sound.all():
        return keys
    taken, fresh = set(own.tolist()), int(own.max(initial=0))
    for row in np.flatnonzero(~headers.sound).tolist():
        guess = int(keys[row - 1]) + 1 if row else 0
        if guess in taken:
            guess = fresh = fresh + 1
        taken.add(guess)
        fresh = max(fresh, guess)
        keys[row] = guess
    return keys
