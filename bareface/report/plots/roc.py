"""ROC curves on logarithmic axes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bareface.records.evidence import Finding, Measurement
from bareface.report.plots.canvas import DASHES, FAINT, INK, MARKERS, RATE, SERIES, Floats, Style, label, quiet, svg
from bareface.report.rows import MOST_CURVES

_ALL_POINTS, _MOST_POINTS, _FEWEST_POINTS = 5_000, 300, 40


@dataclass(frozen=True)
class Curve:
    """One ROC curve. negatives: how many non-members (images or people) it was counted on."""

    game: str
    attack: str
    knowledge: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    negatives: int


def curves(findings: Iterable[Finding], unit: str) -> tuple[Curve, ...]:
    """The ROC curves per image or per person; of each game and prior knowledge the most telling ones at most."""
    measured = [(f, m) for f in findings for m in (f.image, f.person) if m and m.unit == unit and m.roc_fpr]
    measured = [one for panel in _panels(measured) for one in _most_telling(panel)]
    return tuple(Curve(f.game, f.label, f.knowledge, m.roc_fpr, m.roc_tpr, _negatives(m)) for f, m in measured)


def _panels(measured: Sequence[tuple[Finding, Measurement]]) -> list[list[tuple[Finding, Measurement]]]:
    panels: dict[tuple[str, str], list[tuple[Finding, Measurement]]] = {}
    for finding, m in measured:
        panels.setdefault((finding.game, finding.knowledge), []).append((finding, m))
    return list(panels.values())


def _most_telling(panel: list[tuple[Finding, Measurement]]) -> list[tuple[Finding, Measurement]]:
    """In their order; of too many those whose AUC has the highest lower end, what reads the head last."""
    ranked = sorted(
        panel, key=lambda one: (one[0].access == "head", -(one[1].auc_interval.low if one[1].auc_interval else 0))
    )
    kept = {id(m) for _, m in ranked[:MOST_CURVES]}
    return [one for one in panel if id(one[1]) in kept]


def roc(drawn: Sequence[Curve], salt: str) -> str:
    """A column for each game, a row for each knowledge; shaded where rates are too small to be resolved."""
    games = list(dict.fromkeys(c.game for c in drawn))
    knowledge = list(dict.fromkeys(c.knowledge for c in drawn))
    attacks = list(dict.fromkeys(c.attack for c in drawn))
    cells = [(k, g) for k in knowledge for g in games]
    legend_columns = (2, 3, 5)[len(games) - 1]
    legend = 22 * (1 + -(-(len(attacks) + 2) // legend_columns))
    points = max(_FEWEST_POINTS, min(_MOST_POINTS, _ALL_POINTS // len(drawn)))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(knowledge), len(games), squeeze=False).ravel()
        for axes, (known, game) in zip(panels, cells, strict=True):
            _panel(axes, [c for c in drawn if (c.game, c.knowledge) == (game, known)], attacks, points)
            axes.set_title(f"{game} game, {known} knowledge")
        _legend(figure, panels[0], attacks, legend_columns)

    return svg(draw, max(480, 375 * len(games)), 340 * len(knowledge) + legend, salt)


def resolvable(negatives: int) -> float:
    """The smallest rate that zero false positives among n non-members support (one-sided 95 %): 1 − 0.05^(1/n)."""
    return float(1 - 0.05 ** (1 / max(negatives, 1)))


def _negatives(m: Measurement) -> int:
    return m.nonmembers - m.abstained_nonmembers if m.unit == "image" else m.nonmember_people


def _panel(axes: Axes, part: Sequence[Curve], attacks: Sequence[str], points: int) -> None:
    limit = resolvable(min((c.negatives for c in part), default=100))
    low = min(limit / 4, 0.003)
    axes.axvspan(low, limit, color=FAINT, alpha=0.6, linewidth=0)
    axes.plot([low, 1], [low, 1], color=INK, linewidth=1, linestyle=DASHES)
    for curve in part:
        _curve(axes, curve, attacks.index(curve.attack), low, points)
    if not part:
        axes.text(0.5, 0.3, "not measured", ha="center", transform=axes.transAxes, style="italic")
    _axes(axes, low)


def _curve(axes: Axes, curve: Curve, series: int, low: float, points: int) -> None:
    start = max(i for i, rate in enumerate(curve.fpr) if rate <= curve.fpr[0])  # the highest point at the lowest rate
    fpr, tpr = (np.maximum(_thinned(side[start:], points), low) for side in (curve.fpr, curve.tpr))
    axes.plot(fpr, tpr, drawstyle="steps-post", markevery=(0.12, 0.2), **_series(series))


def _series(series: int) -> Style:
    # A ninth attack has the first one's colour, but the next one's marker.
    color, marker = SERIES[series % len(SERIES)], MARKERS[(series + series // len(SERIES)) % len(MARKERS)]
    return {"color": color, "linewidth": 1.6, "marker": marker, "markersize": 5}


def _thinned(side: Sequence[float], points: int) -> Floats:
    # Evenly spaced on a log scale: all points at small rates stay.
    kept = np.unique(np.geomspace(1, len(side), points).round().astype(int) - 1)
    return np.array([side[i] for i in kept])


def _axes(axes: Axes, low: float) -> None:
    axes.set(xscale="log", yscale="log", xlim=(low, 1.04), ylim=(low, 1.15))
    axes.set(xlabel="false-positive rate", ylabel="true-positive rate")
    axes.xaxis.set_major_formatter(RATE)
    axes.yaxis.set_major_formatter(RATE)
    quiet(axes, grid="both")


def _legend(figure: Figure, axes: Axes, attacks: Sequence[str], columns: int) -> None:
    for i, attack in enumerate(attacks):
        axes.plot([], [], label=label(attack), **_series(i))
    axes.plot([], [], color=INK, linewidth=1, linestyle=DASHES, label="chance")
    axes.fill_between([], [], color=FAINT, alpha=0.6, linewidth=0, label="too few non-members to resolve")
    figure.legend(loc="outside upper left", ncols=columns)
