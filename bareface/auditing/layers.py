"""Which BatchNorm layers separate members from non-members: the paper's analysis, layer by layer."""

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import Arena
from bareface.evidence import LayerSeparation
from bareface.membership.bn_distance import distances
from bareface.stats.roc import auc
from bareface.trace import Channel, Trace

_DECILES = np.linspace(0, 100, 11)


def layer_separations(trace: Trace, arena: Arena) -> tuple[LayerSeparation, ...]:
    """One row for each layer and view of a trace whose rows are those of the arena; none without BatchNorm."""
    if Channel.BN_DISTANCE not in trace.channels:
        return ()
    d = distances(trace, "channels").astype(np.float64)
    return tuple(
        LayerSeparation(
            game=arena.game,
            layer=layer.name,
            channels=layer.channels,
            view=view,
            auc=auc(-d[:, v, l], arena.member),
            member_deciles=_deciles(d[arena.member, v, l]),
            nonmember_deciles=_deciles(d[~arena.member, v, l]),
        )
        for v, view in enumerate(trace.views)
        for l, layer in enumerate(trace.layers)  # noqa: E741
    )


def _deciles(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.percentile(values, _DECILES))
