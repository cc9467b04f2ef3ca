"""What an objective is: one number for each row of a sight, higher is better."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self, final

import torch
from torch import Tensor

from bareface.errors import TargetError, UsageError
from bareface.inversion.view_batch import ViewBatch
from bareface.membership.base import FeatureAttack
from bareface.membership.engine.attack_model import AttackModel
from bareface.registry import Plugin
from bareface.targets.target import Target


@dataclass(frozen=True, eq=False)
class Stage1:
    """What a stage-1 audit left to steer by.

    Attributes:
        attack: with the parameters that its models were fitted under.
        models: fitted attack models.
        foreign: whether they were fitted on another network's answers, so that their standardisation does not hold.
    """

    attack: FeatureAttack
    models: tuple[AttackModel, ...]
    foreign: bool = False


@dataclass(frozen=True, eq=False)
class Given:
    """What an attacker has to make an objective of.

    Attributes:
        target: the network that is asked.
        public: photos of anybody, as they are.
        ordinary: un-optimised images of the generator, as they are.
        stage1: attack models; None where no objective reads them.
    """

    target: Target
    public: ViewBatch
    ordinary: ViewBatch
    stage1: Stage1 | None = None


class Objective(Plugin, ABC):
    """An abstract objective. A final one is a frozen dataclass with a name and one method."""

    reads_models: ClassVar[bool] = False
    """Whether it reads attack models that stage 1 fitted, and nothing else that asks the target."""
    siblings: ClassVar[int] = 0
    """Further images of each row that it compares, unless the caller wants another number."""
    apart: ClassVar[bool] = True
    """Whether a search with it keeps rows from becoming one face."""

    @classmethod
    def made_of(cls, given: Given) -> Self:
        """The objective as somebody names it who has no more than is given.

        Raises:
            UsageError: it needs something else, unless overridden.
        """
        raise UsageError("objective", got=repr(cls.name), expected="one that needs nothing but the target")

    @property
    @abstractmethod
    def targets(self) -> tuple[Target, ...]:
        """Every network that it asks; none of them may judge the result."""

    @abstractmethod
    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) a score for each row by itself, higher is better; differentiable in the images."""

    @final
    def score(self, sight: ViewBatch) -> Tensor:
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

    @classmethod
    def made_of(cls, given: Given) -> Self:
        """The objective on the target; whatever else it has stays as usual."""
        return cls(given.target)

    @property
    def targets(self) -> tuple[Target, ...]:
        """That one."""
        return (self.target,)
