"""Stronger weight decay.

What it tests:
How far its protection holds. A little of everything: smaller weights fit single images less.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Multiplies the weight decay of the recipe.

Known limits:
With normalisation after most layers the size of a weight hardly matters to what the network computes; what decay
changes is the effective learning rate.

Reference:
Shokri et al., S&P 2017, section VIII; van Laarhoven, arXiv 1706.05350, on decay and normalisation.
"""

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, TrainingDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class WeightDecay(TrainingDefence):
    """More decay.

    Attributes:
        factor: times the recipe's.
    """

    name: ClassVar[str] = "weight-decay"

    factor: Annotated[float, Field(gt=1)] = 10.0

    def recipe(self, recipe: Recipe) -> Recipe:
        """The settings to train with."""
        return replace(recipe, weight_decay=min(1.0, self.factor * recipe.weight_decay))
