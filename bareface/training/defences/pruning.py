"""Magnitude pruning.

What it tests:
How far its protection holds. Details that only small weights hold; a little of everything.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Sets the smallest weights of all convolutions and linear maps together to zero.

Known limits:
What is memorised in large weights stays, and recognition suffers about as early as the leak does.

Reference:
Han et al., NeurIPS 2015; on membership Yuan and Zhang, USENIX Security 2022, who find that pruning may leak more.
"""

import copy
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn
from torch.nn.modules.conv import _ConvNd

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Pruning(ReleaseDefence):
    """Fewer weights.

    Attributes:
        share: of the weights that become zero.
    """

    name: ClassVar[str] = "pruning"
    reach: ClassVar[Reach] = "weights"

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The backbone without its smallest weights."""
        module = copy.deepcopy(target.module)
        weights = [layer.weight for layer in module.modules() if isinstance(layer, _ConvNd | nn.Linear)]
        sizes = torch.cat([weight.detach().abs().flatten() for weight in weights])
        smallest = sizes.kthvalue(max(1, round(self.share * len(sizes)))).values
        with torch.no_grad():
            for weight in weights:
                weight.mul_(weight.abs() > smallest)
        return replace(target, module=module).without_head()
