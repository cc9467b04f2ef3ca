"""RelaxLoss on the margin head.

What it tests:
How far its protection holds. The head: losses of training images stay as spread as those of other images, which is
what loss thresholds read.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Keeps the training loss near a level α instead of near zero. A batch above α is learnt as usual. One below it is
unlearnt by a step of gradient ascent in even epochs; in odd epochs the posteriors of rightly classified images are
flattened: the own person keeps its posterior, the others share the rest evenly.

Known limits:
It is defined on the classification loss and promises nothing about embeddings. The backbone is trained through that
loss, so a high level, which keeps it from fitting, lowers headless leaks as stopping early does; a low one need not.

Reference:
Chen, Yu, Fritz: RelaxLoss, ICLR 2022, arXiv 2207.05801, algorithm 1; here on margin logits.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional as F

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, Reach, TrainingDefence
from bareface.training.learner import Learner, Lesson, learn_from


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class RelaxLoss(TrainingDefence):
    """A loss that is kept up.

    Attributes:
        alpha: the level, in the unit of the margin loss (nats; 10 to 25 before anything is learnt).
    """

    name: ClassVar[str] = "relax-loss"
    reach: ClassVar[Reach] = "head"

    alpha: Annotated[float, Field(gt=0)] = 2.0

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """Descent above the level; below it ascent or flatter targets, epoch by epoch in turn."""

        def learn(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
            cosines = learner.head.cosines(learner.backbone(pixels))
            logits = learner.head.logits(cosines, labels)
            loss = F.cross_entropy(logits, labels)
            relaxed = relaxed_loss(logits, labels, self.alpha, ascend=epoch % 2 == 0)
            _, hits = learn_from(relaxed, cosines, labels)
            return loss.item(), hits

        return learn


def relaxed_loss(logits: Tensor, labels: Tensor, alpha: float, *, ascend: bool) -> Tensor:
    """What is sent back for (n, classes) logits and (n,) labels: the loss, its negative, or that of flat targets."""
    loss = F.cross_entropy(logits, labels)
    if loss.item() > alpha:
        return loss
    return -loss if ascend else F.cross_entropy(logits, flattened(logits, labels))


def flattened(logits: Tensor, labels: Tensor) -> Tensor:
    """(n, classes) targets: rightly classified images keep their posterior and spread the rest; others one-hot."""
    one_hot = F.one_hot(labels, logits.shape[1]).to(logits)
    posterior = logits.detach().softmax(1)
    own = posterior.gather(1, labels.view(-1, 1))
    flat = torch.where(one_hot.bool(), own, (1 - own) / (logits.shape[1] - 1))
    right = (posterior.argmax(1) == labels).view(-1, 1)
    return torch.where(right, flat, one_hot)
