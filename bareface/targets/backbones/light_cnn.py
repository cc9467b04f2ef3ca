"""LightCNN of Wu et al. (IEEE TIFS 2018): the larger of two feature maps in place of an activation, no BatchNorm.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
The releases differ in their keys, in how they pool, and in whether a 1x1 layer stands before the 3x3 that widens:

    9     features.N         largest of 2x2                       1x1 and 3x3    fc1 picks the larger of two maps
    29    conv1 block1-4     largest of 2x2                       1x1 and 3x3    fc picks the larger of two maps
    29v2  conv1 block1-4     largest and mean of 2x2, summed      1x1 and 3x3    fc is linear
    v4    conv1-5 block1-4   largest and mean of 2x2, summed      3x3            fc is linear

The embedding is not normalised.

Known limits:
Without BatchNorm there are no running statistics to read.

Reference:
Wu, He, Sun, Tan, IEEE TIFS 2018, arXiv 1511.02683.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, below, count, sides

Release = Literal["9", "29", "29v2", "v4"]
# What the stem and the four widening layers are called; a stage of residual blocks stands before each of the latter.
_GROUPS = ("conv1", "group1", "group2", "group3", "group4")
LAYERS: dict[Release, tuple[str, ...]] = {
    "9": ("features.0", "features.2", "features.4", "features.6", "features.7"),
    "29": _GROUPS,
    "29v2": _GROUPS,
    "v4": ("conv1", "conv2", "conv3", "conv4", "conv5"),
}
# Pooling behind these layers halves the sides four times.
POOLED, SHRINK = (0, 1, 2, 4), 16


@dataclass(frozen=True)
class LightCNNPlan:
    """A LightCNN in numbers.

    Attributes:
        release: which, see the top of this file.
        units: residual blocks before each widening layer.
        widths: channels that leave the stem and the widening layers.
        kernel: of the stem.
    """

    release: Release
    units: tuple[int, ...] = (1, 2, 3, 4)
    widths: tuple[int, ...] = (48, 96, 192, 128, 128)
    kernel: int = 5

    @property
    def linear(self) -> str:
        """Name of the layer that returns the embedding."""
        return "fc1" if self.release == "9" else "fc"

    @property
    def pairs(self) -> bool:
        """Whether that layer picks the larger of two numbers."""
        return self.release in ("9", "29")

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""
        return LightCNN(self, spec, embedding_size)


def read_light_cnn(shapes: Shapes) -> Reading:
    """A LightCNN of any release."""
    release = _release(shapes)
    filters = [shapes.get(f"{name}.conv.filter.weight") or shapes[f"{name}.filter.weight"] for name in LAYERS[release]]
    units = tuple(count(shapes, rf"block{stage}\.(\d+)\.") for stage in range(1, 5))
    plan = LightCNNPlan(release, units, tuple(shape[0] // 2 for shape in filters), filters[0][2])
    rows, columns = shapes[f"{plan.linear}.filter.weight" if plan.pairs else f"{plan.linear}.weight"]
    if any(pairs % 2 for pairs in (*(shape[0] for shape in filters), rows if plan.pairs else 0)):
        raise ValueError("filters that do not come in pairs")
    size = sides(columns // plan.widths[-1], SHRINK)
    channels, rows = filters[0][1], rows // 2 if plan.pairs else rows
    caveat = "" if channels == 1 else "the project does not say in which order it feeds colours; RGB is assumed"
    return Reading(plan, channels, size, rows, below(shapes, "fc2."), caveat)


def _release(shapes: Shapes) -> Release:
    if "features.0.filter.weight" in shapes:
        return "9"
    if "fc.filter.weight" in shapes:
        return "29"
    return "29v2" if "group1.conv.filter.weight" in shapes else "v4"


class LargerOf(nn.Module):
    """Twice as many outputs as asked for, of which the larger of each pair is kept (max-feature-map)."""

    def __init__(self, both: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.filter = both

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, ...) to (n, after, ...)."""
        first, second = self.filter(x).chunk(2, 1)
        return torch.maximum(first, second)


class LightBlock(nn.Module):
    """Two layers and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _layer(channels, channels), _layer(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        out: Tensor = self.conv2(self.conv1(x)) + x
        return out


class LightCNN(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: LightCNNPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        self.plan, self.layers = plan, LAYERS[plan.release]
        if plan.release == "9":
            self.features = nn.ModuleDict()
        for name, layer in zip(self.layers, _layers(plan, spec), strict=True):
            parent, _, last = name.rpartition(".")
            self.get_submodule(parent).add_module(last, layer)
        for stage, (width, units) in enumerate(zip(plan.widths, plan.units, strict=False), start=1):
            if units:
                self.add_module(f"block{stage}", nn.Sequential(*(LightBlock(width) for _ in range(units))))
        columns = plan.widths[-1] * math.ceil(spec.height / SHRINK) * math.ceil(spec.width / SHRINK)
        linear = nn.Linear(columns, embedding_size * (2 if plan.pairs else 1))
        self.add_module(plan.linear, LargerOf(linear) if plan.pairs else linear)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        for stage, name in enumerate(self.layers):
            if stage and self.plan.units[stage - 1]:
                x = self.get_submodule(f"block{stage}")(x)
            x = self.get_submodule(name)(x)
            x = _pool(x, self.plan.release) if stage in POOLED else x
        embedding: Tensor = self.get_submodule(self.plan.linear)(x.flatten(1))
        return embedding


def _pool(x: Tensor, release: Release) -> Tensor:
    if release in ("9", "29"):
        return max_pool2d(x, 2, ceil_mode=True)
    return max_pool2d(x, 2) + avg_pool2d(x, 2)


def _layers(plan: LightCNNPlan, spec: ImageSpec) -> list[nn.Module]:
    stem = _layer(spec.channels, plan.widths[0], plan.kernel)
    widen = _layer if plan.release == "v4" else _group
    return [stem, *(widen(before, after) for before, after in pairwise(plan.widths))]


def _group(before: int, after: int) -> nn.Module:
    return nn.Sequential(OrderedDict(conv_a=_layer(before, before, 1), conv=_layer(before, after)))


def _layer(before: int, after: int, kernel: int = 3) -> nn.Module:
    return LargerOf(nn.Conv2d(before, 2 * after, kernel, padding=kernel // 2))


LIGHT_CNN_PLANS = {
    "lightcnn-9": LightCNNPlan("9", units=(0, 0, 0, 0)),
    "lightcnn-29": LightCNNPlan("29"),
    "lightcnn-29v2": LightCNNPlan("29v2"),
    "lightcnn-v4": LightCNNPlan("v4", kernel=3),
}
