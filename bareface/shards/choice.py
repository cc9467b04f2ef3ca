"""The executor that a configuration asks for."""

from collections.abc import Iterator
from contextlib import contextmanager

from bareface.errors import UsageError
from bareface.shards.executor import INLINE, Executor
from bareface.shards.processes import Processes
from bareface.shards.ray_actors import RayActors
from bareface.vocabulary import ExecutorKind


@contextmanager
def chosen(kind: ExecutorKind | None, workers: int) -> Iterator[Executor]:
    """The executor of a kind, there while the block runs.

    Args:
        kind: of executor; None = processes where there is more than one worker, else this process.
        workers: how many.

    Raises:
        UsageError: this process alone is asked to be several workers, or Ray is not installed.
    """
    kind = kind or ("processes" if workers > 1 else "inline")
    if kind == "inline":
        if workers > 1:
            expected = "one, which is this process"
            raise UsageError("workers", got=f"{workers} of them inline", expected=expected, hint="executor: processes")
        yield INLINE
        return
    with Processes(workers) if kind == "processes" else RayActors(workers) as executor:
        yield executor
