"""Writes RecordIO files that MXNet and InsightFace read: `.rec` with `.idx`, and packs with their range headers."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bareface.errors import RosterError
from bareface.faces.packs.recordio import BrokenRecord, frame
from bareface.storage.files import atomic_path, write_text

_HEADER = struct.Struct("<IfQQ")


class RecordWriter:
    """Appends records; made by `writing`.

    Attributes:
        index: key -> byte where the record starts.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._end = file, 0
        self.index: dict[int, int] = {}

    def write(self, key: int, label: float | tuple[float, ...], content: bytes = b"") -> None:
        """Append one record.

        Args:
            key: its number.
            label: one number, or several.
            content: the bytes of an encoded image; none in records that speak about others.

        Raises:
            RosterError: the key was written before, or the record is too large.
        """
        if key in self.index:
            raise RosterError(f"record {key}", got="the same number twice", expected="every record once")
        several = label if isinstance(label, tuple) else ()
        header = _HEADER.pack(len(several), 0.0 if several else label, key, 0)
        try:
            framed = frame(header + struct.pack(f"<{len(several)}f", *several) + content)
        except BrokenRecord as error:
            raise RosterError(f"record {key}", got=str(error), expected="an image of at most 64 MiB") from None
        self.index[key] = self._end
        self._end += self._file.write(framed)


@contextmanager
def writing(path: Path) -> Iterator[RecordWriter]:
    """A writer of the `.rec` file at `path`; its `.idx` is written when the block ends well.

    Raises:
        RunError: the disk is full or the folder cannot be written; what stood there is untouched.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        writer = RecordWriter(file)
        yield writer
    write_text(path.with_suffix(".idx"), "".join(f"{key}\t{start}\n" for key, start in writer.index.items()))


def write_insightface(path: Path, people: Iterable[Iterable[bytes]], *, size: tuple[int, int] = (112, 112)) -> None:
    """A pack in the layout of InsightFace: images from record 1, one header for each person, record 0 last.

    Args:
        path: of the `.rec` file; `.idx` and `property` are written beside it.
        people: the encoded images of each person; the first person is label 0.
        size: height and width of the images, for the `property` file.
    """
    ranges: list[tuple[float, float]] = []
    with writing(path) as writer:
        key = 1
        for label, images in enumerate(people):
            first = key
            for content in images:
                writer.write(key, float(label), content)
                key += 1
            ranges.append((float(first), float(key)))
        for offset, bounds in enumerate(ranges):
            writer.write(key + offset, bounds)
        writer.write(0, (float(key), float(key + len(ranges))))
    write_text(path.with_name("property"), f"{len(ranges)},{size[0]},{size[1]}\n")
