"""What a process of workers does: load a model once, do shard after shard, load another model for the next job."""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field

from bareface.allocator import keep_freed_memory
from bareface.shards.ledger import Receipt, Work, Worker

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass
class _Desk:
    """What a process has open."""

    worker: Worker | None = None
    work: Work | None = None
    opened: ExitStack = field(default_factory=ExitStack)

    def work_of(self, worker: Worker) -> Work:
        """The worker's model, loaded unless it is the one that was loaded last."""
        if self.worker != worker or self.work is None:
            self.opened.close()
            self.worker, self.work = worker, self.opened.enter_context(worker.opened())
        return self.work


_DESK = _Desk()


def begin() -> None:
    """One thread for everything: there are as many processes as cores, and a second thread would only wait."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    keep_freed_memory()


def stand_by(worker: Worker, number: int) -> Receipt:
    """Do one shard of a job in this process."""
    return _DESK.work_of(worker)(number)
