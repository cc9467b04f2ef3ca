"""Annexes to a report, each a pure function of one `Evidence`: for the file, a model card, a signature, a table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bareface.records.evidence import Evidence
from bareface.report.annexes.edpb import edpb_markdown
from bareface.report.annexes.model_card import model_card_markdown
from bareface.report.annexes.summary import summary_html
from bareface.report.annexes.table import findings_csv

ANNEXES: Final[Mapping[str, tuple[str, Callable[[Evidence], str]]]] = MappingProxyType({
    "edpb": ("annex-edpb.md", edpb_markdown),
    "model-card": ("model-card.md", model_card_markdown),
    "summary": ("summary.html", summary_html),
    "findings": ("findings.csv", findings_csv),
})  # fmt: skip
"""What `--annex` takes: the file's name in the run folder, and what writes it."""
