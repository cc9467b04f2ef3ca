"""Signs of life of whoever works on a shard: a small file beside the job that changes with every batch.

It is read by whoever handed the shard out, with its own clock, so that clocks of several machines need not agree.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 1.0
"""Seconds between two signs, at least."""


@dataclass
class Heart:
    """Beats for one shard.

    Attributes:
        path: of the file.
    """

    path: Path
    _last: float = field(default=float("-inf"))

    def beat(self, done: int) -> None:
        """Say that so many images of the shard are done; more often than once a second is not written."""
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            self.path.write_text(f"{done}\n")

    def stop(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)


def heart_of(folder: Path, number: int) -> Heart:
    """The heart of a shard of the job in a folder."""
    return Heart(folder / f"beat-{number:05d}")


@contextmanager
def beating(folder: Path, number: int, done: int = 0) -> Iterator[Heart]:
    """The heart of a shard while the block works on it, `done` images being done; one that fails leaves its file."""
    heart = heart_of(folder, number)
    heart.beat(done)
    yield heart
    heart.stop()


@dataclass
class Watch:
    """Listens to one heart.

    Attributes:
        path: of the file; None where there is nothing to hear.
        patience: seconds of silence after which the worker counts as hung.
    """

    path: Path | None
    patience: float
    _since: float = field(default_factory=time.monotonic)
    _heard: str = ""

    def is_silent(self) -> bool:
        """Whether nothing was heard for longer than the patience."""
        said = self._now()
        if said != self._heard:
            self._heard, self._since = said, time.monotonic()
        return time.monotonic() - self._since > self.patience

    def _now(self) -> str:
        try:
            return self._heard if self.path is None else self.path.read_text()
        except OSError:
            return self._heard
