"""Trackers of experiments get the figures of a finished audit and its page, if somebody asks for it.

MLflow, TensorBoard and Weights & Biases are here; another package offers one through an entry point.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bareface.errors import UsageError
from bareface.records.evidence import REPORT_FILE, Evidence, read_evidence
from bareface.registry import Registry, in_folder, shortly, tried
from bareface.storage.files import write_text
from bareface.tracking.figures import figures_of, words_of
from bareface.tracking.tracker import TRACKER_HEADINGS, Told, Tracker

TRACKERS: Final = Registry[type[Tracker]](
    "tracker",
    "bareface.trackers",
    Tracker,
    lambda: in_folder("bareface.tracking.services", Tracker),  # type: ignore[type-abstract]
    lambda tracker: tracker(),
    TRACKER_HEADINGS,
)


def track(run: Path | str, *trackers: Tracker | str) -> None:
    """Give the figures and the page of a finished audit to trackers.

    Args:
        run: its folder; the page is written into it again.
        trackers: names as in `mlflow`, or trackers with other settings than the usual ones.

    Raises:
        UsageError: there is no such tracker, its package is not installed, or it does not take the figures.
        RunError: the folder holds no finished audit.
    """
    from bareface.report.html import render_html  # whoever names no tracker does not wait for it

    found = trackers_named(trackers)
    evidence, page = read_evidence(Path(run)), Path(run) / REPORT_FILE
    write_text(page, render_html(evidence), parents=False)
    give(evidence, page, found)


def give(evidence: Evidence, page: Path, trackers: Sequence[Tracker]) -> None:
    """Give figures, words and the page of an audit to each of the trackers.

    Raises:
        UsageError: one does not take them.
    """
    told = Told(evidence.title, figures_of(evidence), words_of(evidence), page)
    for one in trackers:
        _give(one, told)


def trackers_named(names: Sequence[Tracker | str]) -> tuple[Tracker, ...]:
    """The trackers of these names, which can take figures.

    Raises:
        UsageError: there is no such tracker, or its package is not installed.
    """
    found = tuple(one if isinstance(one, Tracker) else TRACKERS.get(one)() for one in names)
    for one in found:
        one.check()
    return found


def _give(tracker: Tracker, told: Told) -> None:
    _, error = tried(lambda: tracker.take(told))
    if error is not None:
        got, expected = shortly(error), "it to take the figures"
        hint = "its own settings; the audit is finished, and bareface report RUN --track gives them again"
        raise UsageError(f"tracker {tracker.name}", got=got, expected=expected, hint=hint) from error
