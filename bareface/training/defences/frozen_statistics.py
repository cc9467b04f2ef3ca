"""BatchNorm statistics frozen from public people.

What it tests:
How far its protection holds. The statistics: they are public. Batches no longer mix images.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Trains on public people first, then freezes the running statistics and goes on with the people in question: every
layer normalises with public statistics, in training too, and no batch of theirs enters a buffer.

Known limits:
The weights are trained on the images as before. Layers are fitted to the training images' own distribution around the
public statistics, so even distances to these can tell members.

Reference:
Frozen BatchNorm as in fine-tuned detectors; for privacy De et al., arXiv 2204.13650, section 3, who do without it.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, Public, TrainingDefence
from bareface.training.learner import Learner, Lesson, cross_entropy
from bareface.training.pretraining import pretrained


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class FrozenStatistics(TrainingDefence):
    """Public statistics from the beginning.

    Attributes:
        pretraining: epochs on public people, as a share of the recipe's.
    """

    name: ClassVar[str] = "frozen-statistics"

    pretraining: Annotated[float, Field(gt=0, le=10)] = 0.4

    def backbone(self, module: nn.Module, recipe: Recipe, public: Public) -> nn.Module:
        """The backbone, trained on public people."""
        return pretrained(module, recipe, public, self.pretraining)

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """Cross entropy, the BatchNorm layers in evaluation mode; their weights are trained all the same."""

        def learn(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
            for layer in learner.backbone.modules():
                if isinstance(layer, _BatchNorm):
                    layer.eval()
            return cross_entropy(learner, pixels, labels)

        return learn
