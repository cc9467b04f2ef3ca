"""The stage-1 attack's logit: how much an image looks like a training image.

What it tests:
Whether the images on which a stage-1 attack model is surest show people of the training set.

What the attacker needs:
The backbone and what its stage-1 attack needs: for `bn-distance` the BatchNorm buffers, and attack models fitted on
some true members (partial) or on a shadow backbone (shadow).

How it works:
The features of each view and its mirror image pass through the rebuilt attack models; the logits are averaged over
models and pairs. The logit, not the probability: the sigmoid is flat exactly where the best images are.

Known limits:
A small model on a few distances is easy to fool. Read the score of attack models that were not used, too. With
shadow knowledge, standardise the models on images of the same generator (`standardised_on`).

Reference:
Huang, Chen, Wang, Wang, arXiv 2401.13719, stage 2; logits and ensembles: Nguyen et al., arXiv 2304.01669.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.attack_logit import AttackLogit
from bareface.inversion.features import stage1_features
from bareface.inversion.objectives.base import TargetObjective
from bareface.inversion.sight import Sight
from bareface.targets.target import Target


@dataclass(frozen=True, eq=False)
class Membership(TargetObjective):
    """The mean logit of several attack models.

    Attributes:
        models: fitted by stage 1, three or more if possible.
        attack: name of the stage-1 attack.
        parameters: of that attack, by name; only those that shape its features matter.

    Raises:
        UsageError: no models, or an attack whose features no image can be moved along.
    """

    name: ClassVar[str] = "membership"

    models: tuple[AttackLogit, ...]
    attack: str = "bn-distance"
    parameters: tuple[tuple[str, object], ...] = ()

    def __post_init__(self) -> None:
        stage1_features(self.attack)
        if not self.models:
            raise UsageError("objective membership", got="no attack models", expected="one at least, better three")

    @classmethod
    def rebuilt(
        cls, target: Target, arrays: Sequence[Mapping[str, NDArray[Any]]], attack: str, parameters: Mapping[str, object]
    ) -> "Membership":
        """The objective from what stage 1 kept: the arrays of each model, its attack's name and parameters."""
        models = tuple(AttackLogit.from_arrays(each) for each in arrays)
        return cls(target, models, attack, tuple(sorted(parameters.items())))

    @torch.no_grad()
    def standardised_on(self, sight: Sight) -> "Membership":
        """The same models, standardised on other images (no labels needed)."""
        pool = self._features(sight).flatten(0, 1)
        return replace(self, models=tuple(model.standardised_by(pool) for model in self.models))

    def measure(self, sight: Sight) -> Tensor:
        """(n,) mean logit."""
        features = self._features(sight)
        return torch.stack([model(features) for model in self.models]).mean((0, 2))

    def _features(self, sight: Sight) -> Tensor:
        return stage1_features(self.attack, dict(self.parameters))(sight.by(self.target))
