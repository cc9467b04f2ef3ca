"""foamliu's MobileFaceNet, built from depthwise and pointwise convolutions and ReLU6. Not normalised at the end.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
The keys are conv1 dw_conv.depthwise dw_conv.pointwise features.N.conv.0-3 conv2 gdconv.depthwise conv3 bn.

Known limits:
Widths that no table lists are read off the shapes, and called custom.

Reference:
Chen, Liu, Gao, Han, CCBR 2018, arXiv 1804.07573; foamliu/MobileFaceNet.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.inverted import SHRINK, STANDARD, InvertedBlock, covered, with_strides
from bareface.targets.backbones.plan import Reading, Shapes, count


@dataclass(frozen=True)
class DepthwiseMobileFaceNetPlan:
    """A MobileFaceNet in numbers.

    Attributes:
        stem: channels of the first three convolutions.
        blocks: the inverted residuals, in order.
        last: channels before pooling.
    """

    stem: int
    blocks: tuple[InvertedBlock, ...]
    last: int

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return DepthwiseMobileFaceNet(self, spec, embedding_size)


def read_depthwise_mobilefacenet(shapes: Shapes) -> Reading:
    """A MobileFaceNet; its strides are no shapes, see `with_strides`."""
    rows: list[tuple[int, int, int, int]] = []
    for i in range(count(shapes, r"features\.(\d+)\.")):
        inner, before, *_ = shapes[f"features.{i}.conv.0.0.weight"]
        rows.append((before, inner, shapes[f"features.{i}.conv.2.weight"][0], 0))
    stem, channels, *_ = shapes["conv1.0.weight"]
    plan = DepthwiseMobileFaceNetPlan(stem, with_strides(rows), shapes["conv2.0.weight"][0])
    return Reading(plan, channels, covered(shapes["gdconv.depthwise.weight"]), shapes["conv3.weight"][0])


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, each followed by BatchNorm and ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        x = self.bn1(self.depthwise(x)).relu()
        out: Tensor = self.bn2(self.pointwise(x)).relu()
        return out


class DepthwiseResidual(nn.Module):
    """One block, its layers numbered inside `conv`."""

    def __init__(self, before: int, block: InvertedBlock) -> None:
        super().__init__()
        inner, after = block.inner, block.after
        self.keeps_shape = block.stride == 1 and before == after
        self.conv = nn.Sequential(
            _conv(before, inner),
            _conv(inner, inner, 3, block.stride, groups=inner),
            *(nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride), rounded up."""
        out: Tensor = self.conv(x)
        return x + out if self.keeps_shape else out


class DepthwisePool(nn.Module):
    """The feature map, weighed position by position and summed."""

    def __init__(self, channels: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, kernel, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c, 1, 1)."""
        out: Tensor = self.bn(self.depthwise(x))
        return out


class DepthwiseMobileFaceNet(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: DepthwiseMobileFaceNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        before = [plan.stem, *(block.after for block in plan.blocks)]
        self.conv1 = _conv(spec.channels, plan.stem, 3, 2)
        self.dw_conv = Separable(plan.stem)
        self.features = nn.Sequential(*map(DepthwiseResidual, before, plan.blocks))
        self.conv2 = _conv(before[-1], plan.last)
        self.gdconv = DepthwisePool(plan.last, (math.ceil(spec.height / SHRINK), math.ceil(spec.width / SHRINK)))
        self.conv3 = nn.Conv2d(plan.last, embedding_size, 1)
        self.bn = nn.BatchNorm2d(embedding_size)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.conv2(self.features(self.dw_conv(self.conv1(x))))
        embedding: Tensor = self.bn(self.conv3(self.gdconv(x)))
        return embedding.flatten(1)


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU6())


DEPTHWISE_PLANS = {"foamliu-mobilefacenet": DepthwiseMobileFaceNetPlan(64, STANDARD, last=512)}
