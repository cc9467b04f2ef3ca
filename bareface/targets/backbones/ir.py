"""IR nets: residual units that begin with a BatchNorm (Deng et al., ArcFace, CVPR 2019, "IR").

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
Two key layouts are in use. *AdaFace* (also CVLFace) puts a BatchNorm after the first convolution of a unit
and leaves the last BatchNorm of the embedding without weights; *evolve* (face.evoLVe, TreB1eN) does neither:

    adaface   res_layer: BN conv BN PReLU conv BN [se_block]
              output_layer: BN dropout flatten linear BN(affine=False)
    evolve    res_layer: BN conv PReLU conv BN [SE as number 5]
              output_layer: BN dropout flatten linear BN

The embedding is returned before any L2 normalisation.

Known limits:
A net of CVLFace has the keys of one of AdaFace, and takes RGB instead of BGR.

Reference:
Deng et al., CVPR 2019, arXiv 1801.07698; AdaFace, CVLFace, face.evoLVe.
"""

import math
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Literal

from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, count, sides

Layout = Literal["adaface", "evolve"]


@dataclass(frozen=True)
class IRPlan:
    """An IR net in numbers.

    Attributes:
        layout: which keys, see the top of this file.
        stem: channels of the input layer.
        stages: (channels, units) of each stage; the first unit of a stage halves height and width.
        squeeze: with squeeze-and-excitation in every unit (IR-SE).
        bottleneck: units of three convolutions, 1x1, 3x3, 1x1 (AdaFace's 152 layers).
        dropout: probability before the linear layer; of no effect in evaluation mode.
    """

    layout: Layout
    stem: int
    stages: tuple[tuple[int, int], ...]
    squeeze: bool = False
    bottleneck: bool = False
    dropout: float = field(default=0.4, compare=False)

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return IRNet(self, spec, embedding_size)

    @property
    def shrink(self) -> int:
        """How many times smaller than the input the last map is."""
        return 1 << len(self.stages)

    def units(self) -> list[tuple[int, int, int]]:
        """(channels in, channels out, stride) of every unit, in order."""
        widths = [self.stem] + [width for width, count in self.stages for _ in range(count)]
        strides = [2 if first else 1 for _, count in self.stages for first in [True] + [False] * (count - 1)]
        return [(before, after, stride) for (before, after), stride in zip(pairwise(widths), strides, strict=True)]


def read_ir(shapes: Shapes) -> Reading:
    """An IR net: a stage begins with the first unit and wherever the width changes."""
    adaface = "body.0.res_layer.2.running_mean" in shapes
    squeeze = "se_block.fc1.weight" if adaface else "5.fc1.weight"
    widths = [_last_norm(shapes, f"body.{i}.res_layer.") for i in range(count(shapes, r"body\.(\d+)\."))]
    stem, channels, *_ = shapes["input_layer.0.weight"]
    plan = IRPlan(
        "adaface" if adaface else "evolve",
        stem,
        stages=tuple((width, len(list(units))) for width, units in groupby(widths)),
        squeeze=f"body.0.res_layer.{squeeze}" in shapes,
        bottleneck="body.0.res_layer.8.running_mean" in shapes,
    )
    rows, columns = shapes["output_layer.3.weight"]
    return Reading(plan, channels, sides(columns // widths[-1], plan.shrink), rows)


def _last_norm(shapes: Shapes, prefix: str) -> int:
    """Channels of the last numbered BatchNorm under the prefix."""
    numbered = re.compile(re.escape(prefix) + r"(\d+)\.running_mean")
    found = {int(match[1]): shape[0] for key, shape in shapes.items() if (match := numbered.fullmatch(key))}
    return found[max(found)]


class SqueezeExcite(nn.Module):
    """Channels scaled by a gate computed from their means (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        gate: Tensor = self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()
        return x * gate


class IRUnit(nn.Module):
    """One residual unit: a shortcut plus `res_layer`."""

    def __init__(self, before: int, after: int, stride: int, plan: IRPlan) -> None:
        super().__init__()
        self.shortcut_layer = _shortcut(before, after, stride)
        inner = _bottleneck if plan.bottleneck else _basic
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            (str(i), layer) for i, layer in enumerate(inner(before, after, stride, plan.layout))
        )
        if plan.squeeze:
            layers["se_block" if plan.layout == "adaface" else str(len(layers))] = SqueezeExcite(after)
        self.res_layer = nn.Sequential(layers)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels in, h, w) to (n, channels out, h / stride, w / stride), rounded up."""
        total: Tensor = self.shortcut_layer(x) + self.res_layer(x)
        return total


class IRNet(nn.Module):
    """An IR backbone: (n, channels, height, width) to (n, embedding_size), not normalised."""

    def __init__(self, plan: IRPlan, spec: ImageSpec, embedding_size: int = 512) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            _conv(spec.channels, plan.stem), nn.BatchNorm2d(plan.stem), nn.PReLU(plan.stem)
        )
        self.body = nn.Sequential(*(IRUnit(*unit, plan) for unit in plan.units()))
        width = plan.stages[-1][0]
        area = math.ceil(spec.height / plan.shrink) * math.ceil(spec.width / plan.shrink)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.Dropout(plan.dropout),
            nn.Flatten(),
            nn.Linear(width * area, embedding_size),
            nn.BatchNorm1d(embedding_size, affine=plan.layout == "evolve"),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        embedding: Tensor = self.output_layer(self.body(self.input_layer(x)))
        return embedding


def _conv(before: int, after: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, stride, padding=size // 2, bias=False)


def _shortcut(before: int, after: int, stride: int) -> nn.Module:
    if before != after:
        return nn.Sequential(_conv(before, after, 1, stride), nn.BatchNorm2d(after))
    return nn.MaxPool2d(1, stride) if stride > 1 else nn.Identity()


def _basic(before: int, after: int, stride: int, layout: Layout) -> list[nn.Module]:
    between = [nn.BatchNorm2d(after)] if layout == "adaface" else []
    first, second = _conv(before, after), _conv(after, after, stride=stride)
    return [nn.BatchNorm2d(before), first, *between, nn.PReLU(after), second, nn.BatchNorm2d(after)]


def _bottleneck(before: int, after: int, stride: int, layout: Layout) -> list[nn.Module]:
    inner = after // 4
    return [
        nn.BatchNorm2d(before),
        *(_conv(before, inner, 1), nn.BatchNorm2d(inner), nn.PReLU(inner)),
        *(_conv(inner, inner), nn.BatchNorm2d(inner), nn.PReLU(inner)),
        *(_conv(inner, after, 1, stride), nn.BatchNorm2d(after)),
    ]


# Residual units of each stage, by the number of layers that gave the nets their names.
UNITS = {
    "18": (2, 2, 2, 2),
    "34": (3, 4, 6, 3),
    "50": (3, 4, 14, 3),
    "101": (3, 13, 30, 3),
    "152": (3, 8, 36, 3),
}
_WIDTHS, _WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)


def _plans() -> dict[str, IRPlan]:
    """Depths of both layouts; AdaFace's 152 layers are wide bottlenecks, those of face.evoLVe are not."""
    plans: dict[str, IRPlan] = {}
    for squeeze, infix in ((False, ""), (True, "-se-")):
        for depth, units in UNITS.items():
            deep = depth == "152"
            adaface = tuple(zip(_WIDE if deep else _WIDTHS, units, strict=True))
            evolve = tuple(zip(_WIDTHS, units, strict=True))
            plans[f"ir{infix}{depth}"] = IRPlan("adaface", 64, adaface, squeeze, bottleneck=deep)
            plans[f"evolve-ir{infix}{depth}"] = IRPlan("evolve", 64, evolve, squeeze)
    return plans


IR_PLANS = {"ir-tiny": IRPlan("evolve", 16, ((16, 2), (32, 2), (64, 2), (128, 2)), dropout=0.1), **_plans()}
