"""MobileFaceNet as TreB1eN, face.evoLVe and FaceX-Zoo call its parts. Not normalised at the end.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
The keys are conv1 conv2_dw conv_23 conv_3.model.N ... conv_6_sep conv_6_dw linear bn.

Known limits:
Whether it was fed RGB or BGR, its keys do not tell.

Reference:
Chen, Liu, Gao, Han, CCBR 2018, arXiv 1804.07573; face.evoLVe, FaceX-Zoo.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.inverted import SHRINK, STANDARD, ConvBlock, InvertedBlock, covered, stages
from bareface.targets.backbones.plan import Reading, Shapes, count

# The block that halves the sides, and those behind it that keep them.
STAGES = (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5"))


@dataclass(frozen=True)
class EvolveMobileFaceNetPlan:
    """A MobileFaceNet in numbers.

    Attributes:
        stem: channels of the first two convolutions.
        blocks: the inverted residuals, in order; three of them halve the sides.
        last: channels before pooling.
    """

    stem: int
    blocks: tuple[InvertedBlock, ...]
    last: int

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return EvolveMobileFaceNet(self, spec, embedding_size)


def read_evolve_mobilefacenet(shapes: Shapes) -> Reading:
    """A MobileFaceNet whose blocks are named by what they do."""
    blocks: list[InvertedBlock] = []
    for halving, kept in STAGES:
        for name in (halving, *(f"{kept}.model.{i}" for i in range(count(shapes, rf"{kept}\.model\.(\d+)\.")))):
            inner, after = (shapes[f"{name}.{part}.conv.weight"][0] for part in ("conv", "project"))
            blocks.append(InvertedBlock(inner, after, 2 if name == halving else 1))
    stem, channels, *_ = shapes["conv1.conv.weight"]
    plan = EvolveMobileFaceNetPlan(stem, tuple(blocks), shapes["conv_6_sep.conv.weight"][0])
    return Reading(plan, channels, covered(shapes["conv_6_dw.conv.weight"]), shapes["linear.weight"][0])


class SplitResidual(nn.Module):
    """One block, its layers called `conv`, `conv_dw` and `project`."""

    def __init__(self, before: int, block: InvertedBlock) -> None:
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

    def __init__(self, blocks: tuple[InvertedBlock, ...]) -> None:
        super().__init__()
        self.model = nn.Sequential(*(SplitResidual(block.after, block) for block in blocks))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        out: Tensor = self.model(x)
        return out


class EvolveMobileFaceNet(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: EvolveMobileFaceNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        chain = stages(plan.blocks)
        before = [plan.stem, *(stage[-1].after for stage in chain)]
        kernel = math.ceil(spec.height / SHRINK), math.ceil(spec.width / SHRINK)
        self.conv1 = ConvBlock(spec.channels, plan.stem, 3, 2, padding=1)
        self.conv2_dw = ConvBlock(plan.stem, plan.stem, 3, padding=1, depthwise=True)
        for (halving, kept), width, stage in zip(STAGES, before, chain, strict=False):
            self.add_module(halving, SplitResidual(width, stage[0]))
            self.add_module(kept, SplitStage(stage[1:]))
        self.conv_6_sep = ConvBlock(before[-1], plan.last)
        self.conv_6_dw = ConvBlock(plan.last, plan.last, kernel, depthwise=True, linear=True)
        self.linear = nn.Linear(plan.last, embedding_size, bias=False)
        self.bn = nn.BatchNorm1d(embedding_size)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.conv2_dw(self.conv1(x))
        for halving, kept in STAGES:
            x = self.get_submodule(kept)(self.get_submodule(halving)(x))
        pooled = self.conv_6_dw(self.conv_6_sep(x)).flatten(1)
        embedding: Tensor = self.bn(self.linear(pooled))
        return embedding


EVOLVE_MOBILEFACENET_PLANS = {"evolve-mobilefacenet": EvolveMobileFaceNetPlan(64, STANDARD, last=512)}
