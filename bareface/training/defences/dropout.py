"""Dropout before the embedding.

What it tests:
How far its protection holds. A little of everything that memorises through few features.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Sets the probability of the dropout layers, which in face recognisers stand before the last linear map.

Known limits:
It is off when the backbone answers, and the embedding is still trained to be one point for each person.

Reference:
Srivastava et al., JMLR 2014; as a defence Salem et al., NDSS 2019, section VI.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from bareface.errors import TargetError
from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, Public, TrainingDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Dropout(TrainingDefence):
    """More dropout.

    Attributes:
        probability: of every dropout layer.
    """

    name: ClassVar[str] = "dropout"

    probability: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def backbone(self, module: nn.Module, recipe: Recipe, public: Public) -> nn.Module:
        """The backbone with another probability in its dropout layers.

        Raises:
            TargetError: it has none.
        """
        layers = [layer for layer in module.modules() if isinstance(layer, nn.Dropout)]
        if not layers:
            raise TargetError(recipe.architecture, got="no dropout layer", expected="one before the embedding")
        for layer in layers:
            layer.p = self.probability
        return module
