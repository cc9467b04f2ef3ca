"""Embeddings of length one.

What it tests:
How far its protection holds. The length, which tells how sure the backbone is of a face (embedding-norm).

What the attacker needs:
Answers of the service alone. They know the defence, and ask a shadow backbone through it.

How it works:
Answers with the embedding divided by its length.

Known limits:
Recognition compares directions, and so do agreement and compactness. Whoever has the weights has the length, too.

Reference:
The length as a signal: LpLA; Meng et al., MagFace, CVPR 2021.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional as F

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, AnswerDefence
from bareface.training.defences.answering import answered_by


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class NormRemoval(AnswerDefence):
    """Directions only."""

    name: ClassVar[str] = "norm-removal"
    releases_head: ClassVar[bool] = False

    def answering(self, target: Target, seed: int) -> Target:
        """The target that answers with unit vectors."""
        return answered_by(target, Unit())


class Unit(nn.Module):
    """Vectors scaled to length one."""

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, d) to the same shape."""
        return F.normalize(embedding)
