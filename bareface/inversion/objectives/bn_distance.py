"""Nearness to the BatchNorm running means, without an attack model.

What it tests:
Whether images whose features lie at the running means of all layers show people of the training set.

What the attacker needs:
The backbone with its BatchNorm buffers; public faces to standardise the layers by. No member, no shadow.

How it works:
Minus the mean over layers and views of the logarithm of d_i, each layer standardised by its mean and deviation on
public faces (`standardised_on`), so that no layer speaks louder than another.

Known limits:
Near the running means lies the average face, not any one person. A backbone with folded BatchNorm has nothing to
read.

Reference:
The distance of arXiv 2401.13719, as a prior on features like DeepInversion's, arXiv 1912.08795, but for one image.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, get_args

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.objectives.base import Given, TargetObjective
from bareface.inversion.stage1 import features
from bareface.inversion.view_batch import ViewBatch
from bareface.membership.bn_distance import BnDistance as Attack
from bareface.membership.bn_distance import Convention

_SMALLEST_DISTANCE = 1e-12


@dataclass(frozen=True, eq=False)
class BnDistanceObjective(TargetObjective):
    """Minus the mean standardised log distance.

    Attributes:
        convention: what b_i stands for: `channels`, `none` or `variance`.
        mean, deviation: (l,) of each layer's log distance on public faces; 0 and 1 if nobody said.

    Raises:
        UsageError: the convention is none of these.
    """

    name: ClassVar[str] = "bn-distance"

    convention: Convention = "channels"
    mean: Tensor | None = None
    deviation: Tensor | None = None

    def __post_init__(self) -> None:
        if self.convention not in get_args(Convention):
            raise UsageError("objective bn-distance", got=repr(self.convention), expected="channels, none or variance")

    @classmethod
    def made_of(cls, given: Given) -> "BnDistanceObjective":
        """Standardised on the public photos."""
        return cls(given.target).standardised_on(given.public)

    @torch.no_grad()
    def standardised_on(self, sight: ViewBatch) -> "BnDistanceObjective":
        """The same, each layer standardised on these images."""
        pool = self._log_distance(sight).flatten(0, 2)
        deviation = pool.std(0, correction=0)
        return replace(self, mean=pool.mean(0), deviation=torch.where(deviation > 0, deviation, 1.0))

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) minus the mean over pairs, views and layers."""
        logs = self._log_distance(sight)
        if self.mean is not None and self.deviation is not None:
            logs = (logs - self.mean.to(logs)) / self.deviation.to(logs)
        return -logs.mean((1, 2, 3))

    def _log_distance(self, sight: ViewBatch) -> Tensor:
        answers = sight.by(self.target)
        if not answers.entering:
            raise UsageError(
                "objective bn-distance",
                got=f"{self.target.name}, a target without BatchNorm statistics",
                expected="BatchNorm layers with running statistics",
                hint="the objective agreement, which reads embeddings alone",
            )
        by_layer = features(Attack(convention=self.convention), answers).reshape(*answers.embedding.shape[:3], -1)
        return by_layer.clamp(min=_SMALLEST_DISTANCE).log()
