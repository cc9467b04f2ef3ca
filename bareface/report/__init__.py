"""A report is a pure function of one `Evidence`."""

from bareface.report.html import render_html
from bareface.report.text import render_text

__all__ = ["render_html", "render_text"]
