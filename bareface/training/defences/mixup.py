"""MixUp.

What it tests:
How far its protection holds. No image is shown to the network as it is (with large α), so fewer are learnt by heart.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Trains on weighted means of two images, with the margin loss of both people in the same proportion.

Known limits:
A generic regulariser: membership is reduced only as far as fitting is, and margin losses suffer from half faces.

Reference:
Zhang et al., ICLR 2018, arXiv 1710.09412; on membership Chen et al., arXiv 2207.05801, section 5.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, TrainingDefence
from bareface.training.defences.mixing import mixed_lesson
from bareface.training.learner import Lesson


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class MixUp(TrainingDefence):
    """Weighted means of images.

    Attributes:
        alpha: of Beta(α, α), from which the weights are drawn, one for each batch.
    """

    name: ClassVar[str] = "mixup"

    alpha: Annotated[float, Field(gt=0)] = 0.4

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """The mixed loss of mixed images."""
        return mixed_lesson(blended, self.alpha)


def blended(first: Tensor, second: Tensor, share: float) -> tuple[Tensor, float]:
    """share · first + (1 − share) · second, and the share."""
    return share * first + (1 - share) * second, share
