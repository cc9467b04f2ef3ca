"""The face ResNets of ronghuaiyang (arcface-pytorch) and foamliu (InsightFace-v2). Not normalised at the end.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
A unit is BN conv BN PReLU conv BN [SE] plus a shortcut, then the same PReLU again; its first convolution keeps the
width. All PReLUs have one slope for all channels. The two differ in what the tail is called and in the stem:

    foamliu        bn2 fc bn3     the first convolution has no padding
    ronghuaiyang   bn4 fc5 bn5    it has

Known limits:
Widths that no table lists are read off the shapes, and called custom.

Reference:
ronghuaiyang/arcface-pytorch; foamliu/InsightFace-v2.
"""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.ir import UNITS
from bareface.targets.backbones.plan import Reading, Shapes, count, sides

Style = Literal["foamliu", "ronghuaiyang"]
TAILS: dict[Style, tuple[str, str, str]] = {"foamliu": ("bn2", "fc", "bn3"), "ronghuaiyang": ("bn4", "fc5", "bn5")}
# Pooling and three strided stages halve the sides four times.
SHRINK = 16


@dataclass(frozen=True)
class FaceResNetPlan:
    """A face ResNet in numbers.

    Attributes:
        style: whose, see the top of this file.
        units: how many in each of the four stages.
        widths: channels of the stages; the first is also that of the stem.
        squeeze: hidden channels of the squeeze-and-excitation in each stage; empty without one.
    """

    style: Style
    units: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    squeeze: tuple[int, ...] = ()

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return FaceResNet(self, spec, embedding_size)


def read_face_resnet(shapes: Shapes) -> Reading:
    """A face ResNet: four stages, counted."""
    style: Style = "ronghuaiyang" if "fc5.weight" in shapes else "foamliu"
    numbers = range(1, 5)
    plan = FaceResNetPlan(
        style,
        tuple(count(shapes, rf"layer{stage}\.(\d+)\.") for stage in numbers),
        tuple(shapes[f"layer{stage}.0.conv2.weight"][0] for stage in numbers),
        tuple(shapes[key][0] for stage in numbers if (key := f"layer{stage}.0.se.fc.0.weight") in shapes),
    )
    rows, columns = shapes[f"{TAILS[style][1]}.weight"]
    return Reading(plan, shapes["conv1.weight"][1], sides(columns // plan.widths[-1], SHRINK), rows)


class LinearGate(nn.Module):
    """Squeeze-and-excitation by two linear maps with biases, called `fc.0` and `fc.2`."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        down, up = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.fc = nn.Sequential(down, nn.PReLU(), up, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        gate: Tensor = self.fc(x.mean((2, 3)))
        return x * gate[:, :, None, None]


class FaceUnit(nn.Module):
    """One residual unit."""

    def __init__(self, before: int, after: int, stride: int, hidden: int) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, before, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = _projection(before, after, stride) if stride > 1 or before != after else None
        self.se = LinearGate(after, hidden) if hidden else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride), rounded up."""
        inner: Tensor = self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(self.bn0(x))))))
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.prelu(self.se(inner) + shortcut)
        return out


class FaceResNet(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: FaceResNetPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        stem, last = plan.widths[0], plan.widths[-1]
        padding = 1 if plan.style == "ronghuaiyang" else 0
        self.conv1 = nn.Conv2d(spec.channels, stem, 3, padding=padding, bias=False)
        self.bn1, self.prelu, self.maxpool = nn.BatchNorm2d(stem), nn.PReLU(), nn.MaxPool2d(2, 2)
        self.layer1, self.layer2, self.layer3, self.layer4 = _stages(plan)
        area = math.ceil(spec.height / SHRINK) * math.ceil(spec.width / SHRINK)
        tail = (nn.BatchNorm2d(last), nn.Linear(last * area, embedding_size), nn.BatchNorm1d(embedding_size))
        self.tail = TAILS[plan.style]
        for name, layer in zip(self.tail, tail, strict=True):
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        x = self.maxpool(self.prelu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        norm, linear, last = (self.get_submodule(name) for name in self.tail)
        embedding: Tensor = last(linear(norm(x).flatten(1)))
        return embedding


def _stages(plan: FaceResNetPlan) -> list[nn.Sequential]:
    before = (plan.widths[0], *plan.widths)
    gates = plan.squeeze or (0,) * len(plan.widths)
    return [
        nn.Sequential(
            *(FaceUnit(after if i else width, after, 2 if stage and not i else 1, hidden) for i in range(units))
        )
        for stage, (width, after, units, hidden) in enumerate(zip(before, plan.widths, plan.units, gates, strict=False))
    ]


def _projection(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


_GATES = (4, 8, 16, 32)
# foamliu's nets of 34 and 50 layers are the same.
_DEPTHS = {"18": UNITS["18"], "34": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": UNITS["152"]}
FACE_RESNET_PLANS = {
    **{f"foamliu-resnet{depth}": FaceResNetPlan("foamliu", units) for depth, units in _DEPTHS.items()},
    **{
        f"foamliu-resnet-se-{depth}": FaceResNetPlan("foamliu", units, squeeze=_GATES)
        for depth, units in _DEPTHS.items()
    },
    "ronghuaiyang-resnet18": FaceResNetPlan("ronghuaiyang", UNITS["18"]),
    "ronghuaiyang-resnet-se-18": FaceResNetPlan("ronghuaiyang", UNITS["18"], squeeze=_GATES),
}
