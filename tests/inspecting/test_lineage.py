"""Two checkpoints held against each other: what one has from the other, with the numbers behind it."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.inspecting.facts import facts_of
from bareface.inspecting.lineage import LineageFact, lineage, lineage_text
from bareface.targets.build import build
from bareface.targets.target import Target


def kin(first: Path, second: Path) -> LineageFact:
    return lineage(first, facts_of(first), second, facts_of(second))


def saved(path: Path, module: nn.Module, epoch: int | None = None, batches: int | None = None) -> Path:
    """A checkpoint of a module, its counters set."""
    state = {k: v.clone() for k, v in module.state_dict().items()}
    for key in state if batches is not None else ():
        if key.endswith("num_batches_tracked"):
            state[key].fill_(batches)
    torch.save({"state_dict": state} | ({} if epoch is None else {"epoch": epoch}), path)
    return path


def moved(module: nn.Module, by: float, seed: int = 1) -> nn.Module:
    """A copy whose weights went so many of their own lengths in a random direction."""
    copied = copy.deepcopy(module)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in copied.parameters():
            step = torch.randn_like(weight)
            weight.add_(step * by * weight.norm() / step.norm())
    return copied


@pytest.fixture
def first(target: Target, tmp_path: Path) -> Path:
    return saved(tmp_path / "first.pt", target.module, epoch=4, batches=404)


def test_the_same_bytes(first: Path, tmp_path: Path) -> None:
    (tmp_path / "again.pt").write_bytes(first.read_bytes())
    found = kin(first, tmp_path / "again.pt")
    assert found.kinship == "same file"
    assert {layer.relation for layer in found.layers} == {"identical"}
    assert (found.statistics_misfit, found.batches_between) == (pytest.approx(0), 0)


def test_the_same_backbone_in_half_precision(first: Path, target: Target, tmp_path: Path) -> None:
    half = saved(tmp_path / "half.pt", copy.deepcopy(target.module).half(), batches=404)
    found = kin(first, half)
    assert found.kinship == "same backbone"
    assert "The same backbone in another file. Up to rounding." in found.sentence
    assert all(layer.distance is not None and layer.distance < 1e-3 for layer in found.layers)


def test_other_statistics_under_the_same_weights(first: Path, target: Target, tmp_path: Path) -> None:
    other = copy.deepcopy(target.module)
    for name, buffer in other.named_buffers():
        if name.endswith("running_mean"):
            buffer.add_(1.0)
    found = kin(first, saved(tmp_path / "other.pt", other, batches=404))
    assert found.kinship == "same weights, other statistics"
    assert found.statistics_misfit is not None
    assert found.statistics_misfit > 0.05


@pytest.mark.parametrize(
    ("batches", "kinship", "said"),
    [
        (707, "same run continued", "other.pt is 3 epochs of 101 batches later"),
        (444, "fine-tuned", "the counter of other.pt is 40 batches ahead, no whole number of epochs of 101"),
        (303, "same run continued", "first.pt is 1 epoch of 101 batches later"),
        (404, "fine-tuned", "both counters are the same"),
        (0, "fine-tuned", "how long is unknown, a counter is missing"),
    ],
)
def test_a_few_batches_later(
    first: Path, target: Target, tmp_path: Path, batches: int, kinship: str, said: str
) -> None:
    found = kin(first, saved(tmp_path / "other.pt", moved(target.module, 0.2), batches=batches))
    assert found.kinship == kinship
    assert said in found.sentence
    assert found.cosine == pytest.approx(0.98, abs=0.01)
    assert {layer.relation for layer in found.layers} == {"close"}


@pytest.mark.parametrize(
    ("parent", "child", "kinship", "said"),
    [
        # (epoch, counter) each; one run: as many batches for each epoch between them
        ((4, 404), (9, 909), "same run continued", "5 epochs of 101 batches later"),
        ((3, 404), (8, 909), "same run continued", "5 epochs of 101 batches later"),  # counted from zero
        ((9, 909), (4, 404), "same run continued", "first.pt is 5 epochs of 101 batches later"),
        ((5, 1503), (7, 1703), "same run continued", "2 epochs of 100 batches later"),  # begun at 1,003 batches
        ((4, 404), (3, 707), "fine-tuned", "does not go with the epochs that they state, 4 and 3, in one run"),
        ((4, 404), (4, 808), "fine-tuned", "404 batches ahead"),
        ((4, 404), (6, 1016), "fine-tuned", "does not go with the epochs"),  # 306 for an epoch, 101 before
        ((4, 404), (10, 904), "fine-tuned", "does not go with the epochs"),  # 83.3 for an epoch
        ((4, 404), (-1, 707), "same run continued", "3 epochs of 101"),  # -1 is no epoch
        ((-1, 400), (-1, 700), "fine-tuned", "300 batches ahead."),
    ],
)
def test_what_the_files_state_of_epochs_decides(
    target: Target, tmp_path: Path, parent: tuple[int, int], child: tuple[int, int], kinship: str, said: str
) -> None:
    first = saved(tmp_path / "first.pt", target.module, *parent)
    found = kin(first, saved(tmp_path / "second.pt", moved(target.module, 0.2), *child))
    assert (found.kinship, found.batches_between) == (kinship, child[1] - parent[1])
    assert said in found.sentence


def test_a_counter_that_is_not_exact_is_compared_with_nothing(first: Path, target: Target, tmp_path: Path) -> None:
    cast = saved(tmp_path / "cast.pt", copy.deepcopy(target.module), batches=404)
    torch.save({key: value.bfloat16() for key, value in torch.load(cast)["state_dict"].items()}, cast)
    found = kin(first, cast)
    assert (found.kinship, found.batches_between, found.counters) == ("same backbone", None, (404, 404))
    later = saved(tmp_path / "later.pt", moved(target.module, 0.2), batches=909)
    assert "how long is unknown, a counter is not exact" in kin(cast, later).sentence


def test_a_common_beginning_and_none(first: Path, target: Target, tmp_path: Path) -> None:
    far = kin(first, saved(tmp_path / "far.pt", moved(target.module, 1.5)))
    assert far.kinship == "common beginning"
    assert far.cosine == pytest.approx(0.55, abs=0.05)
    torch.manual_seed(99)
    stranger = build("ir-tiny", spec=target.spec, embedding_size=24)
    apart = kin(first, saved(tmp_path / "stranger.pt", stranger))
    assert apart.kinship == "unrelated"
    assert f"Of {len(apart.layers)} layers {len(apart.layers)} unrelated; median cosine" in apart.sentence


def test_another_architecture_cannot_be_compared(first: Path, target: Target, tmp_path: Path) -> None:
    other = build("ir18", spec=replace(target.spec, height=112, width=112), embedding_size=24)
    found = kin(first, saved(tmp_path / "other.pt", other))
    assert found.kinship == "other architecture"
    assert "ir-tiny and ir18 are built differently" in found.sentence
    wider = kin(first, saved(tmp_path / "wider.pt", build("ir-tiny", spec=target.spec, embedding_size=32)))
    assert wider.kinship == "other architecture"


def test_weights_that_are_no_numbers_are_not_related(first: Path, target: Target, tmp_path: Path) -> None:
    broken = copy.deepcopy(target.module)
    with torch.no_grad():
        for weight in broken.parameters():
            weight.fill_(torch.nan)
    found = kin(first, saved(tmp_path / "broken.pt", broken))
    assert {layer.cosine for layer in found.layers} == {None}
    assert found.kinship == "other architecture"
    assert LineageFact.model_validate_json(found.model_dump_json()) == found


def test_the_command_compares_in_text_and_json(first: Path, target: Target, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.pt", moved(target.module, 0.2), epoch=6, batches=606)
    said = CliRunner().invoke(app, ["inspect", str(first), "--compare", str(other)])
    assert said.exit_code == 0
    assert "kinship         same run continued: One training run at two times: other.pt is 2 epochs" in said.stdout
    plain = CliRunner().invoke(app, ["inspect", str(first), "--compare", str(other), "--json"])
    record = json.loads(plain.stdout)
    assert record["checkpoint"]["provenance"]["steps_per_epoch"] == [101]
    assert LineageFact.model_validate(record["lineage"]) == kin(first, other)
    missing = CliRunner().invoke(app, ["inspect", str(first), "--compare", str(tmp_path / "none.pt")])
    assert missing.exit_code == 2
    assert "no such file" in missing.stderr


@pytest.mark.shared
def test_the_lineage_of_real_checkpoints(checkpoints: Path) -> None:
    apart = kin(checkpoints / "casia-068.ckpt", checkpoints / "casia-scratch-001.ckpt")
    assert (apart.kinship, apart.batches_between) == ("unrelated", 776 - 65_212)
    assert apart.cosine == pytest.approx(0, abs=0.01)
    assert all(abs(layer.cosine or 0) < 0.1 for layer in apart.layers)
    whole = kin(checkpoints / "casia-micro-070.ckpt", checkpoints / "casia-micro-070-whole-module.pth")
    assert whole.kinship == "same backbone"
    assert {layer.relation for layer in whole.layers} == {"identical"}
    other = kin(checkpoints / "casia-068.ckpt", checkpoints / "casia-micro-070.ckpt")
    assert other.kinship == "other architecture"
    assert "compared with   casia-micro-070.ckpt" in lineage_text(other)
