"""Which layers separate members from non-members: the paper's analysis, layer by layer."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import GameSplit
from bareface.membership.bn_distance import distances
from bareface.records.evidence import LayerSeparation
from bareface.stats.roc import auc
from bareface.trace import Channel, Layer, Trace

Statistics = Literal["running", "estimated"]

_DECILES = np.linspace(0, 100, 11)


def layer_separations(trace: Trace, arena: GameSplit) -> tuple[LayerSeparation, ...]:
    """One row for each layer and view of a trace whose rows are those of the arena; none for a black box."""
    statistics, layers, d = _distances(trace)
    return tuple(
        LayerSeparation(
            game=arena.game,
            layer=layer.name,
            channels=layer.channels,
            view=view,
            auc=auc(-d[:, v, l], arena.member),
            member_deciles=_deciles(d[arena.member, v, l]),
            nonmember_deciles=_deciles(d[~arena.member, v, l]),
            statistics=statistics,
        )
        for v, view in enumerate(trace.views)
        for l, layer in enumerate(layers)  # noqa: E741
    )


def _distances(trace: Trace) -> tuple[Statistics, tuple[Layer, ...], NDArray[np.float64]]:
    """(n, v, l) distances and what they are to: running statistics, where there are any, else estimated ones."""
    if Channel.BN_DISTANCE in trace.channels:
        return "running", trace.layers, distances(trace, "channels").astype(np.float64)
    if Channel.ESTIMATED_DISTANCE in trace.channels:
        return "estimated", trace.measured, trace.channels[Channel.ESTIMATED_DISTANCE].astype(np.float64)
    return "running", (), np.empty((len(trace), len(trace.views), 0))


def _deciles(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.percentile(values, _DECILES))
