"""Where the real faces and checkpoints lie; they are not part of the repository."""

import os
import sys
from pathlib import Path

from bareface.rosters.roster import Roster, read_manifest

SHARED = Path(os.environ.get("BAREFACE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def lfw() -> Roster:
    """The fixed split of LFW that all tables use."""
    return read_manifest(_need(SHARED / "faces" / "lfw-protocol.csv"))


def checkpoint(name: str) -> Path:
    """A public checkpoint."""
    return _need(SHARED / "checkpoints" / name)


def _need(path: Path) -> Path:
    if not path.exists():
        sys.exit(f"{path} is not here: this benchmark needs the real faces; set BAREFACE_SHARED to their folder")
    return path
