"""What the `bn_` channels of a trace are made of, whoever computes the moments: a probe, or a search with gradients."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from torch import Tensor

from bareface.trace import Channel

# Below this spatial variance the logarithm would only measure rounding.
SMALLEST_VARIANCE = 1e-12


class Deviation(Protocol):
    """How far what entered one layer, or several side by side, lies from its running statistics, channel by channel."""

    @property
    def squared(self) -> Tensor:
        """(n, c) (v̄ − u)²."""

    @property
    def share(self) -> Tensor:
        """(n, c) σ² / s²."""

    @property
    def log_share(self) -> Tensor:
        """(n, c) its logarithm."""

    @property
    def running_variance(self) -> Tensor:
        """(c,) s², with the layer's epsilon."""


FORMULAS: Final[Mapping[Channel, Callable[[Deviation], Tensor]]] = {
    Channel.BN_DISTANCE: lambda seen: seen.squared,
    Channel.BN_DISTANCE_VARIANCE: lambda seen: seen.squared / seen.running_variance,
    Channel.BN_LOGVAR: lambda seen: seen.log_share,
    Channel.BN_LOGVAR_SQUARED: lambda seen: seen.log_share.square(),
    Channel.BN_VARIANCE: lambda seen: seen.share,
}
"""What the `bn_` channels are made of: one number for each channel of a layer."""
SUMMED: Final = frozenset({Channel.BN_DISTANCE})
"""Those that are added up over the channels of a layer; of the others the mean is taken."""
SPATIAL: Final = frozenset({Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED, Channel.BN_VARIANCE})
"""Those that are unknown where a map has one pixel."""
