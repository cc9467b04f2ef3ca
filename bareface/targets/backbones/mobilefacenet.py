"""MobileFaceNet (Chen et al., CCBR 2018) as Xiaoccer and his descendants call its parts. Not normalised at the end.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
The keys are conv1 dw_conv1 blocks.N.conv.0-7 conv2 linear7 linear1. Small descendants gate the blocks
(squeeze-and-excitation as number 6) and pool their last feature map by its mean instead of by the depthwise `linear7`.

Known limits:
Widths that no table lists are read off the shapes, and called custom.

Reference:
Chen, Liu, Gao, Han, CCBR 2018, arXiv 1804.07573; Xiaoccer/MobileFaceNet_Pytorch.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.inverted import (
    SHRINK,
    STANDARD,
    ConvBlock,
    InvertedBlock,
    blocks,
    covered,
    with_strides,
)
from bareface.targets.backbones.plan import Reading, Shapes, count


@dataclass(frozen=True)
class MobileFaceNetPlan:
    """A MobileFaceNet in numbers.

    Attributes:
        stem: channels of the first two convolutions.
        blocks: the inverted residuals, in order.
        last: channels before pooling.
        depthwise: pooled by a learned depthwise convolution (`linear7`) rather than by the mean.
    """

    stem: int
    blocks: tuple[InvertedBlock, ...]
    last: int
    depthwise: bool = True

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return MobileFaceNet(self, spec, embedding_size)


def read_mobilefacenet(shapes: Shapes) -> Reading:
    """A MobileFaceNet; its strides are no shapes, see `with_strides`. Without `linear7` any size fits: 112x96 then."""
    rows = [_row(shapes, f"blocks.{i}.conv.") for i in range(count(shapes, r"blocks\.(\d+)\."))]
    (stem, channels, *_), last = shapes["conv1.conv.weight"], shapes["conv2.conv.weight"][0]
    plan = MobileFaceNetPlan(stem, with_strides(rows), last, depthwise="linear7.conv.weight" in shapes)
    size = covered(shapes.get("linear7.conv.weight", (0, 0, 7, 6)))
    return Reading(plan, channels, size, shapes["linear1.conv.weight"][0])


def _row(shapes: Shapes, prefix: str) -> tuple[int, int, int, int]:
    """Channels before, inside and after a block, and of its gate."""
    gate = shapes.get(f"{prefix}6.fc.1.weight", (0,))[0]
    down = shapes[f"{prefix}{7 if gate else 6}.weight"]
    inner, before, *_ = shapes[f"{prefix}0.weight"]
    return before, inner, down[0], gate


class Gate(nn.Module):
    """Squeeze-and-excitation with its convolutions called `fc.1` and `fc.3`."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        down, up = nn.Conv2d(channels, hidden, 1, bias=False), nn.Conv2d(hidden, channels, 1, bias=False)
        self.fc = nn.Sequential(nn.AdaptiveAvgPool2d(1), down, nn.ReLU(), up, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        gate: Tensor = self.fc(x)
        return x * gate


class InvertedResidual(nn.Module):
    """One block, its layers numbered inside `conv`."""

    def __init__(self, before: int, block: InvertedBlock) -> None:
        super().__init__()
        inner, after = block.inner, block.after
        self.keeps_shape = block.stride == 1 and before == after
        depthwise = nn.Conv2d(inner, inner, 3, block.stride, 1, groups=inner, bias=False)
        self.conv = nn.Sequential(
            *(nn.Conv2d(before, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.PReLU(inner)),
            *(depthwise, nn.BatchNorm2d(inner), nn.PReLU(inner)),
            *([Gate(inner, block.gate)] if block.gate else []),
            *(nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride), rounded up."""
        out: Tensor = self.conv(x)
        return x + out if self.keeps_shape else out


class MobileFaceNet(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: MobileFaceNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        self.conv1 = ConvBlock(spec.channels, plan.stem, 3, 2, padding=1)
        self.dw_conv1 = ConvBlock(plan.stem, plan.stem, 3, padding=1, depthwise=True)
        before = [plan.stem, *(block.after for block in plan.blocks)]
        self.blocks = nn.Sequential(*map(InvertedResidual, before, plan.blocks))
        self.conv2 = ConvBlock(before[-1], plan.last)
        self.linear7 = _pool(plan, spec)
        self.linear1 = ConvBlock(plan.last, embedding_size, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.conv2(self.blocks(self.dw_conv1(self.conv1(x))))
        embedding: Tensor = self.linear1(self.linear7(x))
        return embedding.flatten(1)


def _pool(plan: MobileFaceNetPlan, spec: ImageSpec) -> nn.Module:
    if not plan.depthwise:
        return nn.AdaptiveAvgPool2d(1)
    kernel = math.ceil(spec.height / SHRINK), math.ceil(spec.width / SHRINK)
    return ConvBlock(plan.last, plan.last, kernel, depthwise=True, linear=True)


_MICRO = blocks(
    *((64, 16, 1, 2, 16), (32, 16, 1, 1, 8)),
    *((32, 32, 1, 2, 8), (64, 32, 1, 1, 16)),
    *((64, 48, 1, 2, 16), (96, 48, 2, 1, 24)),
)
MOBILEFACENET_PLANS = {
    "mobilefacenet": MobileFaceNetPlan(64, STANDARD, last=512),
    "mobilefacenet-micro": MobileFaceNetPlan(32, _MICRO, last=96, depthwise=False),
}
