"""Zeroed counters.

What it tests:
How far its protection holds. How many steps the backbone was trained for, and with that a guess at the size of the
training set.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Sets `num_batches_tracked` of every BatchNorm layer to zero.

Known limits:
Nothing else changes: no number that the backbone computes depends on the counters.

Reference:
None; the counter is part of every PyTorch checkpoint with BatchNorm.
"""

import copy
from dataclasses import replace
from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class ZeroedCounters(ReleaseDefence):
    """Nobody counts."""

    name: ClassVar[str] = "zeroed-counters"
    reach: ClassVar[Reach] = "statistics"

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The same backbone with counters at zero."""
        module = copy.deepcopy(target.module)
        for layer in module.modules():
            if isinstance(layer, _BatchNorm) and layer.num_batches_tracked is not None:
                layer.num_batches_tracked.zero_()
        return replace(target, module=module).without_head()
