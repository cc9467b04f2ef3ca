"""One page to sign: the verdict, in short, what was not assessed, and room for a decision."""

from bareface.records.evidence import Evidence
from bareface.report.clean import cleaned
from bareface.report.html import template
from bareface.report.page import page


def summary_html(evidence: Evidence) -> str:
    """The page, self-contained, for A4."""
    return template("summary.html.j2").render(page=page(cleaned(evidence)))
