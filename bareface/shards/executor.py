"""Who does the shards of a job: the seam between what is computed and where."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bareface.shards.ledger import Receipt, Worker
from bareface.storage.cache import Room


class Executor(Protocol):
    """Somebody who has shards done; the bytes that they leave do not depend on who it is."""

    @property
    def elsewhere(self) -> bool:
        """Whether workers are other processes, so that a worker has to be one that travels."""

    def map(self, worker: Worker, shards: Sequence[int]) -> Generator[Receipt, None, None]:
        """The receipts of shards, in the order in which they are finished.

        Raises:
            RunError: after all others are done: the numbers of those that failed three times, and why.
            BarefaceError: a mistake that a person can act on; it would be the same on the second try.
        """


class Inline:
    """Everything in this process, one shard after the other."""

    elsewhere = False

    def map(self, worker: Worker, shards: Sequence[int]) -> Generator[Receipt, None, None]:
        """The receipts of shards, in the order asked for; what goes wrong is raised at once."""
        if shards:
            with worker.opened() as work:
                yield from map(work, shards)


INLINE = Inline()


@dataclass(frozen=True)
class Workshop:
    """Where something is made, and by whom.

    Attributes:
        room: the folder, and what it shares with others.
        executor: who makes what comes in shards.
    """

    room: Room
    executor: Executor = INLINE
