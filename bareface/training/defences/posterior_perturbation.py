"""Perturbed posteriors.

What it tests:
How far its protection holds. How sure the head is, against somebody who asks once.

What the attacker needs:
Answers of the service alone. They know the defence, and ask a shadow backbone through it.

How it works:
A service that classifies adds noise to the logits of every answer, fresh for every query, as long as the likeliest
person stays the likeliest.

Known limits:
Averaging gives the posterior back: the adaptive attack asks many times. The backbone is not touched: attacks
without a head find what they found before.

Reference:
Jia et al., MemGuard, CCS 2019, arXiv 1909.10594, for noise that keeps the likeliest class; it is drawn, not optimised,
here.
"""

from dataclasses import dataclass as plain
from dataclasses import field, replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from bareface.streams import seed_for
from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, AnswerDefence, Reach

JUST_BELOW = 1e-3


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class PosteriorPerturbation(AnswerDefence):
    """Noisy posteriors.

    Attributes:
        scale: standard deviation of the noise on a logit (32 times a cosine).
        queries: how often the adaptive attack asks.
    """

    name: ClassVar[str] = "posterior-perturbation"
    reach: ClassVar[Reach] = "head"
    releases_head: ClassVar[bool] = True

    scale: Annotated[float, Field(gt=0)] = 4.0
    queries: Annotated[int, Field(ge=1)] = 16

    def answering(self, target: Target, seed: int) -> Target:
        """The target with a head that answers with noisy posteriors."""
        return replace(target, posterior=NoisyPosterior(self.scale, seed_for(seed, "posterior noise")))

    def asked(self, target: Target) -> Target:
        """The same target, its posteriors averaged over many queries."""
        assert isinstance(target.posterior, NoisyPosterior)
        return replace(target, posterior=AveragedPosterior(target.posterior, self.queries))


@plain
class NoisyPosterior:
    """Noise on logits, other for every query; the queries are counted, so that a run can be repeated."""

    scale: float
    seed: int
    queries: int = field(default=0, repr=False)

    def __call__(self, log_posterior: Tensor) -> Tensor:
        """(n, identities) logarithms to the same shape; the likeliest stays the likeliest."""
        generator = torch.Generator().manual_seed(seed_for(self.seed, self.queries))
        self.queries += 1
        noise = torch.randn(log_posterior.shape, generator=generator).to(log_posterior)
        noisy, likeliest = log_posterior + self.scale * noise, log_posterior.argmax(1, keepdim=True)
        own = noisy.gather(1, likeliest)
        return torch.minimum(noisy, own - JUST_BELOW).scatter(1, likeliest, own).log_softmax(1)


@plain
class AveragedPosterior:
    """The mean of many answers."""

    service: NoisyPosterior
    queries: int

    def __call__(self, log_posterior: Tensor) -> Tensor:
        """(n, identities) logarithms to the same shape."""
        told = torch.stack([self.service(log_posterior) for _ in range(self.queries)])
        return told.mean(0).log_softmax(1)
