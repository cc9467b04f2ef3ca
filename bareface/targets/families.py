"""The families of face backbones: how to tell them apart by key names, and how they want their input.

The order matters; the first family whose mark is found is it. Conventions are those of the projects' own loaders.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bareface.targets.backbones.ir import IRPlan
from bareface.targets.backbones.iresnet import IResNetPlan
from bareface.targets.backbones.mobilefacenet import MobileFaceNetPlan
from bareface.targets.backbones.shapes import Shapes
from bareface.targets.build import Plan
from bareface.targets.spec import ChannelOrder

HALF = (127.5,)


@dataclass(frozen=True)
class Convention:
    """How a project feeds its nets.

    Attributes:
        project: whose convention this is.
        order, mean, std: as in `ImageSpec`.
        caveat: what the keys cannot tell; empty where they tell everything.
        eps, momentum: of its BatchNorm layers.
    """

    project: str
    order: ChannelOrder = "RGB"
    mean: tuple[float, ...] = HALF
    std: tuple[float, ...] = HALF
    caveat: str = ""
    eps: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True)
class Family:
    """Backbones that share their key names.

    Attributes:
        name: of the family, and stem of the name of widths that no table lists.
        marks: keys of which the family has all.
        plan: reads depth and widths off the shapes.
        stem: key of the first convolution.
        embedding: key of the last linear map, whose rows are the embedding.
        size: (height, width) of the input, from the shapes.
        conventions: (what the wrapper contains, convention), most telling first; the last is the rule.
    """

    name: str
    marks: tuple[str, ...]
    plan: Callable[[Shapes], Plan]
    stem: str
    embedding: str
    size: Callable[[Shapes], tuple[int, int]]
    conventions: tuple[tuple[str, Convention], ...]

    def convention(self, wrapper: str) -> Convention:
        """The convention that goes with what the checkpoint was wrapped in."""
        return next(convention for part, convention in self.conventions if part in wrapper)


def _square(linear: str, norm: str) -> Callable[[Shapes], tuple[int, int]]:
    """Sides of a square input, halved four times, from the columns of the linear map over the last feature map."""

    def size(shapes: Shapes) -> tuple[int, int]:
        area = shapes[linear][1] // shapes[norm][0]
        return 16 * math.isqrt(area), 16 * math.isqrt(area)

    return size


def _kernel(key: str) -> Callable[[Shapes], tuple[int, int]]:
    """Sides of the input from the depthwise kernel that covers the last feature map; 112x96 where it is a mean."""

    def size(shapes: Shapes) -> tuple[int, int]:
        height, width = shapes.get(key, (0, 0, 7, 6))[2:]
        return 16 * height, 16 * width

    return size


_SWAPPED = "TreB1eN fed BGR and face.evoLVe RGB to nets with these very keys; RGB is assumed"
_INSIGHTFACE = Convention("InsightFace arcface_torch")
_MAGFACE = Convention(
    *("MagFace", "BGR", (0.0,), (255.0,)),
    caveat="taken for a net of MagFace because its weights lie under `features.`",
    eps=2e-5,
    momentum=0.9,
)
_CVLFACE = Convention("CVLFace")
_ADAFACE = Convention("AdaFace", "BGR", caveat="a net of CVLFace has the same keys and takes RGB; BGR is assumed")
_EVOLVE = Convention("face.evoLVe", caveat=_SWAPPED)
_XIAOCCER = Convention("Xiaoccer/MobileFaceNet_Pytorch", std=(128.0,))

_IR_SIZE = _square("output_layer.3.weight", "output_layer.0.running_mean")

FAMILIES = (
    Family(
        "ir",
        ("input_layer.0.weight", "body.0.res_layer.2.running_mean"),
        IRPlan.read,
        "input_layer.0.weight",
        "output_layer.3.weight",
        _IR_SIZE,
        (("net.", _CVLFACE), ("", _ADAFACE)),
    ),
    Family(
        "evolve-ir",
        ("input_layer.0.weight", "body.0.res_layer.4.running_mean"),
        IRPlan.read,
        "input_layer.0.weight",
        "output_layer.3.weight",
        _IR_SIZE,
        (("", _EVOLVE),),
    ),
    Family(
        "iresnet",
        ("features.running_mean", "layer4.0.prelu.weight"),
        IResNetPlan.read,
        "conv1.weight",
        "fc.weight",
        _square("fc.weight", "bn2.running_mean"),
        (("features.", _MAGFACE), ("", _INSIGHTFACE)),
    ),
    Family(
        "evolve-mobilefacenet",
        ("conv_6_dw.conv.weight", "conv_23.project.conv.weight"),
        MobileFaceNetPlan.read,
        "conv1.conv.weight",
        "linear.weight",
        _kernel("conv_6_dw.conv.weight"),
        (("", _EVOLVE),),
    ),
    Family(
        "mobilefacenet",
        ("dw_conv1.conv.weight", "blocks.0.conv.0.weight", "linear1.conv.weight"),
        MobileFaceNetPlan.read,
        "conv1.conv.weight",
        "linear1.conv.weight",
        _kernel("linear7.conv.weight"),
        (("", _XIAOCCER),),
    ),
)

# Families that bareface can name but not build: (keys that give them away, name).
STRANGERS = (
    (("repeat_1.0.branch0.conv.weight",), "InceptionResnetV1 (facenet-pytorch)"),
    (("patch_embed.proj.weight",), "a vision transformer (InsightFace, CVLFace or timm)"),
    (("layer1.0.bn0.weight", "bn3.running_mean"), "the face ResNet of foamliu and ronghuaiyang"),
    (("conv_sep.layers.0.weight",), "InsightFace's mbf (MobileFaceNet)"),
    (("gdconv.depthwise.weight",), "foamliu's MobileFaceNet"),
    (("conv1.weight", "layer1.0.bn1.weight"), "a torchvision or timm ResNet"),
)
