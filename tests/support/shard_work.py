"""Work for shards that needs no backbone: small files, written by workers that die, fail or make mistakes when told."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bareface.errors import TargetError
from bareface.shards.ledger import Receipt, Shard, Work
from bareface.storage.artefacts import artefact_path

KEY = "small files"


@dataclass(frozen=True)
class SmallFiles:
    """A worker whose shard n is a table of n + 1 numbers.

    Attributes:
        folder: where they go.
        deadly: shards on which the process dies; `once` only the first time.
        raising: shards on which something is raised, every time.
        mistaken: shards on which a person's mistake is found.
        waiting: shards that take until there is a file `go on`.
    """

    folder: Path
    deadly: tuple[int, ...] = ()
    once: tuple[int, ...] = ()
    raising: tuple[int, ...] = ()
    mistaken: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()

    @contextmanager
    def opened(self) -> Iterator[Work]:
        """Counts how often it was opened."""
        with (self.folder / "opened").open("a") as counted:
            counted.write(f"{os.getpid()}\n")
        yield self._work

    def shards(self, count: int) -> list[Shard]:
        """What there is to do."""
        return [Shard(number, (self.folder / f"part-{number:05d}.parquet",), KEY) for number in range(count)]

    def _work(self, number: int) -> Receipt:
        if number in self.deadly or (number in self.once and self._first(number)):
            os.kill(os.getpid(), signal.SIGKILL)
        while number in self.waiting and not (self.folder / "go on").exists():
            time.sleep(0.01)
        if number in self.raising:
            raise ValueError(f"no shard {number} for you")
        if number in self.mistaken:
            raise TargetError("tiny", got="an embedding that is not finite", expected="numbers")
        shard = self.shards(number + 1)[number]
        with artefact_path(shard.paths[0], of=KEY) as temporary:
            pq.write_table(pa.table({"n": list(range(number + 1))}), temporary)
        return shard.written()

    def _first(self, number: int) -> bool:
        try:
            (self.folder / f"died-{number}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def left_in(folder: Path) -> dict[str, bytes]:
    """The parts that lie in a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("part-*")}
