"""The inverted residual of the MobileFaceNets (Sandler et al., CVPR 2018; Chen et al., CCBR 2018), in numbers."""

from dataclasses import dataclass

from torch import Tensor, nn

# Stem and three strided blocks halve the sides four times.
SHRINK = 16


@dataclass(frozen=True)
class InvertedBlock:
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


def covered(kernel: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of the input, from the (.., .., h, w) depthwise kernel that covers the whole last map."""
    return SHRINK * kernel[2], SHRINK * kernel[3]


def blocks(*rows: tuple[int, int, int, int, int]) -> tuple[InvertedBlock, ...]:
    """Rows of (expanded, width, repeats, stride of the first, gate) as blocks."""
    return tuple(
        InvertedBlock(inner, width, stride if first else 1, gate)
        for inner, width, repeats, stride, gate in rows
        for first in [True] + [False] * (repeats - 1)
    )


STANDARD = blocks((128, 64, 5, 2, 0), (256, 128, 7, 2, 0), (512, 128, 1, 2, 0), (256, 128, 2, 1, 0))


def stages(chain: tuple[InvertedBlock, ...]) -> list[tuple[InvertedBlock, ...]]:
    """The blocks, cut before each one that halves the sides."""
    starts = [i for i, block in enumerate(chain) if block.stride == 2]
    return [chain[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def with_strides(rows: list[tuple[int, int, int, int]]) -> tuple[InvertedBlock, ...]:
    """Blocks from the channels before, inside and after each one, and of its gate.

    Strides are no shapes. The first block halves the sides, and so do those that expand more than the others do; in
    nets whose blocks all expand alike, those where the width changes.
    """
    expansions = [inner / before for before, inner, _, _ in rows]
    if max(expansions) > min(expansions):
        halving = {i for i, expansion in enumerate(expansions) if expansion > min(expansions)}
    else:
        halving = {i for i, (before, _, after, _) in enumerate(rows) if before != after}
    return tuple(
        InvertedBlock(inner, after, 2 if i in halving | {0} else 1, gate)
        for i, (_, inner, after, gate) in enumerate(rows)
    )


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
