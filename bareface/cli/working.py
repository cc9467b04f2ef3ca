"""Who does the work, as it is asked for on the command line."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, get_args

from bareface.errors import UsageError
from bareface.vocabulary import ExecutorKind

if TYPE_CHECKING:
    from bareface.shards.executor import Executor  # brings pyarrow, which a usage error is told without


def executor_asked(kind: str | None, workers: int | None) -> AbstractContextManager["Executor"]:
    """The executor that was asked for, there while the block runs.

    Raises:
        UsageError: there is none of that name, or this process alone is asked to be several.
    """
    from bareface.shards.choice import chosen

    known = get_args(ExecutorKind)
    found: ExecutorKind | None = next((name for name in known if name == kind), None)
    if kind is not None and found is None:
        raise UsageError("--executor", got=kind, expected=" or ".join(known))
    return chosen(found, workers or 1)
