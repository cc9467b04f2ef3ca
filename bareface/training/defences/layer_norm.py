"""LayerNorm instead of BatchNorm.

What it tests:
How far its protection holds. As GroupNorm: the statistics of the training set, and against attacks that read them.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Normalises all channels of each image together, by the image's own mean and variance. There are no running statistics.

Known limits:
As GroupNorm: what the weights remember.

Reference:
Ba, Kiros, Hinton, arXiv 1607.06450; over channels and positions it is GroupNorm with one group.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import nn

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, Public, TrainingDefence
from bareface.training.defences.norms import replace_batchnorm


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class LayerNorm(TrainingDefence):
    """One group of all channels."""

    name: ClassVar[str] = "layer-norm"

    def backbone(self, module: nn.Module, recipe: Recipe, public: Public) -> nn.Module:
        """The backbone with LayerNorm where BatchNorm layers stood."""
        return replace_batchnorm(module, lambda layer: nn.GroupNorm(1, layer.num_features), recipe.architecture)
