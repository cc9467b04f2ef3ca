"""ResNets of torchvision and timm (He et al., CVPR 2016), and face.evoLVe's with a tail for faces.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
    pooled   layer4, mean over the map, and perhaps a linear map called `fc` or `embedding`
    evolve   layer4, bn_o1, fc over the whole map, bn_o2

Strides stand in the 3x3 convolution of a unit, as in torchvision and timm. The embedding is not normalised.

Known limits:
Nets of other subjects than faces have the same keys.

Reference:
He et al., CVPR 2016, arXiv 1512.03385; torchvision, timm, face.evoLVe.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, below, count, sides

Tail = Literal["pooled", "evolve"]
# Stem, pooling and three strided stages halve the sides five times.
SHRINK = 32
# Rows of a linear map beyond these are classes, not numbers of an embedding; so are the thousand of ImageNet.
MOST_NUMBERS, IMAGENET_CLASSES = 1024, 1000
# Side of a face crop.
USUAL = 112


@dataclass(frozen=True)
class ResNetPlan:
    """A ResNet in numbers.

    Attributes:
        units: how many in each of the four stages.
        stem: channels of the first convolution.
        inner: channels inside the units of each stage.
        outer: channels that leave them; units of two convolutions have as many inside.
        bottleneck: units of three convolutions, 1x1, 3x3, 1x1.
        groups: of the 3x3 convolutions (ResNeXt).
        tail: see the top of this file.
        linear: name of the linear map behind the mean; empty without one.
        bias: whether it has one.
    """

    units: tuple[int, ...]
    stem: int = 64
    inner: tuple[int, ...] = (64, 128, 256, 512)
    outer: tuple[int, ...] = (256, 512, 1024, 2048)
    bottleneck: bool = True
    groups: int = 1
    tail: Tail = "pooled"
    linear: str = field(default="fc", compare=False)
    bias: bool = field(default=True, compare=False)

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn; without a linear map the embedding has as many numbers as `outer` ends with."""
        return ResNet(self, spec, embedding_size)


def read_resnet(shapes: Shapes) -> Reading:
    """A ResNet; where the last map is averaged any size fits, and 112x112 is assumed."""
    stem, channels, *kernel = shapes["conv1.weight"]
    if kernel != [7, 7]:
        raise ValueError(f"conv1.weight {shapes['conv1.weight']}: a stem whose stride no shape tells")
    linear, head = _linear(shapes)
    plan = _plan(shapes, stem, linear)
    rows, columns = shapes.get(f"{linear}.weight", (plan.outer[-1], plan.outer[-1]))
    size = _evolve_size(columns // plan.outer[-1]) if plan.tail == "evolve" else (USUAL, USUAL)
    return Reading(plan, channels, size, rows, head)


def _plan(shapes: Shapes, stem: int, linear: str) -> ResNetPlan:
    stages, last = range(1, 5), 3 if "layer1.0.conv3.weight" in shapes else 2
    inner = tuple(shapes[f"layer{stage}.0.conv1.weight"][0] for stage in stages)
    return ResNetPlan(
        tuple(count(shapes, rf"layer{stage}\.(\d+)\.") for stage in stages),
        stem,
        inner,
        tuple(shapes[f"layer{stage}.0.conv{last}.weight"][0] for stage in stages),
        bottleneck=last == 3,
        groups=inner[0] // shapes["layer1.0.conv2.weight"][1],
        tail="evolve" if "bn_o1.running_mean" in shapes else "pooled",
        linear=linear,
        bias=f"{linear}.bias" in shapes,
    )


def _evolve_size(area: int) -> tuple[int, int]:
    """112x112 leaves a map of 4x4, rounded up; other sizes are taken for multiples of what the net shrinks them by."""
    rounded = SHRINK * math.ceil(USUAL / SHRINK)
    size = sides(area, SHRINK)
    return (USUAL, USUAL) if size == (rounded, rounded) else size


def _linear(shapes: Shapes) -> tuple[str, tuple[str, ...]]:
    """Name of the linear map that returns the embedding, and the keys of the one that returns classes."""
    if "embedding.weight" in shapes:
        return "embedding", below(shapes, "fc.")
    rows = shapes.get("fc.weight", (0,))[0]
    if rows > MOST_NUMBERS or rows == IMAGENET_CLASSES:
        return "", below(shapes, "fc.")
    return ("fc" if rows else ""), ()


class BasicUnit(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, before: int, inner: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(before, inner, 3, stride), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = _conv(inner, after, 3), nn.BatchNorm2d(after)
        self.downsample = _projection(before, after, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride), rounded up."""
        out: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (out + (x if self.downsample is None else self.downsample(x))).relu()


class BottleneckUnit(nn.Module):
    """A 1x1, a 3x3 and a 1x1 convolution beside a shortcut."""

    def __init__(self, before: int, inner: int, after: int, stride: int, groups: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(before, inner), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = _conv(inner, inner, 3, stride, groups), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = _conv(inner, after), nn.BatchNorm2d(after)
        self.downsample = _projection(before, after, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride), rounded up."""
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        out: Tensor = self.bn3(self.conv3(inner))
        return (out + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: ResNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(spec.channels, plan.stem, 7, 2, 3, bias=False), nn.BatchNorm2d(plan.stem)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2, self.layer3, self.layer4 = _stages(plan)
        tail = _evolve_tail(plan, spec, embedding_size) if plan.tail == "evolve" else _pooled_tail(plan, embedding_size)
        self.tail = tuple(tail)
        for name, layer in tail.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        for name in self.tail:
            x = self.get_submodule(name)(x)
        return x


def _pooled_tail(plan: ResNetPlan, embedding_size: int) -> dict[str, nn.Module]:
    pooled: dict[str, nn.Module] = {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    return pooled | ({plan.linear: nn.Linear(plan.outer[-1], embedding_size, bias=plan.bias)} if plan.linear else {})


def _evolve_tail(plan: ResNetPlan, spec: ImageSpec, embedding_size: int) -> dict[str, nn.Module]:
    area = math.ceil(spec.height / SHRINK) * math.ceil(spec.width / SHRINK)
    return {
        "bn_o1": nn.BatchNorm2d(plan.outer[-1]),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(plan.outer[-1] * area, embedding_size),
        "bn_o2": nn.BatchNorm1d(embedding_size),
    }


def _stages(plan: ResNetPlan) -> list[nn.Sequential]:
    before = (plan.stem, *plan.outer)
    rows = zip(before, plan.inner, plan.outer, plan.units, strict=False)
    return [
        nn.Sequential(
            *(_unit(plan, after if i else width, inner, after, 2 if stage and not i else 1) for i in range(n))
        )
        for stage, (width, inner, after, n) in enumerate(rows)
    ]


def _unit(plan: ResNetPlan, before: int, inner: int, after: int, stride: int) -> nn.Module:
    if plan.bottleneck:
        return BottleneckUnit(before, inner, after, stride, plan.groups)
    return BasicUnit(before, inner, after, stride)


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)


def _projection(before: int, after: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and before == after:
        return None
    return nn.Sequential(_conv(before, after, 1, stride), nn.BatchNorm2d(after))


_THIN, _THICK, _THICKER = (64, 128, 256, 512), (128, 256, 512, 1024), (256, 512, 1024, 2048)
_DEEP = {"50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}
RESNET_PLANS = {
    "resnet18": ResNetPlan((2, 2, 2, 2), outer=_THIN, bottleneck=False),
    "resnet34": ResNetPlan((3, 4, 6, 3), outer=_THIN, bottleneck=False),
    **{f"resnet{depth}": ResNetPlan(units) for depth, units in _DEEP.items()},
    "resnext50-32x4d": ResNetPlan(_DEEP["50"], inner=_THICK, groups=32),
    "resnext101-32x8d": ResNetPlan(_DEEP["101"], inner=_THICKER, groups=32),
    "wide-resnet50-2": ResNetPlan(_DEEP["50"], inner=_THICK),
    "wide-resnet101-2": ResNetPlan(_DEEP["101"], inner=_THICK),
    **{f"evolve-resnet{depth}": ResNetPlan(units, tail="evolve") for depth, units in _DEEP.items()},
}
