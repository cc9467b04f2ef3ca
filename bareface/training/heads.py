"""The classification layers that face recognisers are trained with, and shipped without.

Both compare an embedding with one centre per identity by cosine, lower the cosine of the true identity by a margin, and
hand `scale * cosine` to the cross entropy: the embedding must come closer to its own centre than it needs to.
"""

import math
from abc import abstractmethod
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MarginHead(nn.Module):
    """One direction per identity, and a margin on the cosine of the true one.

    Args:
        identities: number of people.
        embedding_size: d.
        scale: s, the length that the paper gives to the normalised embedding.
        margin: m, in the unit of the subclass.
    """

    def __init__(self, identities: int, embedding_size: int, *, scale: float, margin: float) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(identities, embedding_size)))

    @abstractmethod
    def lowered(self, cosine: Tensor) -> Tensor:
        """The cosine of the true identity with the margin applied; decreasing in the angle, same shape."""

    @property
    def centres(self) -> Tensor:
        """(identities, d) class centres of length one."""
        return F.normalize(self.weight.detach())

    def cosines(self, embeddings: Tensor) -> Tensor:
        """(n, identities) cosines of (n, d) embeddings to every centre, without margin and scale."""
        return F.linear(F.normalize(embeddings), F.normalize(self.weight))

    def logits(self, cosines: Tensor, labels: Tensor) -> Tensor:
        """(n, identities) cosines and (n,) int64 labels to (n, identities) logits."""
        own = labels.view(-1, 1)
        return self.scale * cosines.scatter(1, own, self.lowered(cosines.gather(1, own)))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(n, d) embeddings of any length and (n,) int64 labels to (n, identities) logits for the cross entropy."""
        return self.logits(self.cosines(embeddings), labels)


@final
class ArcFace(MarginHead):
    """Additive angular margin: cos θ becomes cos(θ + m), m in radians (arXiv 1801.07698, eq. 3).

    Beyond θ = π − m the cosine would rise again and reward an embedding for turning away from its centre. There
    −2 − cos(θ + m) takes over: of the decreasing continuations it is the one that meets cos(θ + m) in value and in
    slope, so the loss has neither a jump nor a kink (the linear penalty cos θ − m sin m, also in use, jumps down).
    """

    def lowered(self, cosine: Tensor) -> Tensor:
        """cos(θ + m), continued so that it decreases over the whole of [0, π]."""
        turned = cosine * math.cos(self.margin) - _sine(cosine) * math.sin(self.margin)
        return torch.where(cosine >= -math.cos(self.margin), turned, -2 - turned)


@final
class CosFace(MarginHead):
    """Additive cosine margin: cos θ becomes cos θ − m (arXiv 1801.09414, eq. 4)."""

    def lowered(self, cosine: Tensor) -> Tensor:
        """cos θ − m."""
        return cosine - self.margin


def _sine(cosine: Tensor) -> Tensor:
    """sin θ in [0, 1]; where rounding leaves nothing of it, 0 with gradient 0 in place of an infinite one."""
    square = 1 - cosine.square()
    visible = square > torch.finfo(square.dtype).eps
    return torch.where(visible, torch.where(visible, square, 1).sqrt(), 0)
