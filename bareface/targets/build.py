"""Backbones by name."""

from collections.abc import Mapping

from torch import nn

from bareface.errors import TargetError
from bareface.targets.backbones.depthwise_mobilefacenet import DEPTHWISE_PLANS
from bareface.targets.backbones.evolve_mobilefacenet import EVOLVE_MOBILEFACENET_PLANS
from bareface.targets.backbones.face_resnet import FACE_RESNET_PLANS
from bareface.targets.backbones.inception import INCEPTION_PLANS
from bareface.targets.backbones.ir import IR_PLANS
from bareface.targets.backbones.iresnet import IRESNET_PLANS
from bareface.targets.backbones.light_cnn import LIGHT_CNN_PLANS
from bareface.targets.backbones.mbf import MBF_PLANS
from bareface.targets.backbones.mobilefacenet import MOBILEFACENET_PLANS
from bareface.targets.backbones.plan import Plan
from bareface.targets.backbones.resnet import RESNET_PLANS
from bareface.targets.backbones.sphereface import SPHEREFACE_PLANS
from bareface.targets.backbones.vit import VIT_PLANS
from bareface.targets.families import families
from bareface.targets.spec import ImageSpec

PLANS: Mapping[str, Plan] = {
    **IR_PLANS,
    **IRESNET_PLANS,
    **MOBILEFACENET_PLANS,
    **EVOLVE_MOBILEFACENET_PLANS,
    **MBF_PLANS,
    **DEPTHWISE_PLANS,
    **FACE_RESNET_PLANS,
    **INCEPTION_PLANS,
    **VIT_PLANS,
    **RESNET_PLANS,
    **LIGHT_CNN_PLANS,
    **SPHEREFACE_PLANS,
}


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


def plans() -> Mapping[str, Plan]:
    """Architecture -> plan: ours, and those of families that other packages offer."""
    return {name: plan for family in families() for name, plan in family.plans.items()} | dict(PLANS)


def name_of(plan: Plan, family: str) -> str:
    """The name under which `build` knows the plan, or `<family>-custom`."""
    return next((name for name, known in plans().items() if known == plan), f"{family}-custom")
