"""The target of a finished audit, brought again."""

from pathlib import Path
from typing import Any, TypeVar

from bareface.errors import UsageError
from bareface.targets.kinds import Auditable

T = TypeVar("T", bound=Auditable)


def as_audited(run: Path, config: dict[str, Any], target: T) -> T:
    """The target as it was audited, with or without its head.

    Raises:
        UsageError: another one was.
    """
    for version in (target, target.without_head()):
        if version.sha256 == config["target"]:
            return version  # type: ignore[return-value]
    raise UsageError(
        str(run),
        got=f"an audit of the target {config['target'][:12]}...",
        expected=f"one of {target.name}, {target.sha256[:12]}...",
        hint="the target of that audit, or an audit of this target",
    )
