"""Length of the embedding.

What it tests:
Whether the images that a backbone answers with the longest embeddings show people of the training set: a margin loss
is satisfied by long, certain answers, and training makes them so for the people it sees.

What the attacker needs:
Embeddings before they are normalised, and gradients through them; neither BatchNorm nor a member.

How it works:
The mean logarithm of the norm over views, and over siblings if there are any.

Known limits:
The norm follows image quality (MagFace, AdaFace): sharp, frontal, evenly lit faces of anybody have long embeddings.
The hinge on the range of public faces' features (`FeatureRange`) keeps the search from exaggerating it.

Reference:
Stage 1's embedding-norm as an objective; the norm likelihood of LpLA, arXiv 2506.05743.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bareface.inversion.objectives.base import TargetObjective
from bareface.inversion.stage1 import features
from bareface.inversion.view_batch import ViewBatch
from bareface.membership.embedding_norm import EmbeddingNorm as Attack


@dataclass(frozen=True, eq=False)
class EmbeddingNormObjective(TargetObjective):
    """The mean log norm."""

    name: ClassVar[str] = "embedding-norm"

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,)."""
        return features(Attack(), sight.by(self.target)).mean((1, 2))
