"""Workers as processes of this machine, each with one thread: those of `concurrent.futures`, one a pool.

A pool of one process tells which shard it was that a process died of. Processes are spawned, not forked, and serve job
after job. They end with the process that they belong to, however that ends.
"""

import os
import signal
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from typing import Any

from bareface.shards.crew import PATIENCE, Silent, worked_off
from bareface.shards.ledger import Receipt, Worker
from bareface.shards.standing import begin, stand_by


@dataclass
class Processes:
    """So many spawned processes; use it as a context.

    Attributes:
        count: how many.
        patience: seconds of silence after which one counts as hung.
    """

    count: int
    patience: float = PATIENCE
    elsewhere: bool = True
    _hands: list["_Process"] = field(default_factory=list)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self._hands:
            hand.end()
        self._hands.clear()

    def pids(self) -> list[int]:
        """The numbers of the processes that are there."""
        return [hand.greeted().result() for hand in self._hands]

    def map(self, worker: Worker, shards: Sequence[int]) -> Generator[Receipt, None, None]:
        """The receipts of shards, in the order in which they are finished; as `Executor.map`."""
        while len(self._hands) < min(self.count, len(shards)):
            self._hands.append(_Process())
        yield from worked_off(self._hands, worker, shards, self.patience)


class _Process:
    """One process in a pool of its own."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_prepare)
        self._pid = self._pool.submit(os.getpid)

    def greeted(self) -> "Future[Any]":
        return self._pid

    def take(self, worker: Worker, number: int) -> "Future[Receipt]":
        return self._pool.submit(stand_by, worker, number)

    def renew(self, error: BaseException) -> None:
        if isinstance(error, BrokenProcessPool | Silent):
            self.end()
            self._begin()

    def end(self) -> None:
        """Kill the process; what it has written is whole, and what it has not is done again."""
        if self._pid.done() and self._pid.exception() is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid.result(), signal.SIGKILL)
        self._pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    """One thread, no ear for Ctrl-C, which is its owner's to hear, and an end when its owner ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
