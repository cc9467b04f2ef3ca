"""How an ONNX file is fed: as its family is in every other format; and files that others wrote in older ways."""

import copy
import hashlib
import itertools
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from exported import SIDE, export, exported, faces, small_ir
from needs_onnx import onnx
from onnx import helper
from small_graphs import save, tiny
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.errors import UnsafeFileError
from bareface.faces.source import ArrayImages
from bareface.inspecting.selfcheck import selfcheck
from bareface.probing.graph import GraphProber
from bareface.settings.spec import ImageSpec
from bareface.targets.build import PLANS, build
from bareface.targets.onnx.architecture import ANY_SIZE, family_input
from bareface.targets.onnx.facts import onnx_facts
from bareface.targets.onnx.nodes import Linear
from bareface.targets.onnx.target import load_onnx
from bareface.targets.recognise import recognise, shapes_of
from bareface.targets.store import load_target


def as_exported(
    architecture: str, *, size_is_open: bool = False, prefix: str = ""
) -> tuple[SimpleNamespace, ImageSpec]:
    """What a graph of an architecture looks like with BatchNorm folded where it can be, and how its files are fed."""
    with torch.device("meta"):
        module = PLANS[architecture].net(ImageSpec(112, 112), ANY_SIZE)
    leaves = [(name, m) for name, m in module.named_modules() if isinstance(m, nn.Conv2d | _BatchNorm)]
    after = dict(itertools.pairwise(leaves))
    folded = {id(m) for (_, before), (_, m) in after.items() if isinstance(before, nn.Conv2d)}
    linears = tuple(
        Linear(prefix + name, "x", m.out_channels, False, True, tuple(m.weight.shape), _biased(m, after.get((name, m))))
        for name, m in leaves
        if isinstance(m, nn.Conv2d)
    )
    norms = tuple(m for _, m in leaves if isinstance(m, _BatchNorm) and id(m) not in folded)
    graph = SimpleNamespace(
        spec=ImageSpec(112, 112), linears=linears, norms=norms, embedding_size=ANY_SIZE, is_normalising=False,
        size_is_open=size_is_open,
    )  # fmt: skip
    return graph, recognise(shapes_of(module.state_dict()), prefix).spec


def _biased(convolution: nn.Conv2d, following: tuple[str, nn.Module] | None) -> bool:
    return convolution.bias is not None or (following is not None and isinstance(following[1], _BatchNorm))


def way(spec: ImageSpec) -> str:
    return str(spec).partition(" ")[2]


@pytest.mark.parametrize("architecture", [name for name in PLANS if "vit" not in name])
def test_a_family_brings_its_convention_or_names_the_other_one(architecture: str) -> None:
    graph, expected = as_exported(architecture)
    found = family_input(graph)  # type: ignore[arg-type]
    assert found is not None
    fed, why = found
    assert (fed.height, fed.width) == (112, 112)
    assert way(fed) == way(expected) or f"{architecture} has them too and takes {way(expected)}" in why
    assert "the convention of " in why


def test_names_in_the_file_tell_projects_of_one_family_apart() -> None:
    for prefix in ("features.module.", "net."):
        graph, expected = as_exported("iresnet18", prefix=prefix)
        assert family_input(graph)[0] == expected  # type: ignore[arg-type, index]
    assert as_exported("iresnet18", prefix="features.module.")[1].order == "BGR"


def test_an_open_size_is_the_one_of_the_project() -> None:
    graph, expected = as_exported("inception-resnet-v1", size_is_open=True)
    fed, why = family_input(graph)  # type: ignore[arg-type, misc]
    assert (fed.height, fed.width, fed.std) == (160, 160, (128.0,))
    assert fed == expected
    assert "facenet-pytorch" in why


@pytest.fixture(scope="module")
def mobile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """foamliu's MobileFaceNet as a checkpoint and, beside it, in ONNX."""
    folder = tmp_path_factory.mktemp("mobile")
    torch.manual_seed(0)
    net = build("foamliu-mobilefacenet", spec=ImageSpec(112, 112), embedding_size=128).eval()
    torch.save(net.state_dict(), folder / "net.pt")
    return export(net, torch.zeros(2, 3, 112, 112), folder / "net.onnx", "script")


def test_both_formats_of_one_net_answer_alike(mobile: Path) -> None:
    images = faces(3, side=112)
    expected = load_target(mobile.with_name("net.pt"))
    target = load_onnx(mobile)
    assert (
        target.spec == expected.spec == ImageSpec(112, 112, "RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    )
    assert target.assumed.startswith("the convention of foamliu, whose foamliu-mobilefacenet has these convolutions")
    np.testing.assert_allclose(target.embed(images), expected.embed(images).detach(), atol=1e-4, rtol=1e-3)
    given = load_onnx(mobile, spec=ImageSpec(112, 112))
    assert (given.spec, given.assumed) == (ImageSpec(112, 112), "it was given with the model")
    said = CliRunner().invoke(app, ["inspect", str(mobile)])
    assert "the convention of foamliu" in " ".join(said.stdout.split())


def as_ir3(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same as files before 2019: every weight stands among the inputs."""
    old = onnx.ModelProto()
    old.CopyFrom(model)
    old.ir_version = 3
    listed = (helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in model.graph.initializer)
    old.graph.input.extend(listed)
    return old


def test_old_files_that_list_their_weights_as_inputs_are_looked_into(tmp_path: Path) -> None:
    model = onnx.load(exported("script"))
    images = faces(4)
    modern, old = (load_onnx(save(made, tmp_path / "x.onnx")) for made in (model, as_ir3(model)))
    assert old.graph.parameters == modern.graph.parameters
    np.testing.assert_allclose(old.embed(images), modern.embed(images), rtol=1e-5, atol=1e-6)
    seen = []
    for target in (modern, old):
        witness = GraphProber(target)
        with witness.watched() as observe:
            seen.append(observe(images))
    assert seen[0].keys() == seen[1].keys()
    for name, moments in seen[0].items():
        np.testing.assert_allclose(seen[1][name].mean, moments.mean, rtol=1e-5, atol=1e-6)


def in_a_cache(folder: Path, location: str = "model.onnx.data") -> Path:
    """A model and its data as links into one folder of blobs, as the cache of a model hub keeps them."""
    blobs, snapshot = folder / "blobs", folder / "snapshots" / "a"
    for made in (blobs, snapshot):
        made.mkdir(parents=True)
    onnx.save(onnx.load(exported("script")), blobs / "m", save_as_external_data=True, location="data", size_threshold=0)
    model = onnx.load(blobs / "m", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    (blobs / "22").write_bytes((blobs / "data").read_bytes())
    (snapshot / location).parent.mkdir(exist_ok=True)
    os.symlink(save(model, blobs / "11"), snapshot / "model.onnx")
    os.symlink(blobs / "22", snapshot / location)
    return snapshot / "model.onnx"


@pytest.mark.parametrize("location", ["model.onnx.data", "weights/model.bin", "./model.bin"])
def test_links_of_a_hub_cache_are_followed(location: str, tmp_path: Path) -> None:
    images = faces(2)
    expected = small_ir().embed(images).detach()
    found = load_onnx(in_a_cache(tmp_path, location)).embed(images)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-4)


def test_a_link_to_a_model_finds_the_data_beside_the_model(tmp_path: Path) -> None:
    onnx.save(
        onnx.load(exported("script")),
        tmp_path / "m.onnx",
        save_as_external_data=True,
        location="m.data",
        size_threshold=0,
    )
    (tmp_path / "here").mkdir()
    os.symlink(tmp_path / "m.onnx", tmp_path / "here" / "link.onnx")
    assert load_onnx(tmp_path / "here" / "link.onnx").embedding_size == 16


def test_a_link_that_leads_elsewhere_says_how_to_go_on(tmp_path: Path) -> None:
    path = in_a_cache(tmp_path)
    (tmp_path / "secret").mkdir()
    (tmp_path / "blobs" / "22").rename(tmp_path / "secret" / "22")
    (path.parent / "model.onnx.data").unlink()
    os.symlink(tmp_path / "secret" / "22", path.parent / "model.onnx.data")
    with pytest.raises(UnsafeFileError, match=r"a link that leads out of the folder.*copying the model and its data"):
        load_onnx(path)


def test_one_name_for_weights_inside_the_file_and_beside_it(tmp_path: Path) -> None:
    model = onnx.load(exported("script"))
    inside = save(model, tmp_path / "inside.onnx")
    onnx.save(model, tmp_path / "beside.onnx", save_as_external_data=True, location="w", size_threshold=0)
    one, other = (onnx_facts(path) for path in (inside, tmp_path / "beside.onnx"))
    assert one.weights_sha256 == other.weights_sha256
    assert [facts.sha256 for facts in (one, other)] == [
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("inside.onnx", "beside.onnx")
    ]


def test_the_self_check_looks_at_the_layers_that_survived(tmp_path: Path) -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (24, 3, SIDE, SIDE))).to(torch.uint8)
    net = copy.deepcopy(small_ir().module)
    wrong = ImageSpec(SIDE, SIDE, "RGB", (0.0,), (255.0,))
    for layer in net.modules():
        if isinstance(layer, _BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None
    net.train()
    with torch.no_grad():
        net(wrong.normalise(pixels))
    path = export(net.eval(), torch.zeros(2, 3, SIDE, SIDE), tmp_path / "net.onnx", "script")
    checks = [selfcheck(load_onnx(path, spec=spec), ArrayImages(pixels), "noise") for spec in (None, wrong)]
    assert checks[0].verdict == "misfit"
    assert checks[1].verdict in ("fits", "cannot tell")  # noise has no order of channels
    assert checks[0].fits[0].input == checks[1].fits[0].input == checks[1].declared
    assert checks[0].layers == len(load_onnx(path).graph.norms)
    folded = selfcheck(load_onnx(save(tiny(), tmp_path / "tiny.onnx")), ArrayImages(pixels), "noise")
    assert (folded.status, folded.verdict) == ("skipped", None)
    assert "no BatchNorm layer with running statistics survived export" in folded.sentence
