"""bareface: does your face backbone remember the people it was trained on?

evidence = bareface.audit("backbone.ckpt", "people.csv", attacks=["bn-distance"], seed=7, run="runs/mine")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bareface.auditing.api import audit
    from bareface.auditing.inversion.api import invert
    from bareface.faces.people import read_people
    from bareface.records.evidence import Evidence, read_evidence
    from bareface.report import render_html
    from bareface.rosters.roster import Roster
    from bareface.settings.spec import ImageSpec
    from bareface.targets.store import load_target
    from bareface.targets.target import Target
    from bareface.tracking import track
    from bareface.vocabulary import Verdict

__version__ = "0.1.0"

__all__ = [
    "Evidence",
    "ImageSpec",
    "Roster",
    "Target",
    "Verdict",
    "audit",
    "invert",
    "load_target",
    "read_evidence",
    "read_people",
    "render_html",
    "track",
]

_HOMES = {
    "invert": "bareface.auditing.inversion.api",
    "Evidence": "bareface.records.evidence",
    "ImageSpec": "bareface.settings.spec",
    "Roster": "bareface.rosters.roster",
    "Target": "bareface.targets.target",
    "Verdict": "bareface.vocabulary",
    "audit": "bareface.auditing.api",
    "load_target": "bareface.targets.store",
    "read_evidence": "bareface.records.evidence",
    "read_people": "bareface.faces.people",
    "render_html": "bareface.report",
    "track": "bareface.tracking",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: torch is not needed to read a report."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bareface' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
