"""Backbones by name."""

from collections.abc import Mapping

from torch import nn

from bareface.errors import TargetError
from bareface.targets.ir import IRNet, IRPlan
from bareface.targets.spec import ImageSpec

PLANS: Mapping[str, IRPlan] = {
    "ir-tiny": IRPlan("evolve", 16, ((16, 2), (32, 2), (64, 2), (128, 2)), dropout=0.1),
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
        raise TargetError(
            "architecture", got=repr(architecture), expected=f"one of {names}", hint="bareface inspect FILE"
        )
    return IRNet(PLANS[architecture], spec, embedding_size)
