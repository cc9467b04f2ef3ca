"""How the training people rank among the non-members."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bareface.report.exposures import ExposureBlock, ExposureGroup
from bareface.report.plots.canvas import DASHES, INK, MEMBER, RATE, Floats, label, quiet, svg

_BARS = 10


def ranks(block: ExposureBlock, salt: str) -> str:
    """For each attack: the share of people in each tenth of the ranks, with what no leak would give."""
    rows = -(-len(block.groups) // 4)
    columns = -(-len(block.groups) // rows)
    shares = [_shares(group) for group in block.groups]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True, sharex=True).ravel()
        for axes, group, share in zip(panels, block.groups, shares, strict=False):
            _panel(axes, share)
            axes.set_title(label(group.attack))
        for axes in panels[len(block.groups) :]:
            axes.set_axis_off()
        panels[0].set_ylim(0, 1.1 * max(1 / _BARS, *(share.max() for share in shares)))
        figure.supxlabel("share of non-members below the person", fontsize=12)
        figure.supylabel("share of people", fontsize=12)

    return svg(draw, max(480, 375 * min(columns, 3)), 165 * rows + 50, salt)


def _shares(group: ExposureGroup) -> Floats:
    return np.histogram(group.ranks, bins=_BARS, range=(0, 1))[0] / group.people


def _panel(axes: Axes, shares: Floats) -> None:
    axes.bar((np.arange(_BARS) + 0.5) / _BARS, shares, width=0.85 / _BARS, color=MEMBER)
    axes.axhline(1 / _BARS, color=INK, linewidth=1, linestyle=DASHES)
    axes.set_xlim(0, 1)
    axes.set_xticks([0.25, 0.5, 0.75])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(RATE)
    quiet(axes, grid="y")
