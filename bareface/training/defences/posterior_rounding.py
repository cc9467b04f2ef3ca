"""Rounded posteriors.

What it tests:
How far its protection holds. The digits that tell a training image's posterior .9999 from another's .99.

What the attacker needs:
Answers of the service alone. They know the defence, and ask a shadow backbone through it.

How it works:
A service that classifies rounds its posteriors to so many decimals and scales them to a sum of one.

Known limits:
The backbone: where it is released beside the service, or its embeddings are, nothing is rounded. And whether an image
is taken for anybody at all, which is what the head mostly leaks of strangers, is told by one digit.

Reference:
Shokri et al., S&P 2017, section VIII.
"""

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, AnswerDefence, Reach

SMALLEST = 1e-6


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class PosteriorRounding(AnswerDefence):
    """Few decimals.

    Attributes:
        decimals: of a posterior.
    """

    name: ClassVar[str] = "posterior-rounding"
    reach: ClassVar[Reach] = "head"
    releases_head: ClassVar[bool] = True

    decimals: Annotated[int, Field(ge=0, le=12)] = 1

    def answering(self, target: Target, seed: int) -> Target:
        """The target with a head that answers with rounded posteriors."""
        return replace(target, posterior=RoundedPosterior(self.decimals))


@dataclass(frozen=True)
class RoundedPosterior:
    """Posteriors to so many decimals."""

    decimals: int

    def __call__(self, log_posterior: Tensor) -> Tensor:
        """(n, identities) logarithms to the same shape; what is rounded to zero becomes the logarithm of 1e-6."""
        rounded = log_posterior.exp().round(decimals=self.decimals).clamp(min=SMALLEST)
        return (rounded / rounded.sum(1, keepdim=True)).log()
