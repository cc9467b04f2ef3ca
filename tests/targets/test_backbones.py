"""The backbones agree with the projects they are named after.

The golden numbers come from those projects' own modules, filled by `waves.fill` and fed `waves.pixels`, with a final L2
normalisation taken out; large nets were built at reduced depth, or with a narrower last layer, there as here. The
sources: InsightFace arcface_torch 7fadd42, AdaFace c60eaa7, face.evoLVe a9897bd, TreB1eN/InsightFace_Pytorch 350ff7a,
MagFace 99bae61, Xiaoccer/MobileFaceNet_Pytorch 26bd8d2 and its descendant LH-and-FPGA/MobileFaceNet_Pytorch 7bac8f0,
facenet-pytorch 787da06, foamliu/InsightFace-v2 e07b738, foamliu/MobileFaceNet a6cc903, ronghuaiyang/arcface-pytorch
47ace80, CVLFace d3d09c9, torchvision 0.28.0, AlfredXiangWu/LightCNN 7b38a6f, clcarwin/sphereface_pytorch e2f11f0.
Against these modules at full size the largest relative difference was 8e-8.
"""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from waves import pixels, wave

from bareface.errors import TargetError
from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.face_resnet import FaceResNetPlan
from bareface.targets.backbones.inception import InceptionPlan
from bareface.targets.backbones.inverted import blocks
from bareface.targets.backbones.iresnet import IResNetPlan
from bareface.targets.backbones.light_cnn import LightCNNPlan
from bareface.targets.backbones.mbf import MbfPlan
from bareface.targets.backbones.plan import Plan
from bareface.targets.backbones.resnet import ResNetPlan
from bareface.targets.backbones.vit import ViTPlan
from bareface.targets.build import PLANS, build
from bareface.targets.recognise import assemble, norms, recognise

MOBILE = [name for name in PLANS if "mobile" in name]
FACE, TALL, GREY = ImageSpec(112, 112), ImageSpec(112, 96), ImageSpec(128, 128, "GRAY")


@dataclass(frozen=True)
class Golden:
    """The first three numbers of the first embedding and the last two of the second, of `size` numbers each."""

    plan: Plan
    size: int
    numbers: list[float]
    spec: ImageSpec = FACE
    wrapper: str = ""
    gain: float = 1.0


_THIN = (64, 128, 256, 512)
_MBF = blocks((128, 128, 2, 2, 0), (256, 256, 3, 2, 0), (512, 256, 1, 2, 0), (256, 256, 1, 1, 0))
_MBF_LARGE = blocks((128, 256, 2, 2, 0), (256, 512, 3, 2, 0), (512, 512, 1, 2, 0), (256, 512, 1, 1, 0))
_RESNEXT = ResNetPlan((1, 1, 1, 1), inner=(128, 256, 512, 1024), groups=32)
_ONES = (1, 1, 1, 1)

# fmt: off
GOLDEN = {
    "iresnet": Golden(
        IResNetPlan((1, 2, 1, 1)), 16, [0.2078145, 0.04956552, 0.006387841, -0.1152908, -0.121044]
    ),
    "MagFace's iresnet": Golden(
        IResNetPlan((1, 2, 1, 1)), 16, [0.2078073, 0.04955883, 0.006383171, -0.115285, -0.1210323],
        wrapper="state_dict/features.module.",
    ),
    "ir18": Golden(PLANS["ir18"], 512, [0.09347598, 0.1338166, 0.1542873, 0.1635417, 0.1765245]),
    "evolve-ir-se-50": Golden(
        PLANS["evolve-ir-se-50"], 512, [0.3258132, 0.4756929, 0.5790316, -0.6340994, -0.3397209]
    ),
    "evolve-mobilefacenet": Golden(
        PLANS["evolve-mobilefacenet"], 512, [-0.849776, -2.198072, -3.782452, -0.3488898, -1.025248]
    ),
    "mobilefacenet": Golden(
        PLANS["mobilefacenet"], 128, [-0.3563932, 0.06347475, 0.5124744, 1.350865, 1.580828], TALL
    ),
    "mobilefacenet-micro": Golden(
        PLANS["mobilefacenet-micro"], 64, [-0.4127821, -0.2686627, 0.6354265, -0.06122514, -0.532047], TALL
    ),
    "mbf": Golden(MbfPlan(128, _MBF), 64, [-0.02651614, 0.02210191, -0.007148743, 0.2490124, 0.2780542]),
    "mbf-large": Golden(
        MbfPlan(256, _MBF_LARGE, groups=0, first=blocks((128, 256, 2, 1, 0))), 64,
        [-0.07102371, -0.0177535, -0.04160655, 0.2897696, 0.3083102],
    ),
    "foamliu-mobilefacenet": Golden(
        PLANS["foamliu-mobilefacenet"], 128, [-5.849213, -6.204224, -5.320053, 1.361693, 4.092958], gain=2
    ),
    "foamliu-resnet": Golden(
        FaceResNetPlan("foamliu", (1, 2, 1, 1)), 16, [-160.8141, -158.7327, -132.1078, -96.63432, -102.8127]
    ),
    "foamliu-resnet-se": Golden(
        FaceResNetPlan("foamliu", (1, 2, 1, 1), squeeze=(4, 8, 16, 32)), 16,
        [-2.91721, -2.860899, -2.348966, -2.090615, -2.303113],
    ),
    "ronghuaiyang-resnet": Golden(
        FaceResNetPlan("ronghuaiyang", (1, 1, 2, 1)), 16, [123.7577, -93.13296, -15.91958, 67.92427, -101.5795], GREY
    ),
    "inception-resnet-v1": Golden(
        InceptionPlan((1, 2, 1)), 64, [-998.8876, 690.7806, 50.06015, -870.1259, 936.1099], ImageSpec(80, 80)
    ),
    "vit": Golden(ViTPlan(9, 64, 2, 256), 32, [-4.008613, -5.147121, -3.363084, -1.963351, -7.344666], gain=4),
    "cvlface-vit, 16 heads": Golden(
        ViTPlan(8, 64, 2, 192, mask_token=False), 32, [-2.630006, -3.608497, -2.57158, -1.158062, -5.036035],
        wrapper="net.", gain=4,
    ),
    "cvlface-vit, 8 heads": Golden(
        ViTPlan(8, 64, 2, 320, mask_token=False), 32, [-2.389929, -3.461171, -2.620284, -0.8387037, -4.612053],
        wrapper="net.", gain=4,
    ),
    "resnet of basic units": Golden(
        ResNetPlan((1, 2, 1, 1), outer=_THIN, bottleneck=False), 32,
        [14333.56, 25883.68, 35714.68, 49041.95, 44949.41],
    ),
    "resnet of bottlenecks": Golden(
        ResNetPlan((1, 1, 2, 1)), 32, [-255.9949, -470.9454, -225.9215, -80.77792, -444.2956]
    ),
    "resnext": Golden(_RESNEXT, 32, [-62.77941, -105.7024, -45.42014, -24.48462, -102.5526]),
    "evolve-resnet": Golden(
        ResNetPlan(_ONES, tail="evolve"), 16, [6.040559, -2.921035, -1.287063, 3.144382, -4.042454]
    ),
    "lightcnn-9": Golden(
        PLANS["lightcnn-9"], 16, [0.1598463, 0.1326541, 0.1259655, -0.00229273, 0.03398718], GREY
    ),
    "lightcnn-29": Golden(
        LightCNNPlan("29", _ONES), 16, [9771.755, 19125.9, 11715.07, 18758.73, 4813.058], GREY
    ),
    "lightcnn-29v2": Golden(
        LightCNNPlan("29v2", _ONES), 16, [-116089.1, 31675.99, 81508.84, 7049.723, -111033.8], GREY
    ),
    "lightcnn-v4": Golden(
        LightCNNPlan("v4", _ONES, kernel=3), 16, [-12177140, 6104547, 5512958, -3381126, -9152921],
        ImageSpec(128, 128),
    ),
    "sphereface": Golden(
        PLANS["sphere20a"], 16, [-0.09797934, -0.06343584, -0.002428521, 0.08819391, 0.03502483], TALL
    ),
}
# fmt: on


def waves_of(golden: Golden) -> dict[str, Tensor]:
    with torch.device("meta"):
        state = golden.plan.net(golden.spec, golden.size).state_dict()
    return {key: wave(key, torch.empty(like.shape, dtype=like.dtype), golden.gain) for key, like in state.items()}


@pytest.mark.parametrize("name", GOLDEN)
def test_embeddings_are_those_of_the_original_project(name: str) -> None:
    """Recognised from keys and shapes, loaded strictly, and equal: the waves depend on what the keys are called."""
    golden = GOLDEN[name]
    state = waves_of(golden)
    found = recognise({key: tuple(value.shape) for key, value in state.items()}, golden.wrapper)
    assert found.plan == golden.plan
    module = assemble(found, state, name, golden.spec).eval().double()
    with torch.inference_mode():
        embedding = module(pixels(golden.spec.height, golden.spec.width, golden.spec.channels).double())
    assert embedding.shape == (2, golden.size)
    got, expected = torch.cat([embedding[0, :3], embedding[1, -2:]]), torch.tensor(golden.numbers).double()
    # The originals computed with 32 bits: their rounding, not ours, lies up to 2.3e-5 from the exact numbers.
    assert float((got - expected).abs().max()) <= 4e-5 * float(embedding.abs().max())


# Layers with running statistics, and entries of state_dict() without a classification layer, counted in the originals.
COUNTS = {
    "iresnet18": (31, 187),
    "iresnet34": (55, 331),
    "iresnet50": (79, 475),
    "iresnet100": (154, 925),
    "iresnet200": (301, 1807),
    "ir18": (30, 179),
    "ir34": (54, 323),
    "ir50": (78, 467),
    "ir101": (153, 917),
    "ir152": (207, 1291),
    "ir-se-50": (78, 515),
    "evolve-ir50": (54, 349),
    "evolve-ir101": (104, 674),
    "evolve-ir152": (106, 687),
    "evolve-ir-se-50": (54, 397),
    "evolve-mobilefacenet": (50, 333),
    "mobilefacenet": (50, 333),
    "mobilefacenet-micro": (25, 181),
    "mbf": (50, 333),
    "mbf-large": (91, 606),
    "foamliu-mobilefacenet": (51, 307),
    "foamliu-resnet18": (30, 181),
    "foamliu-resnet-se-18": (30, 221),
    "foamliu-resnet-se-34": (54, 405),
    "foamliu-resnet-se-101": (105, 796),
    "foamliu-resnet-se-152": (156, 1187),
    "ronghuaiyang-resnet18": (30, 181),
    "ronghuaiyang-resnet-se-18": (30, 221),
    "inception-resnet-v1": (112, 714),
    "vit-t": (2, 150),
    "vit-b": (2, 282),
    "cvlface-vit-small": (2, 149),
    "cvlface-vit-base": (2, 281),
    "resnet18": (20, 122),
    "resnet34": (36, 218),
    "resnet50": (53, 320),
    "resnet101": (104, 626),
    "resnet152": (155, 932),
    "resnext50-32x4d": (53, 320),
    "wide-resnet50-2": (53, 320),
    "evolve-resnet50": (55, 330),
    "evolve-resnet101": (106, 636),
    "lightcnn-9": (0, 20),
    "lightcnn-29": (0, 60),
    "lightcnn-29v2": (0, 60),
    "lightcnn-v4": (0, 52),
    "sphere20a": (0, 62),
}


@pytest.mark.parametrize("architecture", COUNTS)
def test_layers_and_tensors_are_as_many_as_in_the_original(architecture: str) -> None:
    with torch.device("meta"):
        module = build(architecture, spec=FACE)
    assert (len(norms(module)), len(module.state_dict())) == COUNTS[architecture]


@pytest.mark.parametrize(("side", "order"), [(48, "GRAY"), (64, "RGB"), (50, "RGB"), (112, "GRAY")])
def test_small_net_takes_any_size(side: int, order: str) -> None:
    spec = ImageSpec(side, side + 8, order)  # type: ignore[arg-type]
    module = build("ir-tiny", spec=spec, embedding_size=40).eval()
    embedding = module(pixels(side, side + 8, spec.channels))
    assert embedding.shape == (2, 40)
    assert len(norms(module)) == 22
    assert not torch.allclose(embedding.norm(dim=1), torch.ones(2), atol=1e-3), "not normalised"


ANY = ["ir-se-18", "ir152", "evolve-ir50", "iresnet34", *MOBILE, "mbf", "foamliu-resnet18", "inception-resnet-v1"]


@pytest.mark.parametrize("architecture", [*ANY, "vit-t", "resnet18", "evolve-resnet50", "lightcnn-29", "sphere20a"])
def test_every_family_runs_where_weights_cost_nothing(architecture: str) -> None:
    with torch.device("meta"):
        module = build(architecture, spec=TALL, embedding_size=96)
        assert module(torch.empty(2, 3, 112, 96)).shape == (2, 96)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(TargetError, match=r"got 'ir-huge'; expected one of .*iresnet50.*mobilefacenet"):
        build("ir-huge", spec=FACE)


@pytest.mark.parametrize(("architecture", "side", "least"), [("inception-resnet-v1", 74, 75), ("vit-t", 8, 9)])
def test_an_input_that_leaves_no_map_is_refused(architecture: str, side: int, least: int) -> None:
    with pytest.raises(TargetError, match=rf"got an input of {side}x112; expected at least {least}x{least}"):
        build(architecture, spec=ImageSpec(side, 112))
