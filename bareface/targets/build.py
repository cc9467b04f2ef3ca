"""Backbones by name."""

from torch import nn

from bareface.errors import TargetError
from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Plan
from bareface.targets.families import PLANS, plans

__all__ = ["PLANS", "build", "name_of"]


def build(architecture: str, *, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
    """The backbone of that name with fresh weights, drawn from torch's global generator.

    Returns:
        A module (n, channels, height, width) -> (n, embedding_size), in training mode, not normalised.

    Raises:
        TargetError: no architecture has that name.
    """
    known = plans()
    if architecture not in known:
        names = ", ".join(sorted(known))
        raise TargetError("architecture", got=repr(architecture), expected=f"one of {names}")
    return known[architecture].net(spec, embedding_size)


def name_of(plan: Plan, family: str) -> str:
    """The name under which `build` knows the plan, or `<family>-custom`."""
    return next((name for name, known in plans().items() if known == plan), f"{family}-custom")
