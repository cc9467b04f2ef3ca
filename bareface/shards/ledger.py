"""The unit of work: a slice of images whose answers are written at once, and a receipt that says what was written.

Files decide what is done. A receipt only says where to look: whoever hands out shards compares it with the disk, so a
shard that is done twice, by a worker that was thought dead, is done once.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow.parquet as pq

from bareface.errors import RunError
from bareface.storage.artefacts import Fit, digest_beside, fit_of, is_sound

if TYPE_CHECKING:
    from bareface.shards.executor import Executor


@dataclass(frozen=True)
class Receipt:
    """What a worker says when a shard is written; it names neither people nor paths.

    Attributes:
        number: of the shard.
        rows: in its first file.
        digest: of its files' digests.
    """

    number: int
    rows: int
    digest: str


@dataclass(frozen=True)
class Shard:
    """A slice of the work, by the files that it leaves.

    Attributes:
        number: which one.
        paths: Parquet files, each written whole or not at all.
        key: of all that they depend on; a file of anything else counts as missing.
    """

    number: int
    paths: tuple[Path, ...]
    key: str

    def is_done(self) -> bool:
        """Whether all files are there, whole and its own; damage is said, and the shard is made again."""
        return all(is_sound(path, of=self.key) for path in self.paths)

    def written(self) -> Receipt:
        """The receipt of whoever has just written the files."""
        digests = "".join(digest_beside(path) for path in self.paths)
        rows = int(pq.read_metadata(self.paths[0]).num_rows)
        return Receipt(self.number, rows, hashlib.sha256(digests.encode()).hexdigest())

    def found(self) -> Receipt:
        """The receipt of what lies on the disk now.

        Raises:
            RunError: a file is missing, damaged or of something else.
        """
        for path in self.paths:
            fit = fit_of(path, of=self.key)
            if fit is not Fit.SOUND:
                got = f"{path.name} {fit.value}, although its worker has written it"
                hint = "a folder that every worker writes to and this process reads; the same command goes on"
                raise RunError(str(path.parent), got=got, expected="the file of a finished shard", hint=hint)
        return self.written()


Work = Callable[[int], Receipt]
"""Does the shard of that number and gives its receipt."""


class Worker(Protocol):
    """Whoever can do shards of one job; one that travels is picklable and small, and finds all it needs in a folder."""

    @property
    def folder(self) -> Path:
        """Where it leaves signs of life."""

    def opened(self) -> AbstractContextManager[Work]:
        """Ready to work while the block runs: the model is loaded once."""


def work_off(
    executor: "Executor", worker: Worker, todo: Sequence[Shard], report: Callable[[Receipt], None] | None = None
) -> None:
    """Have shards done and their receipts compared with the disk.

    Args:
        executor: who does them, in any order.
        worker: what is done.
        todo: the shards that are not done.
        report: called with each receipt.

    Raises:
        RunError: a shard was given up, or its files are not where this process reads; all others are done.
        BarefaceError: a mistake that trying again would not mend.
    """
    by_number = {shard.number: shard for shard in todo}
    with closing(executor.map(worker, tuple(by_number))) as receipts:
        for receipt in receipts:
            if by_number[receipt.number].found() != receipt:
                got = f"shard {receipt.number} with other bytes than its worker has written"
                raise RunError(
                    str(worker.folder), got=got, expected="one folder for all", hint="the same command again"
                )
            if report is not None:
                report(receipt)
