"""Label smoothing on the margin head.

What it tests:
How far its protection holds. The head's confidence: posteriors of training images come nearer to those of others.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
The cross entropy of the margin logits is taken against 1 − ε on the own person and ε spread evenly over all, so that
the head is not rewarded for ever larger gaps.

Known limits:
The embedding is still pulled to one centre for each person, perhaps more tightly; nothing is promised about what is
read from the backbone alone (agreement of views, compactness of a person's photos). It is known to raise some leaks.

Reference:
Szegedy et al., CVPR 2016, section 7; on its effect on membership Kaya and Dumitras, ICML 2021.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional as F

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, Reach, TrainingDefence
from bareface.training.learner import Learner, Lesson, learn_from


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class LabelSmoothing(TrainingDefence):
    """Softer targets.

    Attributes:
        epsilon: share of the target that is spread over all people.
    """

    name: ClassVar[str] = "label-smoothing"
    reach: ClassVar[Reach] = "head"

    epsilon: Annotated[float, Field(gt=0, lt=1)] = 0.2

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """Cross entropy against smoothed targets."""

        def learn(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
            cosines = learner.head.cosines(learner.backbone(pixels))
            logits = learner.head.logits(cosines, labels)
            return learn_from(F.cross_entropy(logits, labels, label_smoothing=self.epsilon), cosines, labels)

        return learn
