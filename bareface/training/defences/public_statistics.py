"""BatchNorm statistics re-estimated on public faces.

What it tests:
How far its protection holds. The buffers: what they said of the training set is gone.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Replaces the running mean and variance of every BatchNorm layer by those of public faces, before release.

Known limits:
The weights are those that were trained. bn-distance goes on as far as it read the weights' fit and not the buffers;
agreement of views and compactness do not look at buffers at all. It moves a statistic, it is no mitigation.

Reference:
The BN-swap control of this package; Li et al., AdaBN, arXiv 1603.04779, for the re-estimation.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence
from bareface.training.recalibrate import estimate_statistics


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class PublicStatistics(ReleaseDefence):
    """Public buffers."""

    name: ClassVar[str] = "public-statistics"
    reach: ClassVar[Reach] = "statistics"

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The backbone with statistics of public faces."""
        return estimate_statistics(target, public.images).without_head()
