"""The families of face backbones: how to tell them apart by key names, and how they want their input.

The order matters; the first family whose marks are all found is it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bareface.errors import UsageError
from bareface.registry import Plugin, Registry
from bareface.targets import conventions as by
from bareface.targets.backbones.depthwise_mobilefacenet import DEPTHWISE_PLANS, read_depthwise_mobilefacenet
from bareface.targets.backbones.evolve_mobilefacenet import EVOLVE_MOBILEFACENET_PLANS, read_evolve_mobilefacenet
from bareface.targets.backbones.face_resnet import FACE_RESNET_PLANS, read_face_resnet
from bareface.targets.backbones.inception import INCEPTION_PLANS, read_inception
from bareface.targets.backbones.ir import IR_PLANS, read_ir
from bareface.targets.backbones.iresnet import IRESNET_PLANS, read_iresnet
from bareface.targets.backbones.light_cnn import LIGHT_CNN_PLANS, read_light_cnn
from bareface.targets.backbones.mbf import MBF_PLANS, read_mbf
from bareface.targets.backbones.mobilefacenet import MOBILEFACENET_PLANS, read_mobilefacenet
from bareface.targets.backbones.plan import Plan, Reading, Shapes, present
from bareface.targets.backbones.resnet import RESNET_PLANS, read_resnet
from bareface.targets.backbones.sphereface import SPHEREFACE_PLANS, read_sphereface
from bareface.targets.backbones.vit import VIT_PLANS, read_vit
from bareface.targets.conventions import Convention


@dataclass(frozen=True)
class Family(Plugin):
    """Backbones that share their key names. Its page is the docstring of the module of `read`.

    Attributes:
        name: of the family, and stem of the name of widths that no table lists.
        marks: keys of which the family has all; one that ends in a dot stands for all that begin so.
        read: reads depth, widths and input off the shapes.
        conventions: (what the wrapper contains, convention), most telling first; the last is the rule.
        unless: keys of which it has none; nets that have one are strangers.
        plans: architecture -> plan, of a family that another package brings; ours are in `PLANS`.
    """

    name: str  # type: ignore[misc]
    marks: tuple[str, ...]
    read: Callable[[Shapes], Reading]
    conventions: tuple[tuple[str, Convention], ...]
    unless: tuple[str, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict, compare=False)

    @property
    def home(self) -> str:
        """The module that has its page."""
        return self.read.__module__

    def owns(self, shapes: Shapes) -> bool:
        """Whether tensors of these names are a backbone of the family."""
        if not all(present(shapes, mark) for mark in self.marks):
            return False
        return not any(present(shapes, mark) for mark in self.unless)

    def convention(self, wrapper: str) -> Convention:
        """The convention that goes with what the checkpoint was wrapped in."""
        return next(convention for part, convention in self.conventions if re.search(_whole(part), wrapper))


def _whole(part: str) -> str:
    """The part as a name of its own: `net.` is not the end of `subnet.`."""
    return rf"(?:^|[./]){re.escape(part)}" if part else ""


_EVOLVE = (("backbone.", by.FACEX_ZOO), ("", by.EVOLVE))
_STEM, _LAST_MAP = "input_layer.0.weight", "output_layer.0.running_mean"

FAMILIES = (
    Family(
        "inception-resnet-v1",
        ("conv2d_1a.conv.weight", "repeat_1.0.branch0.conv.weight", "last_bn.running_mean"),
        read_inception,
        (("", by.FACENET),),
    ),
    Family(
        "vit",
        ("patch_embed.proj.weight", "pos_embed", "feature.3.running_mean"),
        read_vit,
        (("net.", by.CVLFACE_VIT), ("", by.INSIGHTFACE_VIT)),
        unless=("blocks.0.norm1.bn.", "blocks.0.attn.rpe_k.", "keypoint_linear."),
    ),
    Family(
        "ir",
        (_STEM, "body.0.res_layer.2.running_mean", _LAST_MAP),
        read_ir,
        (("net.", by.CVLFACE), ("", by.ADAFACE)),
    ),
    Family("evolve-ir", (_STEM, "body.0.res_layer.4.running_mean", _LAST_MAP), read_ir, _EVOLVE),
    Family(
        "iresnet",
        ("features.running_mean", "layer4.0.prelu.weight"),
        read_iresnet,
        (("features.", by.MAGFACE), ("net.", by.CVLFACE), ("", by.INSIGHTFACE)),
    ),
    Family("foamliu-resnet", ("layer1.0.bn0.weight", "bn3.running_mean"), read_face_resnet, (("", by.FOAMLIU),)),
    Family(
        "ronghuaiyang-resnet", ("layer1.0.bn0.weight", "bn5.running_mean"), read_face_resnet, (("", by.RONGHUAIYANG),)
    ),
    Family(
        "evolve-mobilefacenet",
        ("conv_6_dw.conv.weight", "conv_23.project.conv.weight"),
        read_evolve_mobilefacenet,
        _EVOLVE,
    ),
    Family(
        "mobilefacenet",
        ("dw_conv1.conv.weight", "blocks.0.conv.0.weight", "linear1.conv.weight"),
        read_mobilefacenet,
        (("", by.XIAOCCER),),
    ),
    Family(
        "mbf",
        ("layers.0.layers.0.weight", "conv_sep.layers.0.weight", "features.layers.3.running_mean"),
        read_mbf,
        (("", by.INSIGHTFACE),),
    ),
    Family(
        "foamliu-mobilefacenet",
        ("dw_conv.depthwise.weight", "gdconv.depthwise.weight", "conv3.weight"),
        read_depthwise_mobilefacenet,
        (("", by.FOAMLIU),),
    ),
    Family(
        "evolve-resnet",
        ("conv1.weight", "layer1.0.bn1.running_mean", "bn_o1.running_mean", "bn_o2.running_mean"),
        read_resnet,
        (("", by.EVOLVE_RESNET),),
    ),
    Family(
        "resnet",
        ("conv1.weight", "layer1.0.bn1.running_mean", "layer4.0.bn2.running_mean"),
        read_resnet,
        (("", by.TORCHVISION),),
        unless=("layer1.0.bn0.", "layer1.0.prelu.", "layer1.0.se.", "fc5."),
    ),
    Family("lightcnn", ("features.0.filter.weight", "fc1.filter.weight"), read_light_cnn, (("", by.LIGHTCNN),)),
    Family(
        "lightcnn",
        ("conv1.filter.weight", "block1.0.conv1.filter.weight"),
        read_light_cnn,
        (("", by.LIGHTCNN),),
        unless=("output_layer.",),
    ),
    Family("sphereface", ("conv1_1.weight", "relu1_1.weight", "fc5.weight"), read_sphereface, (("", by.SPHEREFACE),)),
)

PLANS: Final[Mapping[str, Plan]] = {
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
"""Architecture -> plan of ours. Of architectures with the same convolutions an ONNX graph is taken for the first."""


def _check_names(family: Family) -> None:
    taken = sorted(set(family.plans) & set(PLANS))
    if taken:
        expected = "architectures that bareface does not have"
        raise UsageError(f"family {family.name}", got=f"the architecture {taken[0]!r}", expected=expected)


BACKBONES: Final = Registry[Family](
    "backbone family",
    "bareface.backbones",
    Family,
    {family.name: family for family in FAMILIES}.values,
    _check_names,
)


def families() -> tuple[Family, ...]:
    """Every family in the order in which they are asked: ours first, then those that other packages offer."""
    ours = {family.name for family in FAMILIES}
    return (*FAMILIES, *(family for name, family in BACKBONES.available().items() if name not in ours))


def plans() -> dict[str, Plan]:
    """Architecture -> plan: ours, then those of families that other packages offer."""
    outside = {name: plan for family in families() for name, plan in family.plans.items()}
    return {**PLANS, **outside}
