"""`bareface report`: evidence to page, without torch."""

from pathlib import Path

from bareface.evidence import read_evidence
from bareface.files import write_text
from bareface.report.html import render_html
from bareface.report.text import render_text


def write_report(run: Path, html: Path | None, *, text: bool) -> str:
    """Write the page of a finished run (or return it as text); returns what to tell the user.

    Raises:
        RunError: the folder holds no finished run, or the page cannot be written.
    """
    evidence = read_evidence(run)
    if text:
        return render_text(evidence)
    page = html or run / "report.html"
    write_text(page, render_html(evidence))
    return f"{page}"
