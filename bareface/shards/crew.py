"""Several workers and one list of shards: who is free takes the next one; what fails is tried three times in all.

Workers are processes that may die (a crash in a decoder, too little memory, a lost machine) or hang. Either way the
shard goes back to the list, and a new process takes the place of the old one. Counting is done here, once, whatever
runs the processes.
"""

from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from bareface.errors import BarefaceError, RunError, one_line
from bareface.shards.heartbeat import Watch, heart_of
from bareface.shards.ledger import Receipt, Worker

TRIES = 3
PATIENCE = 900.0
"""Seconds without a sign of life after which a worker counts as hung; loading a large model takes some of them."""
_LOOK_EVERY = 0.5
_SHOWN = 300


class Silent(Exception):
    """A worker that gave no sign of life."""


class Hand(Protocol):
    """A process that does shards, one at a time."""

    def greeted(self) -> "Future[Any]":
        """Done when the process is there."""

    def take(self, worker: Worker, number: int) -> "Future[Receipt]":
        """Do a shard."""

    def renew(self, error: BaseException) -> None:
        """After a failure: see to it that there is a process that can work; one that is `Silent` has to be ended."""


@dataclass
class _Shift:
    """One job, while it is worked on.

    Attributes:
        worker: what is done.
        waiting: shards that nobody works on.
        patience: seconds of silence after which a hand counts as hung.
        busy: who works on which shard; on none while a hand is waited for.
        free: hands without a shard.
        tries, absent: how often each shard has failed, and each hand has not come.
        lost: shards that were given up, and what was said last.
    """

    worker: Worker
    waiting: deque[int]
    patience: float
    busy: dict["Future[Any]", tuple[Hand, int | None, Watch]] = field(default_factory=dict)
    free: list[Hand] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)
    absent: Counter[int] = field(default_factory=Counter)
    lost: dict[int, str] = field(default_factory=dict)

    def greet(self, hand: Hand) -> None:
        """Wait for a hand."""
        self.busy[hand.greeted()] = hand, None, Watch(None, self.patience)

    def hand_out(self) -> None:
        """Shards that wait to hands that are free."""
        while self.waiting and self.free:
            hand, number = self.free.pop(), self.waiting.popleft()
            watch = Watch(heart_of(self.worker.folder, number).path, self.patience)
            self.busy[hand.take(self.worker, number)] = hand, number, watch

    def done(self) -> Iterator[Receipt]:
        """Receipts of what was finished since the last look; the hands of all others are dealt with."""
        finished, _ = wait(self.busy, _LOOK_EVERY, FIRST_COMPLETED)
        for future in finished:
            hand, number, _ = self.busy.pop(future)
            error = future.exception()
            if error is not None:
                self._failed(hand, number, _cause(error))
                continue
            self.free.append(hand)
            if number is not None:
                yield future.result()
        for future in [one for one, (_, _, watch) in self.busy.items() if not one.done() and watch.is_silent()]:
            hand, number, _ = self.busy.pop(future)
            self._failed(hand, number, Silent(f"no sign of life for {self.patience:g} s"))

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and nobody works."""
        return not self.waiting and all(number is None for _, number, _ in self.busy.values())

    def _failed(self, hand: Hand, number: int | None, error: BaseException) -> None:
        if isinstance(error, BarefaceError):
            raise error
        hand.renew(error)
        said = one_line(f"{type(error).__name__}: {error}")[:_SHOWN]
        if number is None:
            self._absent(hand, said)
            return
        self.tries[number] += 1
        if self.tries[number] < TRIES:
            self.waiting.append(number)
        else:
            self.lost[number] = said
        self.greet(hand)

    def _absent(self, hand: Hand, said: str) -> None:
        """A hand that does not come is called three times."""
        self.absent[id(hand)] += 1
        if self.absent[id(hand)] < TRIES:
            self.greet(hand)
        elif not self.busy and not self.free:
            got, hint = f"no worker that could be started ({said})", "--workers 1"
            raise RunError(str(self.worker.folder), got=got, expected="at least one", hint=hint)


def worked_off(
    hands: Sequence[Hand], worker: Worker, shards: Sequence[int], patience: float = PATIENCE
) -> Generator[Receipt, None, None]:
    """The receipts of shards in the order in which hands finish them.

    Raises:
        RunError: after all others are done: the shards that failed three times, and what was said last.
        BarefaceError: a mistake that a person can act on.
    """
    shift = _Shift(worker, deque(shards), patience)
    for hand in hands[: len(shards)]:
        shift.greet(hand)
    while not shift.is_over:
        yield from shift.done()
        shift.hand_out()
    if shift.lost:
        raise _given_up(worker, shift.lost, len(shards))


def _given_up(worker: Worker, lost: dict[int, str], asked: int) -> RunError:
    named = "; ".join(f"shard {number} ({said})" for number, said in sorted(lost.items()))
    return RunError(
        str(worker.folder),
        got=f"{len(lost)} of {asked} shards that failed {TRIES} times: {named}",
        expected="all of them; the others are done and kept",
        hint="the same command goes on with these alone; with --workers 1 it shows what goes wrong",
    )


def _cause(error: BaseException) -> BaseException:
    """What was raised in the other process; engines wrap it."""
    inner = getattr(error, "cause", None)
    return inner if isinstance(inner, BaseException) else error
