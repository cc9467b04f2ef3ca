"""Targets survive the disk; cards are strict; heads can be left behind."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from waves import pixels

from bareface.errors import CheckpointError, TargetError
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.recognise import norms
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target

PIXELS = pixels(32, 32, 1)


def test_a_saved_target_comes_back_as_it_was(target: Target, tmp_path: Path) -> None:
    spec = replace(target.spec, mean=(120.0,), std=(60.5,))
    for norm in norms(target.module).values():
        norm.eps, norm.momentum = 3e-4, None
    given = replace(target, spec=spec)
    save_target(given, tmp_path, {"epochs": 3, "loss": 0.5, "data": "toy"})
    back = load_target(tmp_path)
    assert (back.name, back.architecture, back.spec, back.sha256) == ("small", "ir-tiny", spec, given.sha256)
    torch.testing.assert_close(back.embed_normalised(PIXELS), given.embed_normalised(PIXELS))
    assert {(norm.eps, norm.momentum) for norm in norms(back.module).values()} == {(3e-4, None)}
    assert json.loads((tmp_path / "backbone.json").read_text())["notes"] == {"epochs": 3, "loss": 0.5, "data": "toy"}


def test_the_head_lies_in_a_file_of_its_own(target: Target, tmp_path: Path) -> None:
    save_target(target, tmp_path)
    folder, shipped = load_target(tmp_path), load_target(tmp_path / "backbone.safetensors")
    assert target.centres is not None
    assert folder.centres is not None
    assert torch.equal(folder.centres, target.centres)
    assert shipped.centres is None
    save_target(target.without_head(), tmp_path)
    assert load_target(tmp_path).centres is None
    assert not (tmp_path / "head.safetensors").exists()


def test_spec_and_name_can_be_overruled(target: Target, tmp_path: Path) -> None:
    save_target(target, tmp_path)
    spec = ImageSpec(32, 32, "GRAY", mean=(0.0,), std=(255.0,))
    other = load_target(tmp_path, spec=spec, name="other")
    assert (other.spec, other.name) == (spec, "other")
    with pytest.raises(CheckpointError, match=r"of another shape \(input_layer.0.weight"):
        load_target(tmp_path, spec=ImageSpec(32, 32))


def test_a_foreign_checkpoint_brings_its_head_and_convention(target: Target, tmp_path: Path) -> None:
    state = {f"backbone.{key}": value for key, value in target.module.state_dict().items()}
    kernel = torch.randn(24, 7)
    torch.save({"state_dict": state | {"head.kernel": kernel}, "epoch": 4}, tmp_path / "Epoch_4.pt")
    foreign = load_target(str(tmp_path / "Epoch_4.pt"))
    assert (foreign.name, foreign.architecture) == ("Epoch_4", "ir-tiny")
    assert foreign.spec == replace(target.spec, std=(128.0,)), "of FaceX-Zoo, by the wrapper"
    assert foreign.centres is not None
    assert torch.equal(foreign.centres, kernel.T)
    torch.testing.assert_close(foreign.embed_normalised(PIXELS), target.embed_normalised(PIXELS))


Edit = Callable[[dict[str, object]], object]
BROKEN: dict[str, tuple[Edit, str]] = {
    "extra field": (lambda card: card.update(pickle="x"), "pickle: Extra inputs are not permitted"),
    "wrong type": (lambda card: card.update(embedding_size="24"), "embedding_size: Input should be a valid integer"),
    "other format": (lambda card: card.update(format="2"), "format: Input should be 'bareface-backbone-1'"),
    "missing field": (lambda card: card.pop("spec"), "spec: Field required"),
    "other net": (lambda card: card.update(architecture="ir50"), "got ir-tiny with 24 numbers; expected ir50 with 24"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_cards_are_read_strictly(how: str, target: Target, tmp_path: Path) -> None:
    save_target(target, tmp_path)
    edit, told = BROKEN[how]
    card = json.loads((tmp_path / "backbone.json").read_text())
    edit(card)
    (tmp_path / "backbone.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=told):
        load_target(tmp_path)


def test_a_folder_without_a_card_and_a_head_of_another_net_are_named(target: Target, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"No such file.*expected the card of the weights"):
        load_target(tmp_path)
    save_target(target, tmp_path)
    save_file({"centres": torch.zeros(3, 9)}, tmp_path / "head.safetensors")
    with pytest.raises(CheckpointError, match=r"centres of shape \(3, 9\); expected \(identities, 24\)"):
        load_target(tmp_path)


def test_what_could_not_be_read_back_is_not_saved(target: Target, tmp_path: Path) -> None:
    stranger = Target("mine", "custom", torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 8)), target.spec)
    with pytest.raises(TargetError, match="mine: got unknown tensors"):
        save_target(stranger, tmp_path)
    next(iter(norms(target.module).values())).eps = 0.1
    with pytest.raises(TargetError, match="BatchNorm layers of 2 kinds of eps and momentum"):
        save_target(target, tmp_path)
    assert not list(tmp_path.iterdir())


FACTORY = """
from torch import nn
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target

def module(): return nn.Sequential(nn.Flatten(), nn.Linear(1024, 8))
def target(): return Target("made", "mine", module(), ImageSpec(32, 32, "GRAY"))
def number(): return 3
constant = 4
"""


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"factory_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_factory_makes_a_target(factory: str) -> None:
    spec = ImageSpec(32, 32, "GRAY")
    assert load_target(f"{factory}:target").name == "made"
    made = load_target(f"{factory}:module", spec=spec, name="shown")
    assert (made.name, made.architecture, made.embedding_size) == ("shown", f"{factory}:module", 8)


FAILURES = {
    "module": "a module without an input spec; expected an ImageSpec",
    "number": "a int returned; expected a torch module or a bareface Target",
    "constant": "a int; expected a function without arguments",
    "absent": "has no attribute 'absent'; expected an importable factory.*PYTHONPATH",
}


@pytest.mark.parametrize("attribute", FAILURES)
def test_a_factory_that_makes_none_says_why(attribute: str, factory: str) -> None:
    with pytest.raises(TargetError, match=FAILURES[attribute]):
        load_target(f"{factory}:{attribute}")


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(TargetError, match="No module named 'nowhere'"):
        load_target("nowhere.at_all:factory")


def test_building_and_saving_a_colour_net_of_another_size(tmp_path: Path) -> None:
    spec = ImageSpec(48, 40)
    module = build("ir-tiny", spec=spec, embedding_size=16)
    save_target(Target("c", "ir-tiny", module, spec), tmp_path)
    assert load_target(tmp_path).embed(torch.zeros(2, 3, 48, 40, dtype=torch.uint8)).shape == (2, 16)
