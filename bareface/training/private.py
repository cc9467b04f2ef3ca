"""Gradients of single images or single people, clipped and summed: what DP-SGD adds its noise to."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.nn import functional as F

from bareface.training.heads import MarginHead
from bareface.training.learner import Learner
from bareface.vocabulary import Unit

# Images whose gradients are held at once: each is as large as the network.
AT_ONCE = 32


@dataclass(frozen=True)
class Clipped:
    """The sum over units of clipped gradients, and how the images fared.

    Attributes:
        gradients: by name, as in `Learner.parameters`.
        loss: mean cross entropy of the images; 0 if there are none.
        hits: for how many the nearest centre was their own.
    """

    gradients: dict[str, Tensor]
    loss: float
    hits: int


class _Loss(nn.Module):
    """Backbone and head as one map from images and labels to losses."""

    def __init__(self, backbone: nn.Module, head: MarginHead) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, pixels: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        cosines = self.head.cosines(self.backbone(pixels[None]))
        logits = self.head.logits(cosines, label[None])
        return F.cross_entropy(logits, label[None]), cosines.argmax(1)[0] == label


def image_gradients(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Gradients (n, ...) of each image's loss by parameter, the losses (n,), and the hits (n,)."""
    both = _Loss(learner.backbone, learner.head)
    parameters = {name: value.detach() for name, value in learner.parameters().items()}

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        told: tuple[Tensor, Tensor] = functional_call(both, weights, (image, label))
        return told

    each = vmap(grad_and_value(loss, has_aux=True), in_dims=(None, 0, 0), randomness="different")
    gradients, (losses, hits) = each(parameters, pixels, labels)
    return gradients, losses, hits


def clipped_sum(learner: Learner, pixels: Tensor, labels: Tensor, unit: Unit, clip: float) -> Clipped:
    """Clip each unit's gradient to length `clip` and add them up.

    The gradient of a person is the mean over the person's images in the batch.
    """
    total = {name: torch.zeros_like(value) for name, value in learner.parameters().items()}
    loss, hits = 0.0, 0
    for rows in _chunks(labels, unit):
        gradients, losses, right = image_gradients(learner, pixels[rows], labels[rows])
        if unit == "person":
            gradients = _by_person(gradients, labels[rows])
        for name, value in clipped(gradients, clip).items():
            total[name] += value.sum(0)
        loss, hits = loss + losses.sum().item(), hits + int(right.sum())
    return Clipped(total, loss / max(1, len(labels)), hits)


def clipped(gradients: dict[str, Tensor], clip: float) -> dict[str, Tensor]:
    """(u, ...) gradients by parameter, each unit's scaled down to length `clip` over all parameters together."""
    square = sum(value.flatten(1).square().sum(1) for value in gradients.values())
    factor = (clip / torch.as_tensor(square).sqrt().clamp(min=1e-12)).clamp(max=1)
    return {name: value * factor.view(-1, *[1] * (value.ndim - 1)) for name, value in gradients.items()}


def _chunks(labels: Tensor, unit: Unit) -> Iterator[Tensor]:
    """Row numbers of at most so many images at once; a person's images stay together."""
    if unit == "image":
        yield from torch.split(torch.arange(len(labels)), AT_ONCE) if len(labels) else ()
        return
    order, waiting = labels.argsort(stable=True), list[Tensor]()
    sizes = torch.unique(labels, return_counts=True)[1].tolist()
    for rows in torch.split(order, sizes) if sizes else ():
        if waiting and sum(map(len, waiting)) + len(rows) > AT_ONCE:
            yield torch.cat(waiting)
            waiting = []
        waiting.append(rows)
    if waiting:
        yield torch.cat(waiting)


def _by_person(gradients: dict[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
    """(n, ...) gradients of images to (people, ...) means."""
    people, who, count = torch.unique(labels, return_inverse=True, return_counts=True)

    def mean(value: Tensor) -> Tensor:
        summed: Tensor = value.new_zeros(len(people), *value.shape[1:]).index_add_(0, who, value)
        averaged: Tensor = summed / count.view(-1, *[1] * (value.ndim - 1))
        return averaged

    return {name: mean(value) for name, value in gradients.items()}
