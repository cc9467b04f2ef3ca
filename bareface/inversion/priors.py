"""What keeps a search among ordinary faces, and its rows apart."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bareface.errors import UsageError
from bareface.inversion.view_batch import ViewBatch
from bareface.targets.target import Target
from bareface.trace import Channel


class Restraint(ABC):
    """An abstract penalty on each row by itself."""

    @abstractmethod
    def penalty(self, coordinates: Tensor, sight: ViewBatch) -> Tensor:
        """(n,) >= 0; `coordinates` (n, ...) are whitened, see `Coordinates`."""


@dataclass(frozen=True)
class PNorm(Restraint):
    """weight x the mean square of the whitened coordinates; 1 for an ordinary latent, whatever its size.

    Reference: Zhu et al., "Improved StyleGAN Embedding: Where are the Good Latents?", arXiv 2012.09036, section 3.
    """

    weight: float = 0.25

    def penalty(self, coordinates: Tensor, sight: ViewBatch) -> Tensor:
        """(n,) minus the log density of the prior, up to a constant and a factor."""
        return self.weight * coordinates.flatten(1).square().mean(1)


@dataclass(frozen=True)
class Box:
    """Every whitened coordinate stays within +-limit; a bound, not a penalty.

    Raises:
        UsageError: the limit is not positive.
    """

    limit: float = 2.5

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise UsageError("Box", got=f"limit={self.limit}", expected="a positive number of deviations")

    def project(self, coordinates: Tensor) -> Tensor:
        """The nearest coordinates in the box."""
        return coordinates.clamp(-self.limit, self.limit)


@dataclass(frozen=True, eq=False)
class FeatureRange(Restraint):
    """A hinge that keeps a target's features in the range of public faces: log embedding norm, log BN distances.

    Attributes:
        target: the backbone.
        low, high: (1 + l,) the range of each feature.
        weight: of the mean excess, in widths of the range.
    """

    target: Target
    low: Tensor
    high: Tensor
    weight: float = 1.0

    @classmethod
    @torch.no_grad()
    def of(cls, target: Target, public: ViewBatch, outside: float = 0.01, weight: float = 1.0) -> "FeatureRange":
        """The range that leaves out a share of the public faces at each end.

        Raises:
            UsageError: fewer than two public faces.
        """
        if len(public.images) < 2:
            raise UsageError("FeatureRange.of", got=f"{len(public.images)} public faces", expected="two or more")
        pool = _features(target, public).flatten(0, 2)
        return cls(target, pool.quantile(outside, 0), pool.quantile(1 - outside, 0), weight)

    def penalty(self, coordinates: Tensor, sight: ViewBatch) -> Tensor:
        """(n,) the mean excess over pairs, views and features."""
        values = _features(self.target, sight)
        low, high = self.low.to(values), self.high.to(values)
        excess = (low - values).relu() + (values - high).relu()
        return self.weight * (excess / (high - low).clamp(min=1e-6)).mean((1, 2, 3))


@dataclass(frozen=True, eq=False)
class Diversity:
    """A hinge on the cosine between rows, so that they do not all become one face.

    A row is pushed away from where the *other* rows were at the step before. So its gradient is its own, and the
    result does not depend on the chunks in which rows are computed.

    Attributes:
        target: the backbone whose embeddings are compared.
        margin: the largest cosine that costs nothing.
        weight: of the sum over the other rows.
    """

    target: Target
    margin: float = 0.5
    weight: float = 1.0

    def directions(self, sight: ViewBatch) -> Tensor:
        """(n, d) of length one: each row's embedding, averaged over its views."""
        return normalize(sight.by(self.target).direction.sum((1, 2)), dim=-1)

    def penalty(self, sight: ViewBatch, crowd: Tensor) -> Tensor:
        """(n,) the hinge against (all rows, d) directions of the step before."""
        directions = self.directions(sight)
        excess = (directions @ crowd.to(directions).T - self.margin).relu()
        others = torch.arange(len(crowd)) != sight.rows[:, None]
        return self.weight * (excess * others.to(excess)).sum(1)


def _features(target: Target, sight: ViewBatch) -> Tensor:
    """(n, p, 2, 1 + l)."""
    answers = sight.by(target)
    norms, distances = answers.embedding.norm(dim=-1, keepdim=True), answers.channel(Channel.BN_DISTANCE)
    return torch.cat([norms.to(distances), distances], -1).clamp(min=1e-12).log()
