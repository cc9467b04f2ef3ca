"""Compactness of a set of images that should show one person.

What it tests:
Whether the latents whose siblings, one identity under changed details, a backbone embeds most alike are those of
people of the training set. The set signals of stage 1 (`subject-compactness`) say so of real photos.

What the attacker needs:
Embeddings, gradients through them, and a generator whose latents part the person from the rest (`Variation`).

How it works:
The views of each sibling are averaged to one direction; the score is the mean cosine over pairs of siblings.

Known limits:
Where the coarse latents do not hold the identity, agreement between siblings asks for a face that hides it.

Reference:
Stage 1's subject-compactness; style mixing as in Karras et al., arXiv 1812.04948, section 3.1.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import normalize

from bareface.errors import UsageError
from bareface.inversion.objectives.agreement import mean_cosine
from bareface.inversion.objectives.base import TargetObjective
from bareface.inversion.view_batch import ViewBatch


@dataclass(frozen=True, eq=False)
class Compactness(TargetObjective):
    """The mean cosine between two siblings.

    Raises:
        UsageError: an image has no siblings.
    """

    name: ClassVar[str] = "compactness"
    siblings: ClassVar[int] = 3

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) in [-1, 1]."""
        if sight.siblings < 2:
            raise UsageError(
                "objective compactness",
                got="images without siblings",
                expected="two or more",
                hint="Scene(variation=...)",
            )
        direction = sight.by(self.target).direction
        by_sibling = direction.reshape(len(direction), sight.siblings, -1, direction.shape[-1])
        return mean_cosine(normalize(by_sibling.sum(2), dim=-1))
