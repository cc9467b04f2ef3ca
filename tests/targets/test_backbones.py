"""The backbones agree with the projects they are named after.

The golden numbers come from those projects' own modules (InsightFace arcface_torch 7fadd42, AdaFace c60eaa7,
face.evoLVe a9897bd, TreB1eN/InsightFace_Pytorch 350ff7a, Xiaoccer/MobileFaceNet_Pytorch 26bd8d2 and its descendant
LH-and-FPGA/MobileFaceNet_Pytorch 7bac8f0), filled by `waves.fill` and fed `waves.pixels`, with a final L2
normalisation taken out; the largest difference over all depths was 0.
"""

import pytest
import torch
from waves import fill, pixels

from bareface.errors import TargetError
from bareface.targets.build import PLANS, build
from bareface.targets.recognise import norms
from bareface.targets.spec import ImageSpec

MOBILE = [name for name in PLANS if "mobile" in name]
FACE, TALL = ImageSpec(112, 112), ImageSpec(112, 96)
GOLDEN = {
    "iresnet18": (FACE, 512, [0.4435, 0.22558, 0.1479, 1.41169, 0.94917]),
    "ir18": (FACE, 512, [0.09348, 0.13382, 0.15429, 0.16354, 0.17652]),
    "evolve-ir-se-50": (FACE, 512, [0.32581, 0.47569, 0.57903, -0.6341, -0.33972]),
    "evolve-mobilefacenet": (FACE, 512, [-0.84978, -2.19807, -3.78245, -0.34889, -1.02525]),
    "mobilefacenet": (TALL, 128, [-0.35639, 0.06347, 0.51247, 1.35086, 1.58083]),
    "mobilefacenet-micro": (TALL, 64, [-0.41278, -0.26866, 0.63543, -0.06123, -0.53205]),
}


@pytest.mark.parametrize("architecture", GOLDEN)
def test_embeddings_are_those_of_the_original_project(architecture: str) -> None:
    spec, size, expected = GOLDEN[architecture]
    with torch.device("meta"):
        module = build(architecture, spec=spec, embedding_size=size)
    with torch.inference_mode():
        embedding = fill(module.to_empty(device="cpu"))(pixels(spec.height, spec.width))
    assert embedding.shape == (2, size)
    got = torch.cat([embedding[0, :3], embedding[1, -2:]])
    torch.testing.assert_close(got, torch.tensor(expected), atol=2e-4, rtol=2e-4)


# Layers with running statistics, and entries of state_dict(), counted in the original modules.
COUNTS = {
    "iresnet18": (31, 187),
    "iresnet34": (55, 331),
    "iresnet50": (79, 475),
    "iresnet100": (154, 925),
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


@pytest.mark.parametrize("architecture", ["ir-se-18", "ir152", "evolve-ir50", "iresnet34", *MOBILE])
def test_every_family_runs_where_weights_cost_nothing(architecture: str) -> None:
    with torch.device("meta"):
        module = build(architecture, spec=TALL, embedding_size=96)
        assert module(torch.empty(2, 3, 112, 96)).shape == (2, 96)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(TargetError, match=r"got 'ir-huge'; expected one of .*iresnet50.*mobilefacenet"):
        build("ir-huge", spec=FACE)
