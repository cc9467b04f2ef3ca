"""`bareface report`: evidence to page, without torch."""

from pathlib import Path

from bareface.cli.manners import columns
from bareface.records.evidence import read_evidence
from bareface.records.inversion_file import INVERSION_FILE, read_inversion
from bareface.report.html import render_html
from bareface.report.inversion import render_inversion_html
from bareface.report.text import render_text
from bareface.storage.files import write_text

INVERSION_PAGE = "inversion.html"


def write_report(run: Path, html: Path | None, *, text: bool, unsealed: bool = False) -> str:
    """Write the page of a finished run or inversion (or return it as text); returns what to tell the user.

    A record without its digest is read only if `unsealed`.

    Raises:
        RunError: the folder holds no finished run, or the page cannot be written.
    """
    if (run / INVERSION_FILE).is_file():
        return str(write_inversion_page(run, html, unsealed=unsealed))
    evidence = read_evidence(run, unsealed=unsealed)
    if text:
        return render_text(evidence, columns())
    page = html or run / "report.html"
    write_text(page, render_html(evidence))
    return f"{page}"


def write_inversion_page(folder: Path, html: Path | None = None, *, unsealed: bool = False) -> Path:
    """Write the page of a finished inversion and return its path.

    Raises:
        RunError: the folder holds no finished inversion, or the page cannot be written.
    """
    page = html or folder / INVERSION_PAGE
    write_text(page, render_inversion_html(read_inversion(folder, unsealed=unsealed)))
    return page
