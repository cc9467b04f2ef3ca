"""Backbones by name."""

from collections.abc import Mapping
from typing import Protocol

from torch import nn

from bareface.errors import TargetError
from bareface.targets.backbones.ir import IR_PLANS
from bareface.targets.backbones.iresnet import IRESNET_PLANS
from bareface.targets.backbones.mobilefacenet import MOBILEFACENET_PLANS
from bareface.targets.spec import ImageSpec


class Plan(Protocol):
    """A backbone in numbers."""

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn."""


PLANS: Mapping[str, Plan] = {**IR_PLANS, **IRESNET_PLANS, **MOBILEFACENET_PLANS}


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
