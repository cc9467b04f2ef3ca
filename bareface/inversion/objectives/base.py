"""What an objective is: one number for each row of a sight, higher is better."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from bareface.errors import TargetError
from bareface.inversion.sight import Sight
from bareface.targets.target import Target


class Objective(ABC):
    """An abstract objective. A final one is a frozen dataclass with a name and one method."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def targets(self) -> tuple[Target, ...]:
        """Every network that it asks; none of them may judge the result."""

    @abstractmethod
    def measure(self, sight: Sight) -> Tensor:
        """(n,) a score for each row by itself, higher is better; differentiable in the images."""

    @final
    def score(self, sight: Sight) -> Tensor:
        """(n,) the measured scores, all finite.

        Raises:
            TargetError: a score is NaN or infinite.
        """
        scores = self.measure(sight)
        wrong = (~torch.isfinite(scores.detach())).nonzero().flatten()
        if len(wrong):
            raise TargetError(
                f"objective {self.name}",
                got=f"NaN or infinity for {len(wrong)} of {len(scores)} images, row {int(sight.rows[wrong[0]])} first",
                expected="finite scores",
                hint=f"look at the weights of {', '.join(target.name for target in self.targets)}",
            )
        return scores


@dataclass(frozen=True, eq=False)
class TargetObjective(Objective):
    """An abstract objective that asks one target.

    Attributes:
        target: the backbone.
    """

    target: Target

    @property
    def targets(self) -> tuple[Target, ...]:
        """That one."""
        return (self.target,)
