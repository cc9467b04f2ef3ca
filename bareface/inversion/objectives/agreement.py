"""Agreement of an image's embeddings over its views.

What it tests:
Whether the images that a backbone embeds most consistently show people of the training set: training pulls all
views of a training image to one class centre.

What the attacker needs:
Embeddings, and gradients through them; neither BatchNorm nor a member.

How it works:
The mean cosine over all pairs of views: crops, shifts and mirror images, and the siblings' if there are any.

Known limits:
Symmetric, smooth pictures agree with their views anyway: keep the latents near their prior. A network may embed
whatever is no face very consistently.

Reference:
The flip agreement of stage 1 as an objective; consistency over augmentations as in EncoderMI, arXiv 2108.11023.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bareface.inversion.objectives.base import TargetObjective
from bareface.inversion.view_batch import ViewBatch


@dataclass(frozen=True, eq=False)
class Agreement(TargetObjective):
    """The mean cosine between two views."""

    name: ClassVar[str] = "agreement"

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) in [-1, 1]."""
        return mean_cosine(sight.by(self.target).direction.flatten(1, 2))


def mean_cosine(directions: Tensor) -> Tensor:
    """(n, v, d) vectors of length one to (n,): the mean over the v (v - 1) / 2 pairs, from the length of their sum."""
    v = directions.shape[1]
    return (directions.sum(1).square().sum(-1) - v) / (v * (v - 1))
