"""Stronger augmentation.

What it tests:
How far its protection holds. The image as it is: the network meets each photo in many versions, and its exact pixels
seldom or never.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Moves each image by up to a sixteenth of its side, and varies light and contrast, anew in every epoch.

Known limits:
It teaches the network that versions of a training image are alike: agreement between views, measured with the same
kind of variation, may tell membership better than before. The person is trained on all the same.

Reference:
Kaya and Dumitras: When Does Data Augmentation Help With Membership Inference Attacks?, ICML 2021.
"""

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, TrainingDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Augmentation(TrainingDefence):
    """Shifts, light and contrast.

    Attributes:
        shift: share of the side.
        brightness: grey levels added or taken.
        contrast: factor of the distance from mid-grey, 1 ± this.
    """

    name: ClassVar[str] = "augmentation"

    shift: Annotated[float, Field(ge=0, le=0.5)] = 0.0625
    brightness: Annotated[float, Field(ge=0, le=127)] = 25.0
    contrast: Annotated[float, Field(ge=0, le=0.9)] = 0.25

    def recipe(self, recipe: Recipe) -> Recipe:
        """The settings to train with."""
        pixels = round(self.shift * min(recipe.spec.height, recipe.spec.width))
        return replace(recipe, shift=pixels, brightness=self.brightness, contrast=self.contrast)
