"""Workers as actors of a Ray cluster, on one machine or many, with the run folder on a disk that all of them see.

Correctness lies in the part files, so little is asked of the engine: to place processes, and to say when one is gone.
An actor loads the model once. It is started again when it dies (`max_restarts`); a greeting waits for that
(`max_task_retries`), a shard does not: it goes back to the list, where tries are counted, and another actor that is
free may take it. What passes between processes is the path of a job, a number and a receipt.

The cluster is the one that `RAY_ADDRESS` names, or one that lives in this process and ends with it. There is no
dashboard, and nothing is reported to anybody.
"""

import os
import secrets
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bareface.errors import RunError
from bareface.extras import extra
from bareface.shards.crew import PATIENCE, Silent, worked_off
from bareface.shards.ledger import Receipt, Worker
from bareface.shards.standing import begin, stand_by
from bareface.storage.files import write_text

_STORE = 80 << 20  # bytes; the smallest that Ray takes, and receipts need none
_ADDRESS = "RAY_ADDRESS"


@dataclass
class RayActors:
    """So many actors; use it as a context.

    Attributes:
        count: how many.
        gpus: of each, a share or a number.
        patience: seconds of silence after which one counts as hung.
    """

    count: int
    gpus: float = 0.0
    patience: float = PATIENCE
    elsewhere: bool = True
    _hands: list["_Actor"] = field(default_factory=list)
    _ours: bool = False

    def __enter__(self) -> "RayActors":
        ray = _ray()
        self._ours = not ray.is_initialized()
        if self._ours:
            ray.init(**_where(self.count), log_to_driver=False, logging_level="ERROR")
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self._hands:
            hand.end()
        self._hands.clear()
        if self._ours:
            _ray().shutdown()

    def map(self, worker: Worker, shards: Sequence[int]) -> Generator[Receipt, None, None]:
        """The receipts of shards, in the order in which they are finished; as `Executor.map`.

        Raises:
            RunError: also where a node writes to another folder than this process reads.
        """
        if shards:
            refuse_other_disks(worker.folder)
        while len(self._hands) < min(self.count, len(shards)):
            self._hands.append(_Actor(self.gpus))
        yield from worked_off(self._hands, worker, shards, self.patience)


def _where(count: int) -> dict[str, Any]:
    """The cluster that was named, or a new one; never one that happens to run on this machine."""
    if address := os.environ.get(_ADDRESS):
        return {"address": address}
    return {"address": "local", "num_cpus": count, "object_store_memory": _STORE, "include_dashboard": False}


def refuse_other_disks(folder: Path) -> None:
    """Have every node write a file into a folder and read it here.

    Raises:
        RunError: with the nodes whose file is not there.
    """
    ray, word = _ray(), secrets.token_hex(8)
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    write = ray.remote(num_cpus=0, max_retries=0)(_write_word)
    asked = [
        write.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
            folder / f".node-{number}-{word}.tmp", word
        )
        for number, node in enumerate(nodes)
    ]
    ray.wait(asked, num_returns=len(asked), timeout=PATIENCE)
    places = [folder / f".node-{number}-{word}.tmp" for number in range(len(nodes))]
    missing = [node[:8] for node, path in zip(nodes, places, strict=True) if not path.is_file()]
    for path in places:
        path.unlink(missing_ok=True)
    if missing:
        got = f"{len(missing)} of {len(nodes)} nodes whose files do not arrive here: {', '.join(missing)}"
        hint = "a run folder on a disk that every node mounts under the same path"
        raise RunError(str(folder), got=got, expected="a folder that all nodes share", hint=hint)


def _write_word(path: Path, word: str) -> None:
    write_text(path, word, parents=False)


class _Desk:
    """What runs in an actor."""

    def __init__(self) -> None:
        begin()

    def hello(self) -> int:
        """Its process."""
        return os.getpid()

    def take(self, worker: Worker, number: int) -> Receipt:
        """Do a shard."""
        return stand_by(worker, number)


class _Actor:
    """One actor, wherever Ray has placed it."""

    def __init__(self, gpus: float) -> None:
        kind = _ray().remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=0)(_Desk)
        self._desk = kind.remote()

    def greeted(self) -> "Future[Any]":
        return _future(self._desk.hello.options(max_task_retries=-1).remote())

    def take(self, worker: Worker, number: int) -> "Future[Receipt]":
        return _future(self._desk.take.remote(worker, number))

    def renew(self, error: BaseException) -> None:
        """Ray starts one that has died again, here or on another node; one that hangs has to die first."""
        if isinstance(error, Silent):
            _ray().kill(self._desk, no_restart=False)

    def end(self) -> None:
        """For good."""
        _ray().kill(self._desk)


def _future(reference: Any) -> "Future[Any]":
    future: Future[Any] = reference.future()
    return future


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with extra("ray", "the executor ray"):
        import ray
    return ray
