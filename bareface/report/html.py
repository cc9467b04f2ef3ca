"""The report as one HTML file: no script, nothing loaded from anywhere, readable in twenty years."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from bareface.records.evidence import Evidence
from bareface.report import planted, prose
from bareface.report.alternatives import exposure_text, forest_text, roc_text
from bareface.report.cards import games_of
from bareface.report.clean import cleaned
from bareface.report.page import Page, page
from bareface.report.rows import MOST_CURVES
from bareface.vocabulary import CONTROLS

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class Figure:
    """A figure, and what it shows in words."""

    svg: Markup
    alternative: str


@dataclass(frozen=True)
class Figures:
    """All figures of a page; those that have nothing to show are left out."""

    forests: dict[str, Figure]
    layers: dict[str, Figure]
    roc: dict[str, Figure]
    exposures: dict[str, Figure]


def render_html(evidence: Evidence) -> str:
    """The whole report as one self-contained HTML page; equal evidence gives equal bytes.

    Control characters are spelled out and folders are cut from every path.
    """
    clean = cleaned(evidence)
    content = page(clean)
    return template("report.html.j2").render(
        page=content,
        pictures=_pictures(clean, content),
        prose=prose,
        planted=planted,
        controls=tuple(CONTROLS),
        most_curves=MOST_CURVES,
    )


@cache
def template(name: str) -> "Template":
    """One of the package's templates; everything that enters it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # takes a mistake in a call a tenth of a second

    environment = Environment(
        loader=PackageLoader("bareface.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _pictures(evidence: Evidence, content: Page) -> Figures:
    # Matplotlib takes a second to import, and only this function needs it.
    from bareface.report import plots

    blocks = {block.game: block for block in content.games}
    curves = {unit: plots.curves(evidence.findings, unit) for unit in ("image", "person")}
    return Figures(
        forests={
            game: picture(plots.forest(findings, f"forest {game}"), forest_text(blocks[game]))
            for game, findings in games_of(evidence)
        },
        layers={b.game: picture(plots.separation(b, f"layers {b.game}"), b.sentence) for b in content.layers},
        roc={
            unit: picture(plots.roc(drawn, f"roc {unit}"), roc_text(content.games, unit))
            for unit, drawn in curves.items()
            if drawn
        },
        exposures={b.game: picture(plots.ranks(b, f"exposure {b.game}"), exposure_text(b)) for b in content.exposures},
    )


def picture(drawn: str, alternative: str) -> Figure:
    """A figure of ours for a page."""
    # The only place where text enters the page unescaped: it is ours, and matplotlib escaped the labels in it.
    return Figure(Markup(drawn), alternative)
