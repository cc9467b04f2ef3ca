"""A weighted sum of objectives.

What it tests:
Whatever its terms test, together. A negative weight on the same objective against a reference backbone asks how much
more the target says of an image than a network that never saw its people.

What the attacker needs:
What each of the terms needs.

How it works:
Scores are multiplied by their weights and added. Terms that ask the same target share one forward pass.

Known limits:
Scores have their own units: a logit can outweigh a cosine without adding information.

Reference:
Model augmentation and reference models of Nguyen et al. (LOMMA), arXiv 2304.01669, without classes.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.objectives.base import Objective
from bareface.inversion.view_batch import ViewBatch
from bareface.targets.target import Target


@dataclass(frozen=True, eq=False)
class Sum(Objective):
    """Terms and their weights.

    Attributes:
        terms: (weight, objective) pairs.

    Raises:
        UsageError: there are no terms.
    """

    name: ClassVar[str] = "sum"

    terms: tuple[tuple[float, Objective], ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise UsageError("Sum", got="no terms", expected="at least one objective")

    def title(self) -> str:
        """The terms with their weights, as in `1 membership + 0.5 agreement`."""
        return " + ".join(f"{weight:.3g} {term.title()}" for weight, term in self.terms)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those of all terms, each once."""
        everyone = {id(target): target for _, term in self.terms for target in term.targets}
        return tuple(everyone.values())

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) the weighted sum."""
        return torch.stack([weight * term.score(sight) for weight, term in self.terms]).sum(0)
