"""Who gets which shard, and what happens to one that is not done: hands that answer at once, and some that do not."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from shard_work import SmallFiles

from bareface.errors import RunError
from bareface.shards.crew import Silent, worked_off
from bareface.shards.heartbeat import Watch, heart_of
from bareface.shards.ledger import Receipt, Worker


def ended(value: object = None, error: BaseException | None = None) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_exception(error) if error else future.set_result(value)
    return future


@dataclass
class ToldHand:
    """A hand that does what it is told.

    Attributes:
        hangs_on: shards that it never finishes, until it was renewed.
        fails_on: shards that it always fails on.
        comes: whether it answers a greeting.
    """

    hangs_on: set[int] = field(default_factory=set)
    fails_on: set[int] = field(default_factory=set)
    comes: bool = True
    renewed: int = 0
    took: list[int] = field(default_factory=list)

    def greeted(self) -> "Future[Any]":
        return ended() if self.comes else ended(error=OSError("no memory for a process"))

    def take(self, worker: Worker, number: int) -> "Future[Receipt]":
        self.took.append(number)
        if number in self.hangs_on:
            return Future()
        if number in self.fails_on:
            return ended(error=ValueError(f"shard {number} is cursed"))
        return ended(Receipt(number, 1, ""))

    def renew(self, error: BaseException) -> None:
        self.hangs_on, self.renewed = set(), self.renewed + isinstance(error, Silent)


def numbers(hands: list[ToldHand], folder: Path, count: int = 5) -> list[int]:
    return [one.number for one in worked_off(hands, SmallFiles(folder), range(count), patience=0.0)]


def test_every_shard_is_done_once(tmp_path: Path) -> None:
    hands = [ToldHand(), ToldHand()]
    assert sorted(numbers(hands, tmp_path)) == [0, 1, 2, 3, 4]
    assert sorted(hands[0].took + hands[1].took) == [0, 1, 2, 3, 4]
    assert all(hand.took for hand in hands)


def test_there_are_no_more_hands_than_shards(tmp_path: Path) -> None:
    hands = [ToldHand(), ToldHand()]
    assert numbers(hands, tmp_path, count=1) == [0]
    assert not hands[1].took


def test_a_hand_that_hangs_is_renewed_and_its_shard_is_done(tmp_path: Path) -> None:
    hand = ToldHand(hangs_on={2})
    assert sorted(numbers([hand], tmp_path)) == [0, 1, 2, 3, 4]
    assert hand.renewed == 1
    assert hand.took.count(2) == 2


def test_a_shard_that_fails_three_times_is_named_after_the_rest_is_done(tmp_path: Path) -> None:
    hands, done = [ToldHand(fails_on={1, 3}), ToldHand(fails_on={1, 3})], list[int]()
    with pytest.raises(RunError, match=r"2 of 5 shards that failed 3 times: shard 1 .*is cursed.*; shard 3") as raised:
        done.extend(one.number for one in worked_off(hands, SmallFiles(tmp_path), range(5), patience=0.0))
    assert "the others are done and kept. Try: the same command goes on with these alone" in str(raised.value)
    took = hands[0].took + hands[1].took
    assert {number: took.count(number) for number in range(5)} == {0: 1, 1: 3, 2: 1, 3: 3, 4: 1}


def test_where_nobody_can_be_started_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"got no worker that could be started \(OSError: no memory for a process\)"):
        numbers([ToldHand(comes=False), ToldHand(comes=False)], tmp_path)


def test_one_hand_that_does_not_come_is_done_without(tmp_path: Path) -> None:
    there = ToldHand()
    assert sorted(numbers([ToldHand(comes=False), there], tmp_path)) == [0, 1, 2, 3, 4]


def test_a_heart_that_beats_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bareface.shards.heartbeat.time.monotonic", lambda: now[0])
    heart, watch = heart_of(tmp_path, 3), Watch(heart_of(tmp_path, 3).path, patience=10.0)
    for moment in (9.0, 18.0, 27.0):
        now[0] = moment
        heart.beat(int(moment))
        assert not watch.is_silent()
    now[0] = 38.0
    assert watch.is_silent()
    heart.stop()
    assert not list(tmp_path.iterdir())
