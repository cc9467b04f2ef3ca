"""InsightFace's improved ResNet (arcface_torch `iresnet`; also MagFace and most of their descendants).

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
A unit is BN conv BN PReLU conv BN plus a shortcut (Duta et al., "Improved residual networks", ICPR 2020). The keys
end in `bn2`, `fc` and the BatchNorm called `features`, whose weight stays 1. Not normalised at the end.

Known limits:
A net of MagFace is told from one of InsightFace by its wrapper alone.

Reference:
Duta et al., ICPR 2020, arXiv 2004.04989; arcface_torch.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, count, sides

WIDTHS = (64, 128, 256, 512)
# Four strided stages halve the sides four times.
SHRINK = 16


@dataclass(frozen=True)
class IResNetPlan:
    """An iresnet in numbers.

    Attributes:
        units: how many in each of the four stages, the first of which halves height and width.
        widths: channels of the stages; the first is also that of the stem.
    """

    units: tuple[int, ...]
    widths: tuple[int, ...] = WIDTHS

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return IResNet(self, spec, embedding_size)


def read_iresnet(shapes: Shapes) -> Reading:
    """An iresnet: four stages, counted."""
    plan = IResNetPlan(
        tuple(count(shapes, rf"layer{stage}\.(\d+)\.") for stage in range(1, 5)),
        tuple(shapes[f"layer{stage}.0.conv1.weight"][0] for stage in range(1, 5)),
    )
    rows, columns = shapes["fc.weight"]
    return Reading(plan, shapes["conv1.weight"][1], sides(columns // plan.widths[-1], SHRINK), rows)


class IResNetUnit(nn.Module):
    """One residual unit."""

    def __init__(self, before: int, after: int, stride: int, projected: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.prelu = nn.PReLU(after)
        self.conv2 = nn.Conv2d(after, after, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = _projection(before, after, stride) if projected else None

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels in, h, w) to (n, channels out, h / stride, w / stride), rounded up."""
        inner: Tensor = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return inner + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
    """An iresnet: (n, channels, height, width) to (n, embedding_size), not normalised."""

    def __init__(self, plan: IResNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        stem, last = plan.widths[0], plan.widths[-1]
        self.conv1 = nn.Conv2d(spec.channels, stem, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.prelu = nn.PReLU(stem)
        before = (stem, *plan.widths)
        stages = zip(before, plan.widths, plan.units, strict=False)
        self.layer1, self.layer2, self.layer3, self.layer4 = (nn.Sequential(*_stage(*stage)) for stage in stages)
        self.bn2 = nn.BatchNorm2d(last)
        self.dropout = nn.Dropout(0.0)
        self.fc = nn.Linear(last * math.ceil(spec.height / SHRINK) * math.ceil(spec.width / SHRINK), embedding_size)
        self.features = nn.BatchNorm1d(embedding_size)
        self.features.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        embedding: Tensor = self.features(self.fc(self.dropout(self.bn2(x).flatten(1))))
        return embedding


def _stage(before: int, after: int, units: int) -> Iterator[IResNetUnit]:
    yield IResNetUnit(before, after, stride=2, projected=True)
    for _ in range(units - 1):
        yield IResNetUnit(after, after, stride=1, projected=False)


def _projection(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


IRESNET_PLANS = {
    "iresnet18": IResNetPlan((2, 2, 2, 2)),
    "iresnet34": IResNetPlan((3, 4, 6, 3)),
    "iresnet50": IResNetPlan((3, 4, 14, 3)),
    "iresnet100": IResNetPlan((3, 13, 30, 3)),
    "iresnet200": IResNetPlan((6, 26, 60, 6)),
}
