"""MobileFaceNet (Chen et al., CCBR 2018) in its two widespread key layouts. Not normalised at the end.

plain    conv1 dw_conv1 blocks.N.conv.0-7 conv2 linear7 linear1 (Xiaoccer and its descendants). Small
         descendants gate the blocks (squeeze-and-excitation as number 6) and pool their last feature map
         by its mean instead of by the depthwise `linear7`.
evolve   conv1 conv2_dw conv_23 conv_3.model.N ... conv_6_sep conv_6_dw linear bn (TreB1eN, face.evoLVe).
"""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from bareface.targets.backbones.shapes import Shapes, count
from bareface.targets.spec import ImageSpec

# Stem and three strided blocks halve the sides four times.
SHRINK = 16


@dataclass(frozen=True)
class Block:
    """One inverted residual: 1x1 up, 3x3 depthwise, 1x1 down.

    Attributes:
        inner: channels of the depthwise convolution.
        after: channels that leave the block.
        stride: of the depthwise convolution; blocks that keep shape add their input.
        gate: hidden channels of the squeeze-and-excitation, 0 without one.
    """

    inner: int
    after: int
    stride: int
    gate: int = 0


@dataclass(frozen=True)
class MobileFaceNetPlan:
    """A MobileFaceNet in numbers.

    Attributes:
        stem: channels of the first two convolutions.
        blocks: the inverted residuals, in order.
        last: channels before pooling.
        depthwise: pooled by a learned depthwise convolution (`linear7`) rather than by the mean.
        layout: which keys, see the top of this file.
    """

    stem: int
    blocks: tuple[Block, ...]
    last: int
    depthwise: bool = True
    layout: Literal["plain", "evolve"] = "plain"

    def stages(self) -> list[tuple[Block, ...]]:
        """The blocks, cut before each one that halves the sides."""
        starts = [i for i, block in enumerate(self.blocks) if block.stride == 2]
        return [self.blocks[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]

    @classmethod
    def read(cls, shapes: Shapes) -> "MobileFaceNetPlan":
        """The plan of a net with these tensors."""
        return _read_plain(shapes) if "dw_conv1.conv.weight" in shapes else _read_evolve(shapes)

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        family = EvolveMobileFaceNet if self.layout == "evolve" else MobileFaceNet
        return family(self, spec, embedding_size)


class ConvBlock(nn.Module):
    """Convolution, BatchNorm and, unless `linear`, PReLU."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        *,
        padding: int = 0,
        depthwise: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        groups = before if depthwise else 1
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(after)
        if not linear:
            self.prelu = nn.PReLU(after)

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h', w')."""
        out: Tensor = self.bn(self.conv(x))
        return self.prelu(out) if hasattr(self, "prelu") else out


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

    def __init__(self, before: int, block: Block) -> None:
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


class SplitResidual(nn.Module):
    """One block in the evolve layout, its layers called `conv`, `conv_dw` and `project`."""

    def __init__(self, before: int, block: Block) -> None:
        super().__init__()
        self.keeps_shape = block.stride == 1 and before == block.after
        self.conv = ConvBlock(before, block.inner)
        self.conv_dw = ConvBlock(block.inner, block.inner, 3, block.stride, padding=1, depthwise=True)
        self.project = ConvBlock(block.inner, block.after, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride), rounded up."""
        out: Tensor = self.project(self.conv_dw(self.conv(x)))
        return x + out if self.keeps_shape else out


class SplitStage(nn.Module):
    """The blocks of a stage that keep its shape."""

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        super().__init__()
        self.model = nn.Sequential(*(SplitResidual(block.after, block) for block in blocks))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        out: Tensor = self.model(x)
        return out


class EvolveMobileFaceNet(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: MobileFaceNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        stages = plan.stages()
        before = [plan.stem, *(stage[-1].after for stage in stages)]
        self.conv1 = ConvBlock(spec.channels, plan.stem, 3, 2, padding=1)
        self.conv2_dw = ConvBlock(plan.stem, plan.stem, 3, padding=1, depthwise=True)
        self.conv_23, self.conv_34, self.conv_45 = (
            SplitResidual(width, stage[0]) for width, stage in zip(before, stages, strict=False)
        )
        self.conv_3, self.conv_4, self.conv_5 = (SplitStage(stage[1:]) for stage in stages)
        self.conv_6_sep = ConvBlock(before[-1], plan.last)
        self.conv_6_dw = _pool(plan, spec)
        self.linear = nn.Linear(plan.last, embedding_size, bias=False)
        self.bn = nn.BatchNorm1d(embedding_size)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.conv_3(self.conv_23(self.conv2_dw(self.conv1(x))))
        x = self.conv_5(self.conv_45(self.conv_4(self.conv_34(x))))
        pooled = self.conv_6_dw(self.conv_6_sep(x)).flatten(1)
        embedding: Tensor = self.bn(self.linear(pooled))
        return embedding


def _pool(plan: MobileFaceNetPlan, spec: ImageSpec) -> nn.Module:
    if not plan.depthwise:
        return nn.AdaptiveAvgPool2d(1)
    kernel = math.ceil(spec.height / SHRINK), math.ceil(spec.width / SHRINK)
    return ConvBlock(plan.last, plan.last, kernel, depthwise=True, linear=True)


def strided(expansions: list[float], widths: list[tuple[int, int]]) -> set[int]:
    """Which blocks halve the sides, which no shape tells: the first, and those that expand more than the others do.

    Nets whose blocks all expand alike halve wherever the width changes.

    Args:
        expansions: inner channels of each block by those that enter it.
        widths: channels that enter and leave it.
    """
    if max(expansions) > min(expansions):
        return {0, *(i for i, expansion in enumerate(expansions) if expansion > min(expansions))}
    return {0, *(i for i, (before, after) in enumerate(widths) if i and before != after)}


def blocks_of(rows: list[tuple[int, int, int, int]]) -> tuple[Block, ...]:
    """Blocks from channels before, inside and after each one, and of its gate."""
    halving = strided([row[1] / row[0] for row in rows], [(row[0], row[2]) for row in rows])
    return tuple(Block(inner, after, 2 if i in halving else 1, gate) for i, (_, inner, after, gate) in enumerate(rows))


def _read_plain(shapes: Shapes) -> MobileFaceNetPlan:
    rows = [_plain_row(shapes, f"blocks.{i}.conv.") for i in range(count(shapes, r"blocks\.(\d+)\."))]
    return MobileFaceNetPlan(
        shapes["conv1.conv.weight"][0],
        blocks_of(rows),
        last=shapes["conv2.conv.weight"][0],
        depthwise="linear7.conv.weight" in shapes,
    )


def _plain_row(shapes: Shapes, prefix: str) -> tuple[int, int, int, int]:
    gate = shapes.get(f"{prefix}6.fc.1.weight", (0,))[0]
    down = shapes[f"{prefix}{7 if gate else 6}.weight"]
    inner, before, *_ = shapes[f"{prefix}0.weight"]
    return before, inner, down[0], gate


def _read_evolve(shapes: Shapes) -> MobileFaceNetPlan:
    """`conv_23`, `conv_34` and `conv_45` halve the sides."""
    blocks: list[Block] = []
    for halving, kept in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
        names = [f"{kept}.model.{i}" for i in range(count(shapes, rf"{kept}\.model\.(\d+)\."))]
        for name in (halving, *names):
            inner, after = (shapes[f"{name}.{part}.conv.weight"][0] for part in ("conv", "project"))
            blocks.append(Block(inner, after, 2 if name == halving else 1))
    stem, last = shapes["conv1.conv.weight"][0], shapes["conv_6_sep.conv.weight"][0]
    return MobileFaceNetPlan(stem, tuple(blocks), last, layout="evolve")


def _blocks(*rows: tuple[int, int, int, int, int]) -> tuple[Block, ...]:
    """Rows of (expanded, width, repeats, stride of the first, gate) as blocks."""
    return tuple(
        Block(inner, width, stride if first else 1, gate)
        for inner, width, repeats, stride, gate in rows
        for first in [True] + [False] * (repeats - 1)
    )


STANDARD = _blocks((128, 64, 5, 2, 0), (256, 128, 7, 2, 0), (512, 128, 1, 2, 0), (256, 128, 2, 1, 0))
_MICRO = _blocks(
    *((64, 16, 1, 2, 16), (32, 16, 1, 1, 8)),
    *((32, 32, 1, 2, 8), (64, 32, 1, 1, 16)),
    *((64, 48, 1, 2, 16), (96, 48, 2, 1, 24)),
)
MOBILEFACENET_PLANS = {
    "mobilefacenet": MobileFaceNetPlan(64, STANDARD, last=512),
    "mobilefacenet-micro": MobileFaceNetPlan(32, _MICRO, last=96, depthwise=False),
    "evolve-mobilefacenet": MobileFaceNetPlan(64, STANDARD, last=512, layout="evolve"),
}
