"""A search whose optimum is known: a linear generator, a linear target, a point for each row."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from inverted import STILL_LIFE, LinearGenerator
from torch import Tensor, nn

from bareface.inversion.generator import Latents
from bareface.inversion.objectives.base import TargetObjective
from bareface.inversion.plan import SearchPlan
from bareface.inversion.priors import Box, PNorm
from bareface.inversion.search import Search
from bareface.inversion.select import candidates
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.view_sampler import ViewSampler
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target


@dataclass(frozen=True, eq=False)
class Near(TargetObjective):
    """Minus the squared distance of the embedding of the first view to a point of the row's own."""

    name: ClassVar[str] = "near"
    points: Tensor

    def measure(self, sight: ViewBatch) -> Tensor:
        return -(sight.by(self.target).embedding[:, 0, 0] - self.points[sight.rows]).square().sum(1)


def linear_target() -> Target:
    """An embedding that is linear in the pixels."""
    dense = nn.Linear(192, 4).double()
    nn.init.normal_(dense.weight, std=0.3, generator=torch.Generator().manual_seed(2))
    return Target("linear", "linear", nn.Sequential(nn.Flatten(), dense), ImageSpec(8, 8))


def linear_world(rows: int = 3) -> tuple[Search, Latents, Tensor]:
    """A search whose optimum is a ridge regression: (rows, 6)."""
    generator, target, weight = LinearGenerator.drawn(), linear_target(), 0.3
    zero, *ones = (target.embed_normalised(2 * generator.render(Latents("z", z[None])) - 1)
                   for z in torch.cat([torch.zeros(1, 6), torch.eye(6)]).double())  # fmt: skip
    m = torch.cat([one - zero for one in ones]).detach().T
    points = torch.randn(rows, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 0.3 + zero.detach()
    normal = m.T @ m + weight / 6 * torch.eye(6).double()
    optimum = torch.linalg.solve(normal, m.T @ (points - zero.detach()).T).T
    scene = ViewSampler(generator, STILL_LIFE)
    plan = SearchPlan(steps=600, rate=0.05, box=Box(50.0))
    return Search(scene, Near(target, points), plan, (PNorm(weight),)), candidates(scene, rows, 0), optimum
