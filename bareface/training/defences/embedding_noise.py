"""Noise on embeddings.

What it tests:
How far its protection holds. Signals finer than the noise, against somebody who asks once.

What the attacker needs:
Answers of the service alone. They know the defence, and ask a shadow backbone through it.

How it works:
Adds Gaussian noise to every embedding that is answered, fresh for every query; its size is a share of the embedding's
own length.

Known limits:
Whoever asks again and averages has the embedding back; the adaptive attack does, with the image itself, since the noise
is fresh, or with neighbours of it (`neighbours=true`) where a service would repeat itself. Recognition pays for every
query. Whoever has the weights is not met at all.

Reference:
Output perturbation; on averaging queries Jia et al., MemGuard, CCS 2019, section 5; Choquette-Choo et al., ICML
2021.
"""

from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from bareface.streams import seed_for
from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, AnswerDefence
from bareface.training.defences.answering import Averaging, answered_by


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class EmbeddingNoise(AnswerDefence):
    """Noisy answers.

    Attributes:
        scale: length of the noise as a share of the embedding's, on average.
        queries: how often the adaptive attack asks about an image.
        neighbours: whether it asks about the nine images up to one pixel away, each so often, and not about the image
            alone.
    """

    name: ClassVar[str] = "embedding-noise"
    releases_head: ClassVar[bool] = False

    scale: Annotated[float, Field(gt=0)] = 0.5
    queries: Annotated[int, Field(ge=1)] = 16
    neighbours: bool = False

    def answering(self, target: Target, seed: int) -> Target:
        """The target with noise on its answers."""
        return answered_by(target, Noisy(self.scale, seed_for(seed, "embedding noise")))

    def asked(self, target: Target) -> Target:
        """The same target, asked many times."""
        return replace(target, module=Averaging(target.module, self.queries, neighbours=self.neighbours))


class Noisy(nn.Module):
    """Gaussian noise, other for every query; the queries are counted, so that a run can be repeated."""

    scale: Tensor

    def __init__(self, scale: float, seed: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.seed, self.queries = seed, 0

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, d) to the same shape."""
        generator = torch.Generator().manual_seed(seed_for(self.seed, self.queries))
        self.queries += 1
        noise = torch.randn(embedding.shape, generator=generator).to(embedding)
        length = embedding.norm(dim=1, keepdim=True) / embedding.shape[1] ** 0.5
        noisy: Tensor = embedding + self.scale * length * noise
        return noisy
