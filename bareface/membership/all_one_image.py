"""Everything that one image gives without a head, in one attack model.

What it tests:
Whether the image was in training, by all signals of a single image together; how much a careful attacker with one
photo can know.

What the attacker needs:
Whatever the target gives: the embedding at least; better the embeddings of altered pictures (black box), the
BatchNorm layers and the weights (white box). Some true members (partial), a shadow backbone (shadow), or people who
are known not to be members (nonmembers).

How it works:
The numbers of bn-distance-variance, embedding-norm, flip-agreement, view-agreement, layer-agreement, part-response
and gradient-norm, as far as the target gives them, as logarithms, artanh of cosines, or as they are. How strongly the
attack model is held back is chosen by cross-validation within what is known, in folds that share no person (`choose`).

Known limits:
All of them together: quality, symmetry and typicality speak in every signal. Read it beside the blind baseline and
the foreign model. Costs some forty passes for each image.

Reference:
The single signals' references; nested cross-validation as in Varma and Simon, BMC Bioinformatics 7:91, 2006.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, Features
from bareface.membership.families.one_image import OneImageAttack, numbers
from bareface.trace import Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class AllOneImage(OneImageAttack):
    """All signals of one image."""

    name: ClassVar[str] = "all-one-image"

    def features(self, trace: Trace) -> Features:
        """(n, f) all numbers side by side."""
        return numbers(trace)
