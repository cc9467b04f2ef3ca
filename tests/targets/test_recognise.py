"""A bare checkpoint is recognised by its keys and shapes, or refused with advice."""

import re

import pytest
import torch
from backbone_page import nets
from torch import Tensor

from bareface.errors import CheckpointError, TargetError
from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.ir import IRPlan
from bareface.targets.backbones.vit import ViTPlan
from bareface.targets.build import PLANS, build
from bareface.targets.families import FAMILIES
from bareface.targets.recognise import assemble, norms, recognise
from bareface.targets.unsupported_architectures import STRANGERS, Unsupported

FACE, TALL = ImageSpec(112, 112), ImageSpec(112, 96)


def shapes_of(architecture: str, spec: ImageSpec, size: int = 512) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        module = build(architecture, spec=spec, embedding_size=size)
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


LISTED = nets()
# Nets that take any size are said to take the one of their project.
ONE_SIZE = {"inception-resnet-v1": (160, 160), "mobilefacenet-micro": (112, 96)}


@pytest.mark.parametrize("architecture", sorted(PLANS))
def test_every_listed_backbone_is_recognised_from_shapes_alone(architecture: str) -> None:
    shapes = shapes_of(architecture, FACE, 96)
    family = next(family for family in FAMILIES if family.owns(shapes))
    layers = len([key for key in shapes if key.endswith("running_mean")])
    assert LISTED[architecture] == (family.name, layers), "docs/backbones.md"
    found = recognise(shapes)
    assert (found.architecture, found.embedding_size) == (architecture, 96)
    assert (found.spec.height, found.spec.width) == ONE_SIZE.get(architecture, (112, 112))


SIZED = {
    "iresnet18": (32, 48, 112, 224),
    "evolve-ir50": (112, 224),
    "mbf": (112, 128),
    "foamliu-mobilefacenet": (112, 96),
    "foamliu-resnet18": (112, 128),
    "vit-t": (112, 126, 45),
    "cvlface-vit-small": (112, 224),
    "evolve-resnet50": (112, 224),
    "lightcnn-29v2": (112, 128),
    "sphere20a": (112, 160),
}


@pytest.mark.parametrize(("architecture", "side"), [(name, side) for name, sides in SIZED.items() for side in sides])
def test_input_size_falls_out_of_the_last_linear_map(architecture: str, side: int) -> None:
    spec = recognise(shapes_of(architecture, ImageSpec(side, side, "GRAY"))).spec
    assert (spec.height, spec.width, spec.order) == (side, side, "GRAY")


@pytest.mark.parametrize("architecture", ["ir18", "iresnet18", "mbf", "lightcnn-29", "sphere20a"])
def test_upright_crops_are_told_from_square_ones(architecture: str) -> None:
    spec = recognise(shapes_of(architecture, TALL)).spec
    assert (spec.height, spec.width) == (112, 96)


CONVENTIONS = {
    ("iresnet50", ""): "112x112 RGB, (x - 127.5) / 127.5",
    ("iresnet50", "state_dict/features.module."): "112x112 BGR, (x - 0) / 255",
    ("ir50", "state_dict/model."): "112x112 BGR, (x - 127.5) / 127.5",
    ("ir50", "net."): "112x112 RGB, (x - 127.5) / 127.5",
    ("evolve-ir-se-50", ""): "112x112 RGB, (x - 127.5) / 127.5",
    ("evolve-ir-se-50", "state_dict/backbone."): "112x112 BGR, (x - 127.5) / 128",
    ("mobilefacenet", "net_state_dict"): "112x96 RGB, (x - 127.5) / 128",
    ("vit-t", ""): "112x112 RGB, (x - 127.5) / 127.5",
    ("foamliu-resnet18", ""): "112x112 RGB, (x - 123.675 116.28 103.53) / 58.395 57.12 57.375",
    ("resnet18", ""): "112x112 RGB, (x - 123.675 116.28 103.53) / 58.395 57.12 57.375",
    ("inception-resnet-v1", ""): "160x160 RGB, (x - 127.5) / 128",
    ("sphere20a", ""): "112x112 BGR, (x - 127.5) / 128",
}


@pytest.mark.parametrize(("architecture", "wrapper"), CONVENTIONS)
def test_input_follows_the_convention_of_the_project(architecture: str, wrapper: str) -> None:
    spec = TALL if architecture == "mobilefacenet" else FACE
    found = recognise(shapes_of(architecture, spec), wrapper)
    assert str(found.spec) == CONVENTIONS[architecture, wrapper]


def test_magface_brings_its_own_normalisation_settings() -> None:
    found = recognise(shapes_of("iresnet18", FACE), "state_dict/features.module.")
    assert {(norm.eps, norm.momentum) for norm in norms(found.blank()).values()} == {(2e-5, 0.9)}
    assert "MagFace" in found.convention.caveat


def test_unlisted_widths_are_read_off() -> None:
    plan = IRPlan("adaface", 12, ((12, 1), (20, 3), (28, 1), (36, 2)), squeeze=True)
    with torch.device("meta"):
        state = plan.net(FACE, 40).state_dict()
    found = recognise({key: tuple(value.shape) for key, value in state.items()})
    assert (found.architecture, found.plan, found.embedding_size) == ("ir-custom", plan, 40)


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.name)
def test_what_cannot_be_built_is_named_with_advice(stranger: Unsupported) -> None:
    shapes = {f"{mark}weight" if mark.endswith(".") else mark: (8, 8) for mark in stranger.marks}
    told = f"{stranger.name}, with .*; expected one of the families .*, ir, .*iresnet.*Try: {stranger.advice}"
    with pytest.raises(TargetError, match=re.escape("file.pt: got ") + told.replace("(", r"\(").replace(")", r"\)")):
        recognise(shapes, where="file.pt")


def test_what_nobody_knows_is_shown_by_its_keys() -> None:
    told = r"got unknown tensors \(backbone.stages.3.weight, ...\).*Try: a factory of your own, package.module:factory"
    with pytest.raises(TargetError, match=told):
        recognise({"backbone.stages.3.weight": (8, 8)})


# A family's own keys, and one more that makes it another net.
VARIANTS = {
    "KP-RPE": ("vit-t", "keypoint_linear.weight"),
    "BatchNorm over its tokens": ("vit-t", "blocks.0.norm1.bn.running_mean"),
    "squeeze-and-excitation": ("resnet18", "layer1.0.se.fc1.weight"),
    "FaceX-Zoo's LightCNN": ("lightcnn-29", "output_layer.3.weight"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_relative_of_a_family_is_not_taken_for_it(name: str) -> None:
    architecture, key = VARIANTS[name]
    with pytest.raises(TargetError, match=f"got .*{name}"):
        recognise(shapes_of(architecture, FACE) | {key: (8, 8)})


def test_a_stem_of_unknown_stride_is_said_so() -> None:
    shapes = shapes_of("resnet18", FACE) | {"conv1.weight": (64, 3, 3, 3)}
    with pytest.raises(
        CheckpointError, match=r"part of the resnet family, unreadable at .*a stem whose stride no shape"
    ):
        recognise(shapes)


def test_heads_that_attend_are_a_guess_where_no_table_lists_the_net() -> None:
    plan = ViTPlan(9, 64, 2, 256)
    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in plan.net(FACE).state_dict().items()}
    assert recognise(shapes).caveat == "no shape tells how many heads attend; 8 are assumed"
    assert recognise(shapes_of("vit-t", FACE)).caveat == ""
    with pytest.raises(CheckpointError, match="60 numbers do not divide among 8 heads"):
        recognise(shapes | {"patch_embed.proj.weight": (60, 3, 9, 9)})


def test_a_part_of_a_backbone_says_where_it_stops() -> None:
    shapes = shapes_of("iresnet50", FACE)
    del shapes["fc.weight"]
    with pytest.raises(CheckpointError, match=r"part of the iresnet family, unreadable at 'fc.weight'"):
        recognise(shapes)


def test_keys_that_claim_a_billion_units_cost_nothing() -> None:
    shapes = shapes_of("ir18", FACE) | {"body.999999999.res_layer.0.running_mean": (64,)}
    with pytest.raises(CheckpointError, match="part of the ir family"):
        recognise(shapes)


def test_four_input_channels_are_no_image() -> None:
    shapes = shapes_of("ir18", FACE) | {"input_layer.0.weight": (64, 4, 3, 3)}
    with pytest.raises(CheckpointError, match=r"unreadable at an input of 4 channels"):
        recognise(shapes)


@pytest.fixture
def state() -> dict[str, Tensor]:
    return build("ir-tiny", spec=ImageSpec(32, 32, "GRAY"), embedding_size=8).state_dict()


def test_weights_are_loaded_whole_and_the_global_generator_is_left_alone(state: dict[str, Tensor]) -> None:
    before = torch.random.get_rng_state()
    module = assemble(recognise({k: tuple(v.shape) for k, v in state.items()}), state, "here")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())


def test_old_files_without_counters_are_whole(state: dict[str, Tensor]) -> None:
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    module = assemble(recognise({k: tuple(v.shape) for k, v in old.items()}), old, "here")
    counters = [value for key, value in module.state_dict().items() if key.endswith("num_batches_tracked")]
    assert [int(counter) for counter in counters] == [0] * 22


def test_a_mismatch_lists_the_first_keys_and_shapes(state: dict[str, Tensor]) -> None:
    found = recognise({k: tuple(v.shape) for k, v in state.items()})
    wrong = {key: value for key, value in state.items() if key != "body.3.res_layer.4.running_var"}
    wrong |= {"extra.weight": torch.zeros(1), "output_layer.3.bias": torch.zeros(9)}
    told = (
        r"1 missing \(body.3.res_layer.4.running_var\); 1 unexpected \(extra.weight\); "
        r"1 of another shape \(output_layer.3.bias \(9,\) instead of \(8,\)\); expected the \d+ of the backbone"
    )
    with pytest.raises(CheckpointError, match=told):
        assemble(found, wrong, "file.pt")
