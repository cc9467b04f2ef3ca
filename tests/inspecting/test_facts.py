"""What `bareface inspect` says about a file, without loading it."""

from pathlib import Path

import pytest
import torch
from hostile import Marker, save_legacy

from bareface.inspecting.facts import CheckpointFacts, facts_of, facts_text
from bareface.targets.backbones.iresnet import IResNetUnit
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target


def test_a_folder_of_ours_is_described_with_its_head(target: Target, tmp_path: Path) -> None:
    save_target(target, tmp_path)
    facts = facts_of(tmp_path)
    assert (facts.architecture, facts.known, facts.embedding_size) == ("ir-tiny", True, 24)
    assert (len(facts.norms), facts.norms_expected, facts.batches) == (22, 22, (2, 2))
    assert [norm.dimensions for norm in facts.norms] == [2] * 21 + [1]
    assert facts.head is not None
    assert (facts.head.identities, facts.head.shape) == (5, (5, 24))
    assert facts.input is not None
    assert facts.input.spec == "32x32 GRAY, (x - 127.5) / 127.5"
    assert facts.parameters == sum(p.numel() for p in target.module.parameters())
    assert "The head is still in the file" in facts.auditable
    assert CheckpointFacts.model_validate_json(facts.model_dump_json()) == facts
    assert facts_of(tmp_path / "backbone.safetensors").head is None


def test_leftovers_head_and_counters_of_a_training_run(target: Target, tmp_path: Path) -> None:
    state = target.module.state_dict()
    state["body.0.res_layer.0.num_batches_tracked"] += 5
    run = {
        "epoch": 12,
        "state_dict_backbone": state,
        "state_dict_softmax_fc": {"weight": torch.randn(99, 24)},
        "state_optimizer": {"state": {0: {"momentum_buffer": torch.ones(99, 24)}}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(run, tmp_path / "checkpoint_gpu_0.pt")
    facts = facts_of(tmp_path / "checkpoint_gpu_0.pt")
    assert (facts.wrapper, facts.batches) == ("state_dict_backbone", (2, 7))
    assert facts.head is not None
    assert (facts.head.key, facts.head.identities) == ("state_dict_softmax_fc.weight", 99)
    assert {left.name: (left.holds, left.meaning) for left in facts.leftovers} == {
        "epoch": ("12", "how far the run was"),
        "state_dict_softmax_fc": ("1 tensors", "part of a classification head"),
        "state_optimizer": (
            "1 tensors, 1 other values",
            "state of the optimiser: smoothed last gradients, of the head too",
        ),
    }
    text = " ".join(facts_text(facts).split())
    assert "the centres of 99 identities" in text
    assert "2 to 7 batches, by layer; 2 in most: parts were frozen, added later, or come from another model" in text
    assert "(none with as many people as the head has classes)" not in text
    assert facts.provenance.epoch == 12


def test_what_names_the_training_people_is_pointed_at(target: Target, tmp_path: Path) -> None:
    names = {f"person {i}": i for i in range(7)}
    run = {"state_dict": target.module.state_dict(), "class_to_idx": names, "args": ["--data", "faces"], "x": 1.5}
    torch.save(run, tmp_path / "run.pt")
    facts = facts_of(tmp_path / "run.pt")
    left = {fact.name: fact for fact in facts.leftovers}
    assert (left["class_to_idx"].holds, left["class_to_idx"].meaning) == (
        "7 other values",
        "class names: who the training people were",
    )
    assert (left["args"].holds, left["x"].meaning) == ("2 items", "")
    assert "settings of the run: they may name folders and people" in " ".join(facts_text(facts).split())


def test_the_window_of_the_running_statistics(target: Target, tmp_path: Path) -> None:
    save_target(target, tmp_path)
    seen = facts_of(tmp_path).window
    assert seen is not None
    assert (seen.momentum, seen.batches, seen.whose) == (0.1, 2, "backbone.json beside it")
    assert seen.effective_batches == pytest.approx(19)
    assert seen.initial_weight == pytest.approx(0.81)
    assert "81% of them is still the initial 0 and 1" in " ".join(facts_text(facts_of(tmp_path)).split())


def test_a_norm_behind_a_linear_map_alone_is_degenerate(target: Target, tmp_path: Path) -> None:
    torch.manual_seed(0)
    for name, buffer in target.module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn_like(buffer) * (0.01 if name.startswith("output_layer.4") else 1.0))
    save_target(target, tmp_path)
    facts = facts_of(tmp_path)
    assert [norm.name for norm in facts.norms if norm.degenerate] == ["output_layer.4"]
    assert "zero by construction (output_layer.4)" in facts_text(facts)


def test_statistics_that_were_never_updated_are_not_called_degenerate(target: Target, tmp_path: Path) -> None:
    for layer in target.module.modules():
        if hasattr(layer, "reset_running_stats"):
            layer.reset_running_stats()
    save_target(target, tmp_path)
    facts = facts_of(tmp_path)
    assert facts.batches == (0, 0)
    assert not any(norm.degenerate for norm in facts.norms)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_pickled_module_is_described_but_not_loaded(legacy: bool, target: Target, tmp_path: Path) -> None:
    (save_legacy if legacy else torch.save)(target.module, tmp_path / "whole.pth")
    facts = facts_of(tmp_path / "whole.pth")
    assert facts.whole_module == "bareface.targets.backbones.ir.IRNet"
    assert (facts.architecture, len(facts.norms), facts.batches) == ("ir-tiny", 22, (2, 2))
    assert facts.parameters == sum(p.numel() for p in target.module.parameters())
    assert "bareface.targets.backbones.ir.IRUnit" in facts.refused
    assert "a whole pickled module is never loaded. Try torch.save(model.state_dict()" in facts.auditable


def test_a_hostile_file_is_described_as_far_as_it_is_data(target: Target, tmp_path: Path) -> None:
    torch.save({"state_dict": target.module.state_dict(), "x": Marker(tmp_path / "made")}, tmp_path / "file.pt")
    facts = facts_of(tmp_path / "file.pt")
    assert facts.refused == ("posix.mkdir",)
    assert (facts.architecture, len(facts.norms)) == ("ir-tiny", 22)
    assert facts.auditable.startswith("Nothing: reading the file would run what it imports")
    assert not (tmp_path / "made").exists()


def test_strangers_and_nets_without_statistics(target: Target, tmp_path: Path) -> None:
    torch.save(IResNetUnit(4, 4, 1, projected=False).state_dict(), tmp_path / "unit.pt")
    unit = facts_of(tmp_path / "unit.pt")
    assert (unit.architecture, unit.known, unit.embedding_size, unit.norms_expected) == ("unknown", False, None, None)
    assert len(unit.norms) == 3
    assert "These facts only. Try a factory of your own, package.module:factory" in unit.auditable
    torch.save({"fc.weight": torch.zeros(3, 3)}, tmp_path / "plain.pt")
    assert facts_of(tmp_path / "plain.pt").batches is None


@pytest.mark.parametrize("counter", [torch.tensor(torch.nan), torch.tensor(torch.inf), torch.tensor([3, 4])])
def test_a_counter_that_is_no_number_of_batches_is_unknown(counter: torch.Tensor, tmp_path: Path) -> None:
    norm = {"a.running_mean": torch.ones(2), "a.running_var": torch.ones(2), "a.num_batches_tracked": counter}
    torch.save(norm, tmp_path / "file.pt")
    facts = facts_of(tmp_path / "file.pt")
    assert (facts.batches, facts.norms[0].batches, facts.provenance.counter) == (None, None, None)
    assert facts.norms[0].counter == ("overflowed" if counter.isinf().all() else "no number")
    told = " ".join(facts_text(facts).split())
    assert "the counters are there, but no number can be read in them" in told
    assert "the file has no counters" not in told


def test_text_from_a_file_reaches_the_terminal_without_control_characters(tmp_path: Path) -> None:
    torch.save({"a\x1b[2J.running_mean": torch.zeros(1), "note": "x\x07\n"}, tmp_path / "file.pt")
    text = facts_text(facts_of(tmp_path / "file.pt"))
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.shared
def test_the_facts_about_a_real_mobilefacenet(checkpoints: Path) -> None:
    facts = facts_of(checkpoints / "casia-068.ckpt")
    assert (facts.kind, facts.wrapper, facts.architecture) == ("torch legacy", "net_state_dict", "mobilefacenet")
    assert (facts.embedding_size, len(facts.norms), facts.norms_expected) == (128, 50, 50)
    assert facts.batches == (65212, 65212)
    assert facts.batches[0] == 68 * 959
    assert [(left.name, left.holds) for left in facts.leftovers] == [("epoch", "68")]
    assert facts.window is not None
    assert (facts.window.momentum, facts.window.batches) == (0.1, 44)
    assert facts.provenance.steps_per_epoch == (959,)
    (found,) = facts.provenance.consistent
    assert (found.dataset, found.images) == ("CASIA-WebFace (InsightFace pack)", 490_623)
    assert (found.batch_size, found.epochs, found.last_batch) == (512, 68, "kept")
    assert facts.provenance.by_chance == pytest.approx(0.06, abs=0.01)
    assert "491,008 if batches are of 512" in " ".join(facts_text(facts).split())
    assert facts.input is not None
    assert facts.input.spec == "112x96 RGB, (x - 127.5) / 128"
    degenerate = {norm.name for norm in facts.norms if norm.degenerate}
    assert {"linear1.bn", "conv2.bn", "blocks.13.conv.1"} < degenerate
    assert all(name.endswith(("conv.1", "bn")) for name in degenerate)
    assert len(degenerate) == 16


@pytest.mark.shared
def test_a_real_whole_module_tells_the_same_as_its_state_dict(checkpoints: Path) -> None:
    whole, state = (facts_of(checkpoints / f"casia-micro-070{end}") for end in ("-whole-module.pth", ".ckpt"))
    assert whole.whole_module == "core.model_lh.MobileFacenet"
    assert whole.norms == state.norms
    assert (whole.architecture, whole.parameters, whole.batches) == ("mobilefacenet-micro", 69376, (67130, 67130))
    assert not state.refused
    assert (whole.provenance.epoch, state.provenance.epoch) == (None, 70)
    for facts in (whole, state):
        assert [(one.images, one.epochs) for one in facts.provenance.consistent] == [(490_623, 70)]


@pytest.mark.shared
def test_a_young_model_of_another_set_fits_nothing_in_the_catalogue(checkpoints: Path) -> None:
    trained = facts_of(checkpoints / "casia-scratch-001.ckpt").provenance
    assert trained.reading == "776 batches = 1 epoch of 776 or 2 epochs of 388; the file states epoch 1"
    assert (trained.consistent, trained.steps_per_epoch) == ((), (776, 388))


@pytest.mark.shared
@pytest.mark.parametrize("file", ["casia-068.ckpt", "casia-scratch-001.ckpt", "casia-micro-070.ckpt"])
def test_real_checkpoints_load_and_embed(checkpoints: Path, file: str) -> None:
    target = load_target(checkpoints / file)
    images = torch.randint(0, 256, (2, 3, 112, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        embedding = target.embed(images)
    assert embedding.shape == (2, 64 if "micro" in file else 128)
    assert torch.isfinite(embedding).all()


def test_names_beyond_counting_are_counted_and_not_told_one_by_one(target: Target, tmp_path: Path) -> None:
    many = {f"key{number}": None for number in range(5000)} | {"n" * 100_000: 1}
    torch.save({"state_dict": target.module.state_dict(), **many}, tmp_path / "file.pt")
    facts = facts_of(tmp_path / "file.pt")
    assert (len(facts.leftovers), facts.leftovers[-1].name) == (61, "4,941 more names")
    assert len(facts_text(facts)) < 20_000
    torch.save({"n" * 100_000: 1}, tmp_path / "file.pt")
    assert len(facts_text(facts_of(tmp_path / "file.pt"))) < 2000
