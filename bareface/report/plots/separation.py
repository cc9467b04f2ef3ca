"""Distances per BatchNorm layer, and how well each layer separates members from non-members."""

from collections.abc import Sequence
from math import nan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from bareface.records.evidence import LayerSeparation
from bareface.report.layers import LayerBlock, at, layer_order, view_order
from bareface.report.plots.canvas import (
    INK,
    MARKERS,
    MEMBER,
    NONMEMBER,
    PAPER,
    SERIES,
    WIDTH,
    Floats,
    Style,
    bars,
    label,
    quiet,
    svg,
)

_TIMES = FuncFormatter(lambda value, _: f"×{value:g}")
_MOST_TICKS, _LONGEST_TICK, _MOST_DOTS = 32, 20, 70


def separation(block: LayerBlock, salt: str) -> str:
    """For each view the distances per layer on both sides, as multiples of the non-members' median; below, the AUC."""
    order = {layer: x for x, layer in enumerate(layer_order(block.separations))}
    views = view_order(block.separations)
    by_view = {view: [s for s in block.separations if s.view == view] for view in views}

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(views) + 1, 1, sharex=True, height_ratios=[*[1.2] * len(views), 1])
        for axes, (view, part) in zip(panels, by_view.items(), strict=False):
            _distances(axes, part, order)
            axes.set_title(f"Distance, view: {label(view)}")
        _aucs(panels[-1], by_view, order)
        _ticks(panels[-1], list(order))
        _legend(figure, panels)

    return svg(draw, WIDTH, 195 * len(views) + 270, salt)


def _distances(axes: Axes, part: Sequence[LayerSeparation], order: dict[str, int]) -> None:
    wide = max(1.0, min(6.0, 130 / len(order)))
    scale = np.array([at(s.nonmember_deciles, 0.5) or nan for s in part])
    for shift, color, sides in (
        (-0.17, MEMBER, [s.member_deciles for s in part]),
        (0.17, NONMEMBER, [s.nonmember_deciles for s in part]),
    ):
        x = np.array([order[s.layer] for s in part]) + shift
        points = {share: _ratios(sides, share, scale) for share in (0.1, 0.3, 0.5, 0.7, 0.9)}
        bars(axes, x, points[0.1], points[0.9], color, wide / 4)
        bars(axes, x, points[0.3], points[0.7], color, wide)
        dots: Style = {"markersize": wide + 1.5, "markeredgecolor": PAPER, "markeredgewidth": 1}
        axes.plot(x, points[0.5], "o" if len(order) <= _MOST_DOTS else "-", color=color, **dots)
    _ratio_axis(axes)


def _ratios(sides: Sequence[tuple[float, ...]], share: float, scale: Floats) -> Floats:
    ratios = np.array([at(side, share) for side in sides]) / scale
    return np.where(ratios > 0, ratios, nan)  # a logarithm has no room for zero; the table shows it


def _ratio_axis(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(_TIMES)
    axes.set_ylabel("relative to the\nnon-members' median")
    quiet(axes, grid="y")


def _aucs(axes: Axes, by_view: dict[str, list[LayerSeparation]], order: dict[str, int]) -> None:
    for i, (view, part) in enumerate(by_view.items()):
        x = np.array([order[s.layer] for s in part]) + 0.34 * ((i + 0.5) / len(by_view) - 0.5)
        y = np.array([s.auc for s in part])
        color = SERIES[(2 + i) % len(SERIES)]  # not those of members and non-members
        bars(axes, x, np.full(len(x), 0.5), y, color, 1.4)
        mark = MARKERS[i % len(MARKERS)] if len(order) <= _MOST_DOTS else "-"
        axes.plot(x, y, mark, color=color, markersize=5.5, label=f"AUC, {label(view)}")
    aucs = [0.46, 0.54, *(s.auc for part in by_view.values() for s in part)]
    axes.axhline(0.5, color=INK, linewidth=1)
    axes.set(title="Separation AUC (above 0.5: members lie closer)", ylabel="AUC")
    axes.set_ylim(min(aucs) - 0.02, max(aucs) + 0.02)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    quiet(axes, grid="y")


def _ticks(axes: Axes, names: Sequence[str]) -> None:
    ticks = range(0, len(names), -(-len(names) // _MOST_TICKS))
    labels = [f"{i + 1} {label(names[i])}"[:_LONGEST_TICK] for i in ticks]
    axes.set_xticks(ticks, labels, rotation=55, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(names) - 0.4)


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    for side, color in (("members: median, 30-70 %, 10-90 %", MEMBER), ("non-members", NONMEMBER)):
        panels[0].plot([], [], "o-", color=color, linewidth=5, markeredgecolor=PAPER, markersize=7, label=side)
    figure.legend(loc="outside upper left", ncols=6)
