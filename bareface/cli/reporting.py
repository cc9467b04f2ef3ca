"""`bareface report`: evidence to page and annexes, without torch."""

from collections.abc import Sequence
from pathlib import Path

from bareface.auditing.gating import with_access
from bareface.cli.manners import coloured, columns
from bareface.errors import UsageError
from bareface.records.evidence import REPORT_FILE, Evidence, read_evidence
from bareface.records.inversion_file import INVERSION_FILE, read_inversion
from bareface.report.annexes import ANNEXES
from bareface.report.html import render_html
from bareface.report.inversion import render_inversion_html
from bareface.report.text import render_text
from bareface.storage.files import write_text
from bareface.tracking import give, trackers_named

INVERSION_PAGE = "inversion.html"


def write_report(
    run: Path,
    html: Path | None,
    *,
    text: bool,
    unsealed: bool = False,
    title: str | None = None,
    annexes: Sequence[str] = (),
    track: Sequence[str] = (),
) -> str:
    """Write the page of a finished run or inversion (or return it as text); returns what to tell the user.

    Args:
        run: the run folder.
        html: where the page goes; None = into the run folder.
        text: return it as text instead.
        unsealed: a record without its digest is read all the same.
        title: stands on the page in place of the run's own.
        annexes: names of those that are written into the run folder besides.
        track: names of trackers that are given the figures and the page.

    Raises:
        UsageError: there is no such annex or tracker, or an inversion has none.
        RunError: the folder holds no finished run, or the page cannot be written.
    """
    _refuse_unknown(annexes)
    trackers = trackers_named(track)
    if (run / INVERSION_FILE).is_file():
        if annexes or trackers:
            asked, hint = "--annex" if annexes else "--track", "the folder of the audit that was inverted"
            raise UsageError(asked, got="an inversion", expected="the run of an audit", hint=hint)
        return str(write_inversion_page(run, html, unsealed=unsealed))
    evidence = _as_of_today(read_evidence(run, unsealed=unsealed), title)
    written = [run / ANNEXES[name][0] for name in annexes]
    for name, path in zip(annexes, written, strict=True):
        write_text(path, ANNEXES[name][1](evidence))
    page = html or run / REPORT_FILE
    if trackers or not text:
        write_text(page, render_html(evidence))
        give(evidence, page, trackers)
    if text:
        return "\n".join([coloured(render_text(evidence, columns()), evidence.verdict), *map(str, written)])
    return "\n".join(map(str, [page, *written]))


def _as_of_today(evidence: Evidence, title: str | None) -> Evidence:
    """The evidence with what older runs leave out, and under another title if there is one."""
    more = {} if title is None else {"title": title}
    return evidence.model_copy(update={"findings": with_access(evidence.findings), **more})


def _refuse_unknown(annexes: Sequence[str]) -> None:
    for name in annexes:
        if name not in ANNEXES:
            raise UsageError(
                "--annex", got=repr(name), expected=", ".join(ANNEXES), hint=f"--annex {next(iter(ANNEXES))}"
            )


def write_inversion_page(folder: Path, html: Path | None = None, *, unsealed: bool = False) -> Path:
    """Write the page of a finished inversion and return its path.

    Raises:
        RunError: the folder holds no finished inversion, or the page cannot be written.
    """
    page = html or folder / INVERSION_PAGE
    write_text(page, render_inversion_html(read_inversion(folder, unsealed=unsealed)))
    return page
