"""A target that only answers, in the shape of a torch backbone: no layers to look into, no gradients."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.records.evidence import TargetCard
from bareface.targets.kinds import Auditable
from bareface.targets.table import EmbeddingTable
from bareface.targets.target import Target


class Asked(nn.Module):
    """Rounds pixels to bytes, as a picture file would, and hands on what the target answers.

    Attributes:
        asked: the target; ONNX, a service, dlib's.
        images: how many images it was asked about so far.
    """

    def __init__(self, asked: Auditable) -> None:
        super().__init__()
        self.asked, self.images = asked, 0

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) RGB in 0..255 to (n, d) embeddings without a gradient."""
        self.images += len(pixels)
        answers: Tensor = self.asked.embed(pixels.round().clamp(0, 255).to(torch.uint8))  # type: ignore[attr-defined]
        return answers


@dataclass(frozen=True)
class AnsweringTarget(Target):
    """A target of another kind, asked for embeddings alone; its fingerprint and card are its own."""

    module: Asked

    @property
    def sha256(self) -> str:
        """Of the target that answers."""
        return self.module.asked.sha256

    def card(self) -> TargetCard:
        """What a report says of the target that answers."""
        return self.module.asked.card()


def as_torch(target: Auditable) -> Target:
    """The target itself where it is a torch backbone, else one that answers in its place.

    Raises:
        UsageError: it is a table, which has no answers about other images than its own.
    """
    if isinstance(target, Target):
        return target
    if isinstance(target, EmbeddingTable):
        expected = "a target that answers about new images"
        raise UsageError(target.name, got="a table of embeddings", expected=expected, hint="the backbone behind it")
    plain = replace(target.spec, order="RGB", mean=(0.0,), std=(1.0,))
    return AnsweringTarget(target.name, target.architecture, Asked(target), plain, target.source)
