"""Rounded embeddings.

What it tests:
How far its protection holds. Digits beyond what recognition needs, and the length.

What the attacker needs:
Answers of the service alone. They know the defence, and ask a shadow backbone through it.

How it works:
Divides the embedding by its length and rounds each number to a grid, the same for all.

Known limits:
Agreement and compactness need no more digits than recognition does. Whoever has the weights is not met at all.

Reference:
Coarsening of outputs, Shokri et al., S&P 2017, section VIII, for posteriors.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional as F

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, AnswerDefence
from bareface.training.defences.answering import answered_by


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class EmbeddingRounding(AnswerDefence):
    """A coarse grid.

    Attributes:
        step: width of the grid, in units of the root mean square of a unit vector's numbers.
    """

    name: ClassVar[str] = "embedding-rounding"
    releases_head: ClassVar[bool] = False

    step: Annotated[float, Field(gt=0, le=4)] = 1.0

    def answering(self, target: Target, seed: int) -> Target:
        """The target with rounded answers."""
        return answered_by(target, Rounded(self.step))


class Rounded(nn.Module):
    """Unit vectors on a grid."""

    step: Tensor

    def __init__(self, step: float) -> None:
        super().__init__()
        self.register_buffer("step", torch.tensor(step))

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, d) to the same shape."""
        grid = self.step / embedding.shape[1] ** 0.5
        rounded: Tensor = (F.normalize(embedding) / grid).round() * grid
        return rounded
