"""The stage-1 attack's logit: how much an image looks like a training image.

What it tests:
Whether the images on which a stage-1 attack model is surest show people of the training set.

What the attacker needs:
The backbone and what its stage-1 attack needs: for `bn-distance` the BatchNorm buffers, and attack models fitted on
some true members (partial) or on a shadow backbone (shadow).

How it works:
The features of each view and its mirror image, as the stage-1 attack defines them, pass through its attack models; the
logits are averaged over models and pairs. The logit, not the probability: the sigmoid is flat exactly where the best
images are.

Known limits:
A small model on a few distances is easy to fool. Read the score of attack models that were not used, too. With
shadow knowledge, standardise the models on images of the same generator (`standardised_on`).

Reference:
Huang, Chen, Wang, Wang, arXiv 2401.13719, stage 2; logits and ensembles: Nguyen et al., arXiv 2304.01669.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.objectives.base import Given, TargetObjective
from bareface.inversion.stage1 import features, logit, steered_by
from bareface.inversion.view_batch import ViewBatch
from bareface.membership.base import FeatureAttack
from bareface.membership.bn_distance import BnDistance
from bareface.membership.engine.arrays import plain
from bareface.membership.engine.attack_model import AttackModel


@dataclass(frozen=True, eq=False)
class Membership(TargetObjective):
    """The mean logit of several attack models.

    Attributes:
        models: fitted by stage 1, three or more if possible.
        attack: the stage-1 attack, with the parameters that the models were fitted under.

    Raises:
        UsageError: no models, or an attack whose features no image can be moved along.
    """

    name: ClassVar[str] = "membership"
    reads_models: ClassVar[bool] = True

    models: tuple[AttackModel, ...]
    attack: FeatureAttack = field(default_factory=BnDistance)

    def __post_init__(self) -> None:
        steered_by(self.attack)
        if not self.models:
            raise UsageError("objective membership", got="no attack models", expected="one at least, better three")

    @classmethod
    def made_of(cls, given: Given) -> "Membership":
        """The mean logit of the models that stage 1 left, standardised on this generator's images where they must be.

        Raises:
            UsageError: it left none.
        """
        if given.stage1 is None:
            raise UsageError("objective membership", got="no attack models", expected="those of a stage-1 audit")
        made = cls(given.target, given.stage1.models, given.stage1.attack)
        return made.standardised_on(given.ordinary) if given.stage1.foreign else made

    @torch.no_grad()
    def standardised_on(self, sight: ViewBatch) -> "Membership":
        """The same models, standardised on other images (no labels needed)."""
        pool = plain(self._features(sight).flatten(0, 1))
        return replace(self, models=tuple(model.standardised_by(pool) for model in self.models))

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) mean logit."""
        numbers = self._features(sight)
        return torch.stack([logit(model, numbers) for model in self.models]).mean((0, 2))

    def _features(self, sight: ViewBatch) -> Tensor:
        return features(self.attack, sight.by(self.target))
