"""Files as the projects leave them: wrapped, with a head inside, from a GPU; all load, and damaged ones are named."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hostile import rezip, save_legacy
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_nets import TINY
from torch import Tensor, nn
from waves import pixels

from bareface.errors import BarefaceError, CheckpointError, TargetError
from bareface.inspecting.facts import facts_of, facts_text
from bareface.targets.families import FAMILIES
from bareface.targets.recognise import norms, recognise
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target
from bareface.targets.untrained_copy import untrained_copy

State = dict[str, Tensor]
ESTIMATED = "Distances to statistics estimated on public faces and black-box attacks: there is no BatchNorm layer."
SHAPES = {name: {key: tuple(value.shape) for key, value in net.state().items()} for name, net in TINY.items()}


def test_there_is_a_small_net_of_every_family() -> None:
    assert set(TINY) == {family.name for family in FAMILIES}


def answers(target: Target) -> Tensor:
    with torch.inference_mode():
        return target.embed_normalised(pixels(target.spec.height, target.spec.width, target.spec.channels))


@pytest.mark.parametrize("family", TINY)
def test_every_family_survives_the_disk(family: str, tmp_path: Path) -> None:
    made = TINY[family].target()
    save_target(made, tmp_path)
    back = load_target(tmp_path)
    torch.testing.assert_close(answers(back), answers(made))
    facts = facts_of(tmp_path)
    assert (facts.known, facts.embedding_size, len(facts.norms)) == (True, 12, len(norms(made.module)))
    assert facts.parameters == sum(p.numel() for p in made.module.parameters())


@pytest.mark.parametrize("family", TINY)
def test_every_family_has_an_untrained_twin(family: str) -> None:
    target = TINY[family].target()
    before = torch.random.get_rng_state()
    twin = untrained_copy(target, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not torch.allclose(answers(twin), answers(target))


@pytest.mark.parametrize("family", TINY)
def test_recognising_and_assembling_draw_nothing(family: str, tmp_path: Path) -> None:
    torch.save(TINY[family].state(), tmp_path / "file.pt")
    before = torch.random.get_rng_state()
    target = load_target(tmp_path / "file.pt")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert target.embedding_size == 12


def same(state: State, other: State) -> bool:
    return set(state) == set(other) and all(torch.equal(value, other[key]) for key, value in state.items())


def _in(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


# (family, the file around its weights, identities in the head)
PROJECTS: dict[str, tuple[str, Callable[[State], object], int]] = {
    "facenet-pytorch": (
        "inception-resnet-v1",
        lambda s: s | {"logits.weight": torch.ones(31, 12), "logits.bias": torch.ones(31)},
        31,
    ),
    "SphereFace": ("sphereface", lambda s: s | {"fc6.weight": torch.ones(12, 19)}, 19),
    "LightCNN": (
        "lightcnn",
        lambda s: {
            "epoch": 3,
            "arch": "LightCNN-29",
            "state_dict": _in("module.", s | {"fc2.weight": torch.ones(17, 12), "fc2.bias": torch.ones(17)}),
            "optimizer": {"state": {i: {"momentum_buffer": torch.ones(2)} for i in range(99)}},
        },
        17,
    ),
    "MagFace": (
        "iresnet",
        lambda s: {"state_dict": _in("features.module.", s) | {"fc.weight": torch.ones(12, 23)}, "arch": "iresnet"},
        23,
    ),
    "FaceX-Zoo": (
        "evolve-mobilefacenet",
        lambda s: {"state_dict": _in("backbone.", s) | {"head.weight": torch.ones(12, 21)}, "epoch": 17, "batch_id": 9},
        21,
    ),
    "CVLFace": ("vit", lambda s: _in("net.", s), 0),
    "CVLFace, deeper": ("vit", lambda s: _in("net.vit.", s), 0),
    "foamliu": ("foamliu-resnet", lambda s: {"epoch": 1, "model": _in("module.", s), "acc": 0.9}, 0),
    "insightface": ("mbf", lambda s: {"state_dict_backbone": _in("module.", s), "epoch": 1}, 0),
}


@pytest.mark.parametrize("project", PROJECTS)
def test_what_projects_publish_loads_with_its_head(project: str, tmp_path: Path) -> None:
    family, wrap, identities = PROJECTS[project]
    torch.save(wrap(TINY[family].state()), tmp_path / "file.pt")
    target, facts = load_target(tmp_path / "file.pt"), facts_of(tmp_path / "file.pt")
    assert same(target.module.state_dict(), TINY[family].state())
    assert (target.centres is not None, facts.head is not None) == (bool(identities), bool(identities))
    if facts.head is not None and target.centres is not None:
        assert (facts.head.identities, target.centres.shape) == (identities, (identities, 12))
        assert "take it out before it is shipped" in facts.auditable or not facts.norms
    assert facts.parameters == sum(p.numel() for p in target.module.parameters())


def _cuda(path: Path) -> None:
    """The bytes that saving from a GPU leaves: the storages ask for a device that is not here."""
    content = path.read_bytes()
    old, new = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"
    assert old in content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            pickle = next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
        rezip(path, path.with_suffix(".gpu"), data_pkl=pickle.replace(old, new))
        path.with_suffix(".gpu").replace(path)
    else:
        path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize("save", [torch.save, save_legacy], ids=["zip", "legacy"])
def test_weights_from_a_gpu_come_to_the_cpu(save: Callable[[object, Path], object], tmp_path: Path) -> None:
    save(TINY["iresnet"].state(), tmp_path / "file.pt")
    _cuda(tmp_path / "file.pt")
    assert b"cuda:0" in (tmp_path / "file.pt").read_bytes()
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(tmp_path / "file.pt", weights_only=True)
    target = load_target(tmp_path / "file.pt")
    assert target.device.type == "cpu"
    torch.testing.assert_close(answers(target), answers(TINY["iresnet"].target()))
    assert facts_of(tmp_path / "file.pt").architecture == "iresnet-custom"


def test_a_classification_layer_of_imagenet_is_no_embedding(tmp_path: Path) -> None:
    state = TINY["resnet"].state(1000)
    torch.save(state, tmp_path / "file.pt")
    target = load_target(tmp_path / "file.pt")
    assert target.embedding_size == 24, "the mean of the last map"
    assert target.centres is not None
    assert torch.equal(target.centres, state["fc.weight"])
    named = {key.replace("fc.", "embedding."): value for key, value in TINY["resnet"].state().items()}
    torch.save(named | {"fc.weight": torch.ones(40, 12), "fc.bias": torch.ones(40)}, tmp_path / "both.pt")
    both = load_target(tmp_path / "both.pt")
    assert same(both.module.state_dict(), named)
    assert both.centres is not None
    assert len(both.centres) == 40


def test_a_module_that_ends_in_a_classification_layer_is_not_saved_as_a_backbone(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"a classification layer inside the module \(fc.weight\).*backbone alone"):
        save_target(TINY["resnet"].target(1000), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("family", "told"),
    [
        ("vit", "All attacks, BatchNorm distances on 2 layers"),
        ("lightcnn", ESTIMATED),
        ("sphereface", ESTIMATED),
    ],
)
def test_inspect_says_what_can_be_audited_where_there_is_little_batchnorm(
    family: str, told: str, tmp_path: Path
) -> None:
    torch.save(TINY[family].state(), tmp_path / "file.pt")
    assert told in " ".join(facts_text(facts_of(tmp_path / "file.pt")).split())


def test_inspect_asks_for_the_head_to_be_taken_out_where_there_is_no_batchnorm_either(tmp_path: Path) -> None:
    torch.save(TINY["lightcnn"].state() | {"fc2.weight": torch.ones(40, 12)}, tmp_path / "file.pt")
    facts = facts_of(tmp_path / "file.pt")
    assert facts.head is not None
    assert facts.head.identities == 40
    assert facts.auditable == f"{ESTIMATED} The head is still in the file: take it out before it is shipped."


def test_an_empty_tensor_and_shapes_that_do_not_fit_together_are_named() -> None:
    shapes = SHAPES["mbf"]
    with pytest.raises(CheckpointError, match=r"no numbers in conv_sep.layers.0.weight"):
        recognise(shapes | {"conv_sep.layers.0.weight": (0, 8, 1, 1)})
    with pytest.raises(CheckpointError, match=r"mbf-custom: got shapes of which no net can be made .*divisible"):
        recognise(shapes | {"layers.0.layers.0.weight": (9, 3, 3, 3)}).blank()
    with pytest.raises(CheckpointError, match=r"a last map of 4,294,967,296 positions"):
        recognise(SHAPES["sphereface"] | {"fc5.weight": (12, 24 << 32)})


SIZES = st.sampled_from([0, 1, 2, 3, 7, 8, 13, 64, 999, 10**6, 10**9 + 7, 2**62])


@given(family=st.sampled_from(sorted(SHAPES)), data=st.data())
@settings(max_examples=150)
def test_whatever_shapes_a_file_claims_only_our_own_errors_come_out(family: str, data: st.DataObject) -> None:
    shapes = dict(SHAPES[family])
    for key in data.draw(st.lists(st.sampled_from(sorted(shapes)), min_size=1, max_size=3, unique=True)):
        if data.draw(st.booleans()):
            del shapes[key]
        else:
            shapes[key] = data.draw(st.lists(SIZES, max_size=5).map(tuple))
    try:
        blank = recognise(shapes).blank()
    except BarefaceError:
        return
    assert isinstance(blank, nn.Module)


def test_inspect_says_what_stands_in_the_way_of_loading(tmp_path: Path) -> None:
    state = TINY["resnet"].state()
    torch.save(state | {"neck.weight": torch.ones(3)}, tmp_path / "neck.pt")
    told = r"These facts only: of its tensors, 1 unexpected \(neck.weight\). Try a factory"
    assert re.search(told, facts_of(tmp_path / "neck.pt").auditable)
    with pytest.raises(CheckpointError, match=r"1 unexpected \(neck.weight\)"):
        load_target(tmp_path / "neck.pt")


TAIL = ("conv_6_dw.", "linear.", "bn.")


def test_cavafaces_nets_load_once_they_are_renamed_as_advised(tmp_path: Path) -> None:
    state = TINY["evolve-mobilefacenet"].state()
    torch.save({f"output_layer.{k}" if k.startswith(TAIL) else k: v for k, v in state.items()}, tmp_path / "file.pt")
    facts = facts_of(tmp_path / "file.pt")
    assert facts.architecture == "cavaface's MobileFaceNet"
    assert "taking output_layer. off its keys: so renamed, it is an evolve-mobilefacenet" in facts.auditable
    names = {"output_layer.0.": "bn2.", "output_layer.3.": "fc.", "output_layer.4.": "features."}
    tail = {key: names[key[:15]] + key[15:] for key in TINY["evolve-ir"].state() if key.startswith("output_layer.")}
    torch.save({tail.get(key, key): value for key, value in TINY["evolve-ir"].state().items()}, tmp_path / "ir.pt")
    assert "calling bn2, fc and features output_layer.0, output_layer.3" in facts_of(tmp_path / "ir.pt").auditable
