"""The same weights have one name in every file; every digest says what it is of."""

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hostile import save_legacy
from safetensors.torch import save_file

from bareface.auditing.cards import target_card
from bareface.inspecting.facts import facts_of, facts_text
from bareface.report.facts import target_facts
from bareface.settings.spec import ImageSpec
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target

FILES: dict[str, Callable[[dict[str, torch.Tensor], Path], object]] = {
    "zip.pt": torch.save,
    "legacy.pt": save_legacy,
    "file.safetensors": save_file,
    "wrapped.pt": lambda state, path: torch.save({"model": {f"module.{k}": v for k, v in state.items()}, "e": 1}, path),
    "double.pt": lambda state, path: torch.save({k: v.double() for k, v in state.items()}, path),
    "without counters.pt": lambda state, path: torch.save(
        {k: v for k, v in state.items() if "num_batches" not in k}, path
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_inspect_the_page_and_sha256sum_agree(name: str, target: Target, tmp_path: Path) -> None:
    file = tmp_path / name
    FILES[name](dict(target.module.state_dict()), file)
    facts, loaded = facts_of(file), load_target(file)
    of_bytes = hashlib.sha256(file.read_bytes()).hexdigest()
    assert facts.sha256 == loaded.file_sha256 == of_bytes
    assert facts.weights_sha256 == loaded.weights_sha256 == target.weights_sha256
    card = target_card(loaded)
    shown = {fact.name: fact.value for fact in target_facts(card)}
    assert shown["SHA-256 of the file, as sha256sum prints it"] == of_bytes
    assert shown["SHA-256 of the weights, as inspect prints it"] == target.weights_sha256
    assert shown["SHA-256 of weights, head and input"] == loaded.sha256
    told = [line.split() for line in facts_text(facts).splitlines()]
    assert ["file", "sha256", of_bytes] in told
    assert ["weights", "sha256", target.weights_sha256] in told
    assert shown["Why this input"].startswith("the convention of face.evoLVe, whose ir-tiny has these tensors")


def test_other_weights_and_statistics_have_another_name(target: Target) -> None:
    for part in ("weight", "running_var"):
        other = copy.deepcopy(target.module)
        next(value for name, value in other.state_dict().items() if name.endswith(part))[0] += 1
        assert Target("x", "x", other, target.spec).weights_sha256 != target.weights_sha256
    assert Target("x", "x", target.module, ImageSpec(40, 40)).weights_sha256 == target.weights_sha256


def test_why_an_input_is_assumed_is_kept(target: Target, tmp_path: Path) -> None:
    save_target(target, tmp_path / "ours")
    assert load_target(tmp_path / "ours").assumed == "backbone.json beside the weights says so"
    assert load_target(tmp_path / "ours", spec=target.spec).assumed == "it was given with the model"
