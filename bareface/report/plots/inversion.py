"""Figures of an inversion: win rates, score trajectories, and where the best cosines lie."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bareface.records.inversion import Arm, CosineSpread, Judgement
from bareface.report.plots.canvas import (
    DASHES,
    INK,
    MARKERS,
    MEMBER,
    NONMEMBER,
    SERIES,
    WIDTH,
    Style,
    label,
    quiet,
    svg,
)


def win_rates(arms: Sequence[Arm], salt: str) -> str:
    """One line for each arm, one mark for each judge: the win rate with its interval, and the line of no leak."""
    judges = list(dict.fromkeys(j.judge for arm in arms for j in arm.judgements))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.axvline(0.5, color=INK, linewidth=1, linestyle=DASHES)
        for row, arm in enumerate(arms):
            _arm(axes, row, arm, judges)
        axes.set_yticks(range(len(arms)), [arm.arm for arm in arms])
        axes.set(ylim=(len(arms) - 0.4, -0.6), xlim=(-0.005, 1.005), xlabel="win rate (0.5 = no leak)")
        axes.spines["left"].set_visible(False)
        quiet(axes, grid="x")
        for i, judge in enumerate(judges):
            axes.plot([], [], label=label(judge), **_judge_style(i))
        figure.legend(loc="outside upper left", ncols=5)

    return svg(draw, WIDTH, 96 + (20 + 16 * max(1, len(judges))) * len(arms), salt)


def trajectories(arms: Sequence[Arm], salt: str) -> str:
    """The membership score of each arm along the search: median, the middle of the starts, and the held-out model."""
    drawn = [(i, arm) for i, arm in enumerate(arms) if arm.trajectory]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for i, arm in drawn:
            _trajectory(axes, arm, SERIES[i % len(SERIES)])
        axes.set(xlabel="step", ylabel="membership score (logit)")
        quiet(axes, grid="y")
        figure.legend(loc="outside upper left", ncols=4)

    return svg(draw, WIDTH, 340, salt)


def cosine_spreads(arms: Sequence[Arm], salt: str) -> str:
    """For each judge the best cosine of each arm's images to training people and to decoys: all, half, median."""
    judges = list(dict.fromkeys(j.judge for arm in arms for j in arm.judgements))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(judges), squeeze=False, sharey=True).ravel()
        for axes, judge in zip(panels, judges, strict=True):
            seen = [(row, j) for row, arm in enumerate(arms) for j in arm.judgements if j.judge == judge]
            _panel(axes, seen)
            axes.set_title(label(judge))
        panels[0].set_yticks(range(len(arms)), [arm.arm for arm in arms])
        panels[0].set_ylim(len(arms) - 0.4, -0.6)
        for color, name in ((MEMBER, "training people"), (NONMEMBER, "decoys")):
            panels[0].plot([], [], color=color, linewidth=5, label=name)
        figure.legend(loc="outside upper left", ncols=2)
        figure.supxlabel("best cosine of an image to the gallery", fontsize=12)

    return svg(draw, max(480, min(WIDTH, 500 * len(judges))), 110 + 42 * len(arms), salt)


def _arm(axes: Axes, row: int, arm: Arm, judges: Sequence[str]) -> None:
    shown = [j for j in arm.judgements if j.win_rate.interval]
    for judgement in shown:
        i = judges.index(judgement.judge)
        _win(axes, row + 0.24 * (i - (len(judges) - 1) / 2), judgement, i)
    if not shown:
        word = "not estimable" if arm.status == "done" else arm.status
        axes.annotate(word, (0.5, row), (8, 0), textcoords="offset points", va="center", style="italic")


def _win(axes: Axes, y: float, judgement: Judgement, series: int) -> None:
    rate, style = judgement.win_rate, _judge_style(series)
    assert rate.interval is not None
    axes.plot([rate.interval.low, rate.interval.high], [y, y], color=style["color"], linewidth=1.8, zorder=3)
    axes.plot([rate.rate], [y], zorder=4, **style)


def _judge_style(series: int) -> Style:
    shape = MARKERS[series % len(MARKERS)]
    return {"color": SERIES[series % len(SERIES)], "marker": shape, "markersize": 7, "linewidth": 1.8}


def _trajectory(axes: Axes, arm: Arm, color: str) -> None:
    t = arm.trajectory
    assert t is not None
    axes.fill_between(t.step, t.low, t.high, color=color, alpha=0.18, linewidth=0)
    axes.plot(t.step, t.median, color=color, linewidth=1.8, label=arm.arm)


def _panel(axes: Axes, seen: Sequence[tuple[int, Judgement]]) -> None:
    for row, judgement in seen:
        for spread in judgement.cosines:
            _box(axes, row, spread)
    axes.spines["left"].set_visible(False)
    quiet(axes, grid="x")


def _box(axes: Axes, row: int, spread: CosineSpread) -> None:
    color, y = (MEMBER, row - 0.14) if spread.gallery == "training" else (NONMEMBER, row + 0.14)
    low, quarter, median, three, high = np.quantile(spread.quantiles, [0, 0.25, 0.5, 0.75, 1])
    axes.plot([low, high], [y, y], color=color, linewidth=1.2)
    axes.plot([quarter, three], [y, y], color=color, linewidth=6, solid_capstyle="butt")
    axes.plot([median], [y], color=INK, marker="|", markersize=10)
