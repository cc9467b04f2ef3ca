"""The target and the images of a finished audit, brought again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from bareface.auditing.progress import Progress, silent
from bareface.auditing.usable import examined
from bareface.errors import UsageError
from bareface.faces.detection.finder import finder_of
from bareface.faces.examine import Examination
from bareface.rosters.roster import Roster
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


def examined_as_audited(
    roster: Roster, config: Mapping[str, Any], folder: Path, progress: Progress = silent
) -> Examination:
    """Images looked at as an audit looked at its own, raw photos cut by the same networks.

    Args:
        roster: whose images.
        config: of the audit: whether faces were cut out of raw photos, and by which networks.
        folder: faces that are cut out go into a folder of it.
        progress: called with (stage, done, total).

    Raises:
        UsageError: the audit cut faces out, and the networks for it are others here, or not installed.
    """
    detect, face = bool(config.get("detect")), config.get("face")
    if detect and finder_of(face).networks.sha256 != config["detector"]:
        got, expected = "other networks to find faces with", "those of the audit: photos are cut by one path"
        raise UsageError("detector", got=got, expected=expected, hint="the version of bareface that audited")
    return examined(roster, folder, progress, detect=detect, face=face)
