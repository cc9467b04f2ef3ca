"""Reading a backbone's plan off the shapes of its weights."""

import re
from collections.abc import Mapping
from itertools import groupby

from bareface.targets.ir import IRPlan
from bareface.targets.iresnet import IResNetPlan
from bareface.targets.mobilefacenet import Block, MobileFaceNetPlan

Shapes = Mapping[str, tuple[int, ...]]


def ir_plan(shapes: Shapes) -> IRPlan:
    """An IR net: a stage begins with the first unit and wherever the width changes."""
    adaface = "body.0.res_layer.2.running_mean" in shapes
    squeeze = "se_block.fc1.weight" if adaface else "5.fc1.weight"
    widths = [_last_norm(shapes, f"body.{i}.res_layer.") for i in range(_count(shapes, r"body\.(\d+)\."))]
    return IRPlan(
        "adaface" if adaface else "evolve",
        stem=shapes["input_layer.0.weight"][0],
        stages=tuple((width, len(list(units))) for width, units in groupby(widths)),
        squeeze=f"body.0.res_layer.{squeeze}" in shapes,
        bottleneck="body.0.res_layer.8.running_mean" in shapes,
    )


def iresnet_plan(shapes: Shapes) -> IResNetPlan:
    """An iresnet: four stages, counted."""
    return IResNetPlan(
        tuple(_count(shapes, rf"layer{stage}\.(\d+)\.") for stage in range(1, 5)),
        tuple(shapes[f"layer{stage}.0.conv1.weight"][0] for stage in range(1, 5)),
    )


def mobilefacenet_plan(shapes: Shapes) -> MobileFaceNetPlan:
    """A MobileFaceNet in the plain layout; its strides are no shapes, see `_strided`."""
    rows = [_plain_block(shapes, f"blocks.{i}.conv.") for i in range(_count(shapes, r"blocks\.(\d+)\."))]
    strided = _strided(rows)
    blocks = (Block(inner, after, 2 if i in strided else 1, gate) for i, (_, inner, after, gate) in enumerate(rows))
    return MobileFaceNetPlan(
        shapes["conv1.conv.weight"][0],
        tuple(blocks),
        last=shapes["conv2.conv.weight"][0],
        depthwise="linear7.conv.weight" in shapes,
    )


def evolve_mobilefacenet_plan(shapes: Shapes) -> MobileFaceNetPlan:
    """A MobileFaceNet in the evolve layout: `conv_23`, `conv_34` and `conv_45` halve the sides."""
    blocks: list[Block] = []
    for strided, kept in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
        names = [f"{kept}.model.{i}" for i in range(_count(shapes, rf"{kept}\.model\.(\d+)\."))]
        for name in (strided, *names):
            inner, after = (shapes[f"{name}.{part}.conv.weight"][0] for part in ("conv", "project"))
            blocks.append(Block(inner, after, 2 if name == strided else 1))
    stem, last = shapes["conv1.conv.weight"][0], shapes["conv_6_sep.conv.weight"][0]
    return MobileFaceNetPlan(stem, tuple(blocks), last, layout="evolve")


def _count(shapes: Shapes, pattern: str) -> int:
    """How many different numbers stand in the keys; of distinct ones, because a key may claim any number."""
    return len({found[1] for key in shapes if (found := re.match(pattern, key))})


def _last_norm(shapes: Shapes, prefix: str) -> int:
    """Channels of the last numbered BatchNorm under the prefix."""
    numbered = re.compile(re.escape(prefix) + r"(\d+)\.running_mean")
    found = {int(match[1]): shape[0] for key, shape in shapes.items() if (match := numbered.fullmatch(key))}
    return found[max(found)]


def _plain_block(shapes: Shapes, prefix: str) -> tuple[int, int, int, int]:
    """Channels before, inside and after a block, and of its gate."""
    gate = shapes.get(f"{prefix}6.fc.1.weight", (0,))[0]
    down = shapes[f"{prefix}{7 if gate else 6}.weight"]
    inner, before, *_ = shapes[f"{prefix}0.weight"]
    return before, inner, down[0], gate


def _strided(rows: list[tuple[int, int, int, int]]) -> set[int]:
    """Which blocks halve the sides: the first, and those that expand more than the others do.

    Nets whose blocks all expand alike halve wherever the width changes.
    """
    expansions = [inner / before for before, inner, _, _ in rows]
    if max(expansions) > min(expansions):
        return {0, *(i for i, expansion in enumerate(expansions) if expansion > min(expansions))}
    return {0, *(i for i, (before, _, after, _) in enumerate(rows) if i and before != after)}
