"""Shards that somebody else does: the array job of a queue, whose tasks know a folder and a number."""

from collections.abc import Generator, Sequence

from bareface.shards.ledger import Receipt, Worker


class ShardsLeft(Exception):
    """Jobs lie ready in their folders; what needs their answers waits until they are done."""


class Listing:
    """Does nothing: every job is left in its folder."""

    elsewhere = True

    def map(self, worker: Worker, shards: Sequence[int]) -> Generator[Receipt, None, None]:
        """No receipt.

        Raises:
            ShardsLeft: there are shards to do.
        """
        if shards:
            raise ShardsLeft
        yield from ()
