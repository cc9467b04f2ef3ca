"""InceptionResnetV1 of facenet-pytorch (Szegedy et al., AAAI 2017; ported from FaceNet's TensorFlow code).

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
The original divides its output by its length at the end; this one does not. It takes images of 75 pixels and more.

Known limits:
It pools by a mean, so its keys do not tell the size of its input.

Reference:
Szegedy et al., AAAI 2017, arXiv 1602.07261; facenet-pytorch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, at_least, below, count

SMALLEST = 75

Kernel = int | tuple[int, int]
# Branches of the residual blocks: channels and kernels, one convolution after the other.
Branch = tuple[tuple[int, Kernel], ...]
FINE: tuple[Branch, ...] = (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (32, 3), (32, 3)))
MIDDLE: tuple[Branch, ...] = (((128, 1),), ((128, 1), (128, (1, 7)), (128, (7, 1))))
COARSE: tuple[Branch, ...] = (((192, 1),), ((192, 1), (192, (1, 3)), (192, (3, 1))))


@dataclass(frozen=True)
class InceptionPlan:
    """An InceptionResnetV1 in numbers.

    Attributes:
        repeats: how many residual blocks of each of the three resolutions.
    """

    repeats: tuple[int, ...] = (5, 10, 5)

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn.

        Raises:
            TargetError: the input is smaller than 75x75, so that no map would be left.
        """
        at_least(SMALLEST, spec, "InceptionResnetV1")
        return InceptionResnetV1(self, spec, embedding_size)


def read_inception(shapes: Shapes) -> Reading:
    """An InceptionResnetV1; a mean over its last map takes any size, 160x160 by convention."""
    plan = InceptionPlan(tuple(count(shapes, rf"repeat_{i}\.(\d+)\.") for i in (1, 2, 3)))
    channels, size = shapes["conv2d_1a.conv.weight"][1], (160, 160)
    return Reading(plan, channels, size, shapes["last_linear.weight"][0], head=below(shapes, "logits."))


class BasicConv(nn.Module):
    """Convolution, BatchNorm, ReLU."""

    def __init__(self, before: int, after: int, kernel: Kernel, stride: int = 1, padding: Kernel = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h', w')."""
        out: Tensor = self.bn(self.conv(x)).relu()
        return out


class Residual(nn.Module):
    """Branches side by side, joined by a 1x1 convolution and added to the input at a small scale."""

    def __init__(self, channels: int, branches: tuple[Branch, ...], scale: float, relu: bool = True) -> None:
        super().__init__()
        self.scale, self.relu, self.width = scale, relu, len(branches)
        for i, branch in enumerate(branches):
            layers = _chain(channels, branch)
            self.add_module(f"branch{i}", layers[0] if len(layers) == 1 else nn.Sequential(*layers))
        self.conv2d = nn.Conv2d(sum(branch[-1][0] for branch in branches), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same shape."""
        joined = torch.cat([self.get_submodule(f"branch{i}")(x) for i in range(self.width)], 1)
        out: Tensor = self.conv2d(joined) * self.scale + x
        return out.relu() if self.relu else out


class ReductionBlock(nn.Module):
    """Convolutions of stride 2 and a pooling side by side: half the sides, more channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.width = len(branches) + 1
        for i, branch in enumerate((*branches, nn.MaxPool2d(3, 2))):
            self.add_module(f"branch{i}", branch)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c', (h - 1) / 2, (w - 1) / 2), rounded down."""
        return torch.cat([self.get_submodule(f"branch{i}")(x) for i in range(self.width)], 1)


class InceptionResnetV1(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: InceptionPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        fine, middle, coarse = plan.repeats
        self.conv2d_1a = BasicConv(spec.channels, 32, 3, 2)
        self.conv2d_2a = BasicConv(32, 32, 3)
        self.conv2d_2b = BasicConv(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = BasicConv(64, 80, 1)
        self.conv2d_4a = BasicConv(80, 192, 3)
        self.conv2d_4b = BasicConv(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(Residual(256, FINE, 0.17) for _ in range(fine)))
        self.mixed_6a = _mixed_6a()
        self.repeat_2 = nn.Sequential(*(Residual(896, MIDDLE, 0.10) for _ in range(middle)))
        self.mixed_7a = _mixed_7a()
        self.repeat_3 = nn.Sequential(*(Residual(1792, COARSE, 0.20) for _ in range(coarse)))
        self.block8 = Residual(1792, COARSE, 1.0, relu=False)
        self.last_linear = nn.Linear(1792, embedding_size, bias=False)
        self.last_bn = nn.BatchNorm1d(embedding_size)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.maxpool_3a(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        x = self.repeat_1(self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x))))
        x = self.repeat_3(self.mixed_7a(self.repeat_2(self.mixed_6a(x))))
        embedding: Tensor = self.last_bn(self.last_linear(self.block8(x).mean((2, 3))))
        return embedding


def _chain(before: int, branch: Branch) -> list[BasicConv]:
    """Convolutions that keep the sides."""
    widths = (before, *(after for after, _ in branch))
    return [
        BasicConv(width, after, kernel, padding=kernel // 2 if isinstance(kernel, int) else _half(kernel))
        for width, (after, kernel) in zip(widths, branch, strict=False)
    ]


def _half(kernel: tuple[int, int]) -> tuple[int, int]:
    return kernel[0] // 2, kernel[1] // 2


def _mixed_6a() -> ReductionBlock:
    reduced = nn.Sequential(BasicConv(256, 192, 1), BasicConv(192, 192, 3, padding=1), BasicConv(192, 256, 3, 2))
    return ReductionBlock(BasicConv(256, 384, 3, 2), reduced)


def _mixed_7a() -> ReductionBlock:
    return ReductionBlock(
        nn.Sequential(BasicConv(896, 256, 1), BasicConv(256, 384, 3, 2)),
        nn.Sequential(BasicConv(896, 256, 1), BasicConv(256, 256, 3, 2)),
        nn.Sequential(BasicConv(896, 256, 1), BasicConv(256, 256, 3, padding=1), BasicConv(256, 256, 3, 2)),
    )


INCEPTION_PLANS = {"inception-resnet-v1": InceptionPlan()}
