"""CutMix.

What it tests:
How far its protection holds. As MixUp: fewer images are learnt by heart, and fewer by one part of the face alone.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
In every other batch, pastes a rectangle of another person's image into each, with the margin loss of both in
proportion to the area.

Known limits:
A generic regulariser: membership is reduced only as far as fitting is.

Reference:
Yun et al., ICCV 2019, arXiv 1905.04899.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, TrainingDefence
from bareface.training.defences.mixing import mixed_lesson
from bareface.training.learner import Lesson


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class CutMix(TrainingDefence):
    """Rectangles of other images.

    Attributes:
        alpha: of Beta(α, α), from which the share of the area is drawn, one for each batch.
        probability: of a batch to be mixed; the others are learnt as they are.
    """

    name: ClassVar[str] = "cutmix"

    alpha: Annotated[float, Field(gt=0)] = 1.0
    probability: Annotated[float, Field(gt=0, le=1)] = 0.5

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """The mixed loss of pasted images."""
        return mixed_lesson(pasted, self.alpha, self.probability)


def pasted(first: Tensor, second: Tensor, share: float) -> tuple[Tensor, float]:
    """The first images with a rectangle of the second, about 1 − share of the area; and the share that is left.

    The centre of the rectangle is drawn evenly from torch's generator; what would reach beyond the border is cut off.
    """
    height, width = first.shape[2:]
    side = (1 - share) ** 0.5
    spans = [_span(length, side) for length in (height, width)]
    rows, columns = (slice(*span) for span in spans)
    whole = first.clone()
    whole[:, :, rows, columns] = second[:, :, rows, columns]
    area = (spans[0][1] - spans[0][0]) * (spans[1][1] - spans[1][0])
    return whole, 1 - area / (height * width)


def _span(length: int, side: float) -> tuple[int, int]:
    centre, half = int(torch.randint(length, ())), side * length / 2
    return max(0, round(centre - half)), min(length, round(centre + half))
