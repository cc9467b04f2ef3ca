"""What reading RecordIO costs without decoding images: python -m benchmarks.speed.recordio

Writes an InsightFace pack of a million records in a temporary folder, then reads it on one core, in CPU time (the
machine may be busy; waiting is not reading) and in elapsed time. Every payload is compared with what was written, so
nothing is skipped. At the end: peak memory, of the process and of a roster of the pack.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bareface.faces.packs.record_writer import write_insightface
from bareface.faces.packs.records import PackRecord, RecordFile
from bareface.faces.people import read_people

IMAGES_OF_A_PERSON, SMALLEST, LARGEST = 100, 200, 400


def image(key: int) -> bytes:
    """A few hundred bytes, different for every record."""
    return key.to_bytes(8, "little") * ((SMALLEST + key * 7919 % (LARGEST - SMALLEST)) // 8)


def people(records: int) -> Iterator[Iterator[bytes]]:
    """The images of every person; keys start at 1."""
    for first in range(1, records + 1, IMAGES_OF_A_PERSON):
        yield (image(key) for key in range(first, min(first + IMAGES_OF_A_PERSON, records + 1)))


def timed(what: str, records: int, work: Callable[[], object]) -> None:
    """Run and print how many records a second it did."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{what:<48}{records / cpu:>12,.0f} records/s CPU{records / wall:>12,.0f} records/s elapsed")


def read_all(file: RecordFile, records: int) -> None:
    """Every record in the order of the file: number, label and bytes."""
    sound = sum(
        isinstance(r, PackRecord) and (not r.content or r.content[:8] == r.key.to_bytes(8, "little")) for r in file
    )
    assert sound == len(file) > records


def read_some(file: RecordFile, keys: list[int]) -> None:
    """Records one at a time, in any order."""
    assert all(file.read(key).content[:8] == key.to_bytes(8, "little") for key in keys)


def measure(path: Path, records: int) -> None:
    """All ways to read one pack."""
    timed("open with its .idx", records, lambda: RecordFile(path))
    file = RecordFile(path)
    keys = (np.random.default_rng(0).permutation(records) + 1).tolist()
    timed("sequential: key, label and bytes", len(file), lambda: read_all(file, records))
    timed("random access: key, label and bytes", records, lambda: read_some(file, keys))
    timed("headers only (labels of all)", len(file), file.headers)
    timed("roster: images, people, roles", records, lambda: read_people(path, "member"))
    path.with_suffix(".idx").unlink()
    timed("open without .idx: walk the file", len(file), lambda: RecordFile(path))
    timed("walk and read everything", len(file), lambda: read_all(RecordFile(path), records))


def main() -> None:
    """Write, read, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.rec"
        timed("write", records, lambda: write_insightface(path, people(records)))
        print(f"{records:,} images, {path.stat().st_size:,} bytes")
        measure(path, records)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process, the mapped file included: {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
