"""AUC of every finding beside its controls."""

from collections.abc import Iterable, Sequence
from math import nan

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bareface.records.evidence import Finding, Measurement
from bareface.report.plots.canvas import DASHES, INK, MEMBER, NONMEMBER, PAPER, WIDTH, Style, label, quiet, svg

_CONTROLS = {
    "blind": ("|", "blind baseline"),
    "who": ("s", "without the target"),
    "foreign": ("^", "foreign model"),
    "bn-swap": ("x", "BN-swap"),
}
_UNIT_STYLE: dict[str, Style] = {
    "image": {"marker": "o", "color": MEMBER, "markersize": 7},
    "person": {"marker": "D", "color": MEMBER, "markersize": 5.5, "markerfacecolor": PAPER},
}


def forest(findings: Sequence[Finding], salt: str) -> str:
    """One line for each finding: AUC per image and per person with intervals, and the controls' AUC.

    What reads the head is to stand last; a line sets it apart.
    """

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.axvline(0.5, color=INK, linewidth=1, linestyle=DASHES)
        _controls(axes, findings)
        _measurements(axes, findings)
        axes.set_yticks(range(len(findings)), [_name(f) for f in findings])
        _ceiling(axes, findings)
        axes.set(ylim=(len(findings) - 0.4, -0.6), xlim=(_lowest(findings), 1.005), xlabel="AUC (0.5 = guessing)")
        axes.spines["left"].set_visible(False)
        quiet(axes, grid="x")
        _legend(figure, axes, findings)

    return svg(draw, WIDTH, 92 + 27 * len(findings), salt)


def _name(finding: Finding) -> str:
    return f"{label(finding.label)} · {finding.knowledge}{' · head' if finding.access == 'head' else ''}"


def _ceiling(axes: Axes, findings: Sequence[Finding]) -> None:
    """A line above those that read the head, which stand last."""
    counted = sum(finding.access != "head" for finding in findings)
    if 0 < counted < len(findings):
        axes.axhline(counted - 0.5, color=INK, linewidth=0.8)


def _controls(axes: Axes, findings: Sequence[Finding]) -> None:
    """Every control of a kind at once: one mark, used many times, keeps the page small."""
    for kind in _CONTROLS:
        found = [(c.auc, row) for row, f in enumerate(findings) for c in f.controls if c.kind == kind]
        axes.plot(*_columns([(auc, row) for auc, row in found if auc is not None]), zorder=2, **_control_style(kind))


def _measurements(axes: Axes, findings: Sequence[Finding]) -> None:
    for unit, style in _UNIT_STYLE.items():
        places = [(m, row + shift) for row, f in enumerate(findings) for m, shift in _placed(f) if m.unit == unit]
        ends = [(m.auc_interval.low, m.auc_interval.high, y) for m, y in places if m.auc_interval]
        xs = [x for low, high, _ in ends for x in (low, high, nan)]
        ys = [at for _, _, y in ends for at in (y, y, nan)]
        axes.plot(xs, ys, color=MEMBER, linewidth=1.8, solid_capstyle="butt", zorder=3)
        points = _columns([(m.auc, y) for m, y in places if m.auc is not None])
        axes.plot(*points, linestyle="none", zorder=4, **style)
    for row, finding in enumerate(findings):
        if not _placed(finding):
            word = "not estimable" if finding.status == "done" else finding.status
            axes.annotate(word, (0.5, row), (8, 0), textcoords="offset points", va="center", style="italic")


def _placed(finding: Finding) -> list[tuple[Measurement, float]]:
    """What was measured, and how far beside the middle of its line it stands."""
    measured = [m for m in (finding.image, finding.person) if m and m.auc is not None]
    return list(zip(measured, (-0.16, 0.2) if len(measured) == 2 else (0.0,), strict=False))


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _control_style(kind: str) -> Style:
    shape: Style = {"marker": _CONTROLS[kind][0], "fillstyle": "none", "markersize": 9, "markeredgewidth": 1.6}
    return {**shape, "color": NONMEMBER, "linestyle": "none"}


def _lowest(findings: Iterable[Finding]) -> float:
    measured = [m for f in findings for m in (f.image, f.person, *f.controls) if m and m.auc is not None]
    aucs = [m.auc for m in measured if m.auc is not None]
    lows = [m.auc_interval.low for m in measured if isinstance(m, Measurement) and m.auc_interval]
    return max(0.0, min([0.45, *aucs, *lows]) - 0.02)


def _legend(figure: Figure, axes: Axes, findings: Sequence[Finding]) -> None:
    for unit, style in _UNIT_STYLE.items():
        if any(getattr(finding, unit) for finding in findings):
            axes.plot([], [], linewidth=1.8, label=f"per {unit}", **style)
    for kind, (_, name) in _CONTROLS.items():
        axes.plot([], [], label=name, **_control_style(kind))
    figure.legend(loc="outside upper left", ncols=5, handletextpad=0.5, columnspacing=1.6)
