"""Learning from mixtures of two images, for MixUp and CutMix."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from bareface.training.learner import Learner, Lesson, learn_from

Mix = Callable[[Tensor, Tensor, float], tuple[Tensor, float]]
"""Two batches (n, c, h, w) and the share of the first, to their mixture and the share that it really has."""


def mixed_lesson(mix: Mix, alpha: float, probability: float = 1.0) -> Lesson:
    """Each image is mixed with another of the batch; the loss is mixed likewise, each part with its own margin.

    Args:
        mix: mixes two batches.
        alpha: of Beta(α, α), from which the share of the first is drawn, one for each batch.
        probability: of a batch to be mixed at all.
    """

    def learn(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
        partner = torch.randperm(len(pixels), device="cpu").to(pixels.device)
        drawn = float(torch.distributions.Beta(alpha, alpha).sample()) if torch.rand(()) < probability else 1.0
        mixture, share = mix(pixels, pixels[partner], drawn)
        cosines, head = learner.head.cosines(learner.backbone(mixture)), learner.head
        own, other = (F.cross_entropy(head.logits(cosines, who), who) for who in (labels, labels[partner]))
        return learn_from(share * own + (1 - share) * other, cosines, labels)

    return learn
