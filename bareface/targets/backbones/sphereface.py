"""SphereFace's 20 and 36 layers (Liu et al., CVPR 2017; keys of clcarwin/sphereface_pytorch), without BatchNorm.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
Four stages, each a convolution of stride 2 and residual units of two convolutions, all with biases and PReLU; then a
linear map, `fc5`. The convolutions of a stage are counted through: conv1_1, conv1_2 and so on. Not normalised.

Known limits:
Without BatchNorm there are no running statistics to read.

Reference:
Liu et al., CVPR 2017, arXiv 1704.08063.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, below, count, sides

# Four stages halve the sides four times.
SHRINK = 16
STAGES = (1, 2, 3, 4)


@dataclass(frozen=True)
class SphereFacePlan:
    """A SphereFace net in numbers.

    Attributes:
        units: residual units of each stage.
        widths: channels of the stages.
    """

    units: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return SphereFace(self, spec, embedding_size)


def read_sphereface(shapes: Shapes) -> Reading:
    """A SphereFace net: two convolutions a unit, counted."""
    plan = SphereFacePlan(
        tuple((count(shapes, rf"conv{stage}_(\d+)\.") - 1) // 2 for stage in STAGES),
        tuple(shapes[f"conv{stage}_1.weight"][0] for stage in STAGES),
    )
    rows, columns = shapes["fc5.weight"]
    size = sides(columns // plan.widths[-1], SHRINK)
    return Reading(plan, shapes["conv1_1.weight"][1], size, rows, head=below(shapes, "fc6."))


class SphereFace(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: SphereFacePlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        self.units = plan.units
        before = (spec.channels, *plan.widths)
        for stage, width, after, units in zip(STAGES, before, plan.widths, plan.units, strict=False):
            for i in range(1, 2 * units + 2):
                conv = nn.Conv2d(width if i == 1 else after, after, 3, 2 if i == 1 else 1, padding=1)
                self.add_module(f"conv{stage}_{i}", conv)
                self.add_module(f"relu{stage}_{i}", nn.PReLU(after))
        area = math.ceil(spec.height / SHRINK) * math.ceil(spec.width / SHRINK)
        self.fc5 = nn.Linear(plan.widths[-1] * area, embedding_size)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        for stage, units in zip(STAGES, self.units, strict=True):
            x = self._layer(x, stage, 1)
            for i in range(2, 2 * units + 2, 2):
                x = x + self._layer(self._layer(x, stage, i), stage, i + 1)
        embedding: Tensor = self.fc5(x.flatten(1))
        return embedding

    def _layer(self, x: Tensor, stage: int, number: int) -> Tensor:
        out: Tensor = self.get_submodule(f"relu{stage}_{number}")(self.get_submodule(f"conv{stage}_{number}")(x))
        return out


SPHEREFACE_PLANS = {"sphere20a": SphereFacePlan((1, 2, 4, 1)), "sphere36a": SphereFacePlan((2, 4, 8, 2))}
