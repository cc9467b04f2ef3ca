"""Recognition against leak, and which attacks a defence reaches; imports matplotlib."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bareface.bench.record import BenchRecord
from bareface.bench.summary import HEAD, PERSON, STATISTICS, VIEWS, Line, Mean, lines
from bareface.bench.table import REACHES
from bareface.storage.files import atomic_path

COLOURS = {
    "nothing": "#222222", "head": "#b5651d", "statistics": "#7a5195", "answers": "#2f6f4f", "weights": "#1f6fb4",
}  # fmt: skip
PANELS = {
    STATISTICS: "statistics\n(bn- or estimated-distance)",
    VIEWS: "views\n(flip-agreement)",
    PERSON: "a person's photos\n(compactness, k=3)",
    HEAD: "with the head\n(class-centre)",
}
_STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none"}


def write_figure(bench: BenchRecord, knowledge: str, path: Path) -> None:
    """Write the figure as PNG or SVG, as the name of the file says."""
    ordered = sorted(lines(bench, knowledge), key=lambda line: list(REACHES).index(line.reach))
    with matplotlib.style.context(["default", _STYLE]), atomic_path(path) as temporary:
        figure = Figure(figsize=(15, 2.2 + 0.26 * len(ordered)), layout="constrained")
        axes = figure.subplots(1, 2 + len(PANELS), width_ratios=[2.6, 1, *[1] * len(PANELS)])
        _scatter(axes[0], ordered)
        _column(axes[1], ordered, [line.utility for line in ordered], "recognition\n(verification AUC)")
        axes[1].set_yticks(range(len(ordered)), [f"{i + 1}  {line.defence}" for i, line in enumerate(ordered)])
        axes[1].tick_params(axis="y", length=0)
        for axis, (kind, title) in zip(axes[2:], PANELS.items(), strict=True):
            _column(axis, ordered, [line.excess.get(kind) for line in ordered], title)
            axis.axvline(0, color="#999999", linewidth=0.8)
            axis.set_yticks([])
        _same_width(axes[2:])
        figure.suptitle(f"{bench.world}; {knowledge} knowledge; leak = excess of the AUC over the stronger control")
        figure.savefig(temporary, format=path.suffix.lstrip(".").lower() or "png", dpi=140)


def _scatter(axis: Axes, ordered: list[Line]) -> None:
    """Each defence by its number: recognition to the right, the largest leak without a head upwards."""
    places: dict[tuple[float, float], list[int]] = {}
    for number, line in enumerate(ordered, start=1):
        if line.headless is not None:
            x, y, colour = line.utility, line.headless, COLOURS[line.reach]
            axis.errorbar(x.value, y.value, xerr=_spread(x), yerr=_spread(y), color=colour, alpha=0.2, linewidth=0.8)
            places.setdefault((round(x.value, 3), round(y.value, 3)), []).append(number)
    for (across, up), numbers in places.items():
        colour = COLOURS[ordered[numbers[0] - 1].reach]
        axis.text(across, up, ", ".join(map(str, numbers)), color=colour, ha="center", va="center", weight="bold")
    for reach in dict.fromkeys(line.reach for line in ordered):
        axis.plot([], [], "o", color=COLOURS[reach], label=REACHES[reach].split(":")[0])
    axis.axhline(0, color="#999999", linewidth=0.8)
    axis.set_xlabel("verification AUC on unseen people")
    axis.set_ylabel("largest excess of an attack without a head")
    axis.legend(frameon=False, loc="best")


def _column(axis: Axes, ordered: list[Line], means: list[Mean | None], title: str) -> None:
    """One number of every defence, from the top downwards; the undefended one as a line through all."""
    for row, (line, mean) in enumerate(zip(ordered, means, strict=True)):
        if mean is not None:
            axis.errorbar(mean.value, row, xerr=_spread(mean), fmt="o", markersize=4, color=COLOURS[line.reach])
            if line.reach == "nothing":
                axis.axvline(mean.value, color=COLOURS["nothing"], linewidth=0.8, linestyle=(0, (4, 3)))
    axis.set_ylim(len(ordered) - 0.5, -0.5)
    axis.set_title(title, fontsize=9)


def _same_width(axes: Sequence[Axes]) -> None:
    """Leaks are compared across panels, so all have one scale."""
    lows, highs = zip(*(axis.get_xlim() for axis in axes), strict=True)
    for axis in axes:
        axis.set_xlim(min(lows), max(highs))


def _spread(mean: Mean) -> list[list[float]]:
    return [[mean.value - mean.low], [mean.high - mean.value]]
