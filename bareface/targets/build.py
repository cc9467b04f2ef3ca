"""Backbones by name."""

from collections.abc import Mapping
from typing import Protocol

from torch import nn

from bareface.errors import TargetError
from bareface.targets.ir import IRPlan
from bareface.targets.iresnet import IResNetPlan
from bareface.targets.mobilefacenet import Block, MobileFaceNetPlan
from bareface.targets.spec import ImageSpec


class Plan(Protocol):
    """A backbone in numbers."""

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""


# Residual units of each stage, by the number of layers that gave the nets their names.
_UNITS = {
    "18": (2, 2, 2, 2),
    "34": (3, 4, 6, 3),
    "50": (3, 4, 14, 3),
    "101": (3, 13, 30, 3),
    "152": (3, 8, 36, 3),
}
_WIDTHS, _WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)


def _ir_plans() -> dict[str, IRPlan]:
    """Depths of both layouts; AdaFace's 152 layers are wide bottlenecks, those of face.evoLVe are not."""
    plans: dict[str, IRPlan] = {}
    for squeeze, infix in ((False, ""), (True, "-se-")):
        for depth in ("18", "34", "50", "101", "152"):
            deep = depth == "152"
            adaface = tuple(zip(_WIDE if deep else _WIDTHS, _UNITS[depth], strict=True))
            evolve = tuple(zip(_WIDTHS, _UNITS[depth], strict=True))
            plans[f"ir{infix}{depth}"] = IRPlan("adaface", 64, adaface, squeeze, bottleneck=deep)
            plans[f"evolve-ir{infix}{depth}"] = IRPlan("evolve", 64, evolve, squeeze)
    return plans


def _blocks(*rows: tuple[int, int, int, int, int]) -> tuple[Block, ...]:
    """Rows of (expanded, width, repeats, stride of the first, gate) as blocks."""
    return tuple(
        Block(inner, width, stride if first else 1, gate)
        for inner, width, repeats, stride, gate in rows
        for first in [True] + [False] * (repeats - 1)
    )


_MOBILE = _blocks((128, 64, 5, 2, 0), (256, 128, 7, 2, 0), (512, 128, 1, 2, 0), (256, 128, 2, 1, 0))
_MICRO = _blocks(
    *((64, 16, 1, 2, 16), (32, 16, 1, 1, 8)),
    *((32, 32, 1, 2, 8), (64, 32, 1, 1, 16)),
    *((64, 48, 1, 2, 16), (96, 48, 2, 1, 24)),
)

PLANS: Mapping[str, Plan] = {
    "ir-tiny": IRPlan("evolve", 16, ((16, 2), (32, 2), (64, 2), (128, 2)), dropout=0.1),
    **_ir_plans(),
    **{f"iresnet{depth}": IResNetPlan(_UNITS[depth]) for depth in ("18", "34", "50")},
    "iresnet100": IResNetPlan(_UNITS["101"]),
    "iresnet200": IResNetPlan((6, 26, 60, 6)),
    "mobilefacenet": MobileFaceNetPlan(64, _MOBILE, last=512),
    "mobilefacenet-micro": MobileFaceNetPlan(32, _MICRO, last=96, depthwise=False),
    "evolve-mobilefacenet": MobileFaceNetPlan(64, _MOBILE, last=512, layout="evolve"),
}


def build(architecture: str, *, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
    """The backbone of that name with fresh weights, drawn from torch's global generator.

    Returns:
        A module (n, channels, height, width) -> (n, embedding_size), in training mode, not normalised.

    Raises:
        TargetError: no architecture has that name.
    """
    if architecture not in PLANS:
        names = ", ".join(sorted(PLANS))
        raise TargetError("architecture", got=repr(architecture), expected=f"one of {names}")
    return PLANS[architecture].net(spec, embedding_size)


def name_of(plan: Plan, family: str) -> str:
    """The name under which `build` knows the plan, or `<family>-custom`."""
    return next((name for name, known in PLANS.items() if known == plan), f"{family}-custom")
