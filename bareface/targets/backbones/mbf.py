"""InsightFace's MobileFaceNet, `mbf` and `mbf_large` (arcface_torch, from cavaface's). Not normalised at the end.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
Every part of the net is a list called `layers`: layers.0 is the stem, layers.1 a grouped convolution (or residual
blocks), layers.2, 4 and 6 halve the sides, layers.3, 5 and 7 keep them; then come conv_sep and features. It is wider
than the MobileFaceNet of the paper, but expands as far, so its depthwise convolutions are narrow.

Known limits:
Widths that no table lists are read off the shapes, and called custom.

Reference:
InsightFace arcface_torch.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.inverted import SHRINK, InvertedBlock, blocks, covered, stages
from bareface.targets.backbones.plan import Reading, Shapes, count

STRIDED = (2, 4, 6)


@dataclass(frozen=True)
class MbfPlan:
    """An mbf in numbers.

    Attributes:
        stem: channels of the first convolution.
        blocks: the inverted residuals behind layers.1, in order.
        last: channels before pooling.
        groups: of the convolution that is layers.1; 0 where blocks stand there.
        first: those blocks.
    """

    stem: int
    blocks: tuple[InvertedBlock, ...]
    last: int = 512
    groups: int = 64
    first: tuple[InvertedBlock, ...] = ()

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return Mbf(self, spec, embedding_size)


def read_mbf(shapes: Shapes) -> Reading:
    """An mbf of any width and depth."""
    (stem, channels, *_), chain = shapes["layers.0.layers.0.weight"], list[InvertedBlock]()
    for i in STRIDED:
        chain += [_block(shapes, f"layers.{i}.", stride=2), *_kept(shapes, i + 1)]
    groups = stem // shapes.get("layers.1.layers.0.weight", (0, 2 * stem))[1]
    last = shapes["conv_sep.layers.0.weight"][0]
    plan = MbfPlan(stem, tuple(chain), last, groups, tuple(_kept(shapes, 1)))
    size = covered(shapes["features.layers.0.layers.0.weight"])
    return Reading(plan, channels, size, shapes["features.layers.2.weight"][0])


def _block(shapes: Shapes, prefix: str, stride: int) -> InvertedBlock:
    inner, after = (shapes[f"{prefix}layers.{part}.layers.0.weight"][0] for part in (0, 2))
    return InvertedBlock(inner, after, stride)


def _kept(shapes: Shapes, number: int) -> list[InvertedBlock]:
    """The blocks of layers.<number>; none where a convolution stands there."""
    repeats = count(shapes, rf"layers\.{number}\.layers\.(\d+)\.layers\.")
    return [_block(shapes, f"layers.{number}.layers.{i}.", stride=1) for i in range(repeats)]


class Layers(nn.Module):
    """What it is given, one after the other, under the name `layers`; its input is added where it is `residual`."""

    def __init__(self, *layers: nn.Module, residual: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to whatever the last layer returns."""
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


class Mbf(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: MbfPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        before = [plan.stem, *(stage[-1].after for stage in stages(plan.blocks))]
        self.layers = nn.Sequential(_conv(spec.channels, plan.stem, 3, 2), _second(plan))
        for width, (halving, *kept) in zip(before, stages(plan.blocks), strict=False):
            self.layers.extend([_residual(width, halving), _stage(kept)])
        kernel = math.ceil(spec.height / SHRINK), math.ceil(spec.width / SHRINK)
        self.conv_sep = _conv(before[-1], plan.last)
        self.features = Layers(
            Layers(nn.Conv2d(plan.last, plan.last, kernel, groups=plan.last, bias=False), nn.BatchNorm2d(plan.last)),
            nn.Flatten(),
            nn.Linear(plan.last, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        embedding: Tensor = self.features(self.conv_sep(self.layers(x)))
        return embedding


def _second(plan: MbfPlan) -> Layers:
    return _conv(plan.stem, plan.stem, 3, groups=plan.groups) if plan.groups else _stage(plan.first)


def _stage(chain: tuple[InvertedBlock, ...] | list[InvertedBlock]) -> Layers:
    return Layers(*(_residual(block.after, block) for block in chain))


def _residual(before: int, block: InvertedBlock) -> Layers:
    return Layers(
        _conv(before, block.inner),
        _conv(block.inner, block.inner, 3, block.stride, groups=block.inner),
        Layers(nn.Conv2d(block.inner, block.after, 1, bias=False), nn.BatchNorm2d(block.after)),
        residual=block.stride == 1,
    )


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> Layers:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return Layers(conv, nn.BatchNorm2d(after), nn.PReLU(after))


MBF_PLANS = {
    "mbf": MbfPlan(128, blocks((128, 128, 5, 2, 0), (256, 256, 7, 2, 0), (512, 256, 1, 2, 0), (256, 256, 2, 1, 0))),
    "mbf-large": MbfPlan(
        256,
        blocks((128, 256, 9, 2, 0), (256, 512, 13, 2, 0), (512, 512, 1, 2, 0), (256, 512, 4, 1, 0)),
        groups=0,
        first=blocks((128, 256, 2, 1, 0)),
    ),
}
