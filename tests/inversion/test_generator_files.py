"""Generators out of other people's files, and back: the same numbers under other names."""

import argparse
import hashlib
import io
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from stylegans import TINY, attributes, seeded_z, tiny, write_nvidia_pickle
from torch import Tensor

from bareface.errors import CheckpointError, UsageError
from bareface.inversion.checkpoints import convert, foreign
from bareface.inversion.checkpoints.convert import convert_generator, mean_w
from bareface.inversion.checkpoints.names import from_rosinality, name_pairs, to_nvidia, to_rosinality
from bareface.inversion.checkpoints.pickled import entries, plain, refuse_strangers
from bareface.inversion.checkpoints.store import Card, load_generator, read_card, save_generator
from bareface.inversion.stylegan2.config import Config
from bareface.untrusted.opcodes import walk

CLAMPED = replace(TINY, conv_clamp=256.0)
State = dict[str, Tensor]


def pickle_of(state: State, path: Path) -> None:
    write_nvidia_pickle(path, to_nvidia(state), attributes(CLAMPED))


def rosinality_of(state: State, path: Path) -> None:
    torch.save(to_rosinality(state) | {"args": argparse.Namespace(size=16), "ada_aug_p": 0.0, "g_optim": {}}, path)


WRITERS: dict[str, tuple[str, Callable[[State, Path], object], Config]] = {
    "nvidia pickle": ("g.pkl", pickle_of, CLAMPED),
    "rosinality": ("g.pt", rosinality_of, TINY),
    "nvidia state dict": ("g.pth", lambda state, path: torch.save({"G_ema": to_nvidia(state)}, path), TINY),
}


@pytest.fixture
def state() -> State:
    return tiny().state_dict()


@pytest.mark.parametrize("source", WRITERS)
def test_every_format_gives_the_same_generator(source: str, state: State, tmp_path: Path) -> None:
    name, write, expected = WRITERS[source]
    write(state, tmp_path / name)
    out = tmp_path / "out" / "g.safetensors"
    assert convert_generator(tmp_path / name, out, alignment="ffhq") == expected
    made, card = load_generator(out, psi=0.7), read_card(out.with_suffix(".json"))
    assert (card.source, card.alignment, made.alignment, made.psi, made.name) == (source, "ffhq", "ffhq", 0.7, "g")
    assert (card.config, card.notes) == (expected, ())
    assert ("NVIDIA" in made.licence) == (source == "nvidia pickle")
    loaded = made.network.state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in state)
    z = torch.as_tensor(seeded_z()).float()
    torch.testing.assert_close(made.network(z), tiny(expected)(z))
    assert card.pixels["std"] > 0


def test_a_bare_state_dict_in_safetensors(state: State, tmp_path: Path) -> None:
    save_file({f"module.{k}": v.contiguous() for k, v in state.items()}, tmp_path / "bare.safetensors")
    assert convert_generator(tmp_path / "bare.safetensors", tmp_path / "o.safetensors", licence="CC0") == TINY
    assert load_generator(tmp_path / "o.safetensors").licence == "CC0"


NUMPYS = {
    "a counter": {"iter": np.int64(5)},
    "other kinds of numbers": {
        "a": np.float16(0.5),
        "b": np.bool_(True),
        "c": np.array(5, ">i8")[()],
        "d": np.uint16(7),
    },
    "in the command line": {"args": argparse.Namespace(size=np.int64(16), lr=np.float64(0.1))},
    "in a list and an optimiser": {"losses": [np.float64(1)] * 3, "g_optim": {"state": {0: {"step": np.int64(3)}}}},
    "arrays and texts": {"mean": np.arange(3), "name": np.str_("faces"), "date": np.datetime64("2020-01-01")},
}


@pytest.mark.parametrize("beside", NUMPYS.values(), ids=NUMPYS)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_numpy_left_beside_the_tensors_is_in_nobodys_way(
    beside: dict[str, Any], zipped: bool, state: State, tmp_path: Path
) -> None:
    saved: dict[str, Any] = {**to_rosinality(state), **beside}
    saved["g_ema"] = {**saved["g_ema"], "n_latent": np.int64(6)}
    torch.save(saved, tmp_path / "g.pt", _use_new_zipfile_serialization=zipped)
    convert_generator(tmp_path / "g.pt", tmp_path / "g.safetensors")
    loaded = load_generator(tmp_path / "g.safetensors")
    assert all(torch.equal(tensor, state[key]) for key, tensor in loaded.network.state_dict().items())


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("number", [np.int64(5), np.int16(-3), np.float16(0.5), np.bool_(True), np.array(7, ">u4")[()]])
def test_numbers_of_numpy_are_read_out_of_any_pickle(number: np.generic, protocol: int) -> None:
    walked = walk(io.BytesIO(pickle.dumps({"a": number}, protocol)), "here")
    refuse_strangers("here", walked.names, walked.persistent)
    assert plain(entries(walked.root)["a"]) == number.item()


def test_round_trips_change_no_number(state: State) -> None:
    back = from_rosinality(dict(to_rosinality(state)["g_ema"]), "here")  # type: ignore[call-overload]
    assert back.keys() == state.keys() - {"mapping.w_avg"}
    assert all(torch.equal(back[key], state[key]) for key in back)
    assert torch.equal(to_rosinality(state)["latent_avg"], state["mapping.w_avg"])  # type: ignore[arg-type]
    exported = to_nvidia(state)
    added = exported.keys() - state.keys()
    assert len(added) == 3 + 5  # one FIR buffer for each block and for each 3x3 convolution
    assert all(exported[key].sum() == 1 for key in added)


def test_names_and_axes_are_the_published_ones(state: State) -> None:
    pairs = dict(name_pairs(3, 2))
    assert pairs.keys() == state.keys() - {"mapping.w_avg"}
    assert pairs["mapping.fc0.weight"] == "style.1.weight"
    assert pairs["synthesis.b4.conv1.noise_const"] == "noises.noise_0"
    assert pairs["synthesis.b8.conv0.noise_const"] == "noises.noise_1"
    assert pairs["synthesis.b8.conv0.affine.bias"] == "convs.0.conv.modulation.bias"
    assert pairs["synthesis.b16.conv1.noise_strength"] == "convs.3.noise.weight"
    assert pairs["synthesis.b16.torgb.affine.weight"] == "to_rgbs.1.conv.modulation.weight"
    exported: Any = to_rosinality(state)["g_ema"]
    assert {key: tuple(value.shape) for key, value in exported.items() if not key.startswith("style")} == {
        "input.input": (1, 8, 4, 4),
        **_conv("conv1", 8, 8),
        **_rgb("to_rgb1", 8),
        **_conv("convs.0", 8, 8),
        **_conv("convs.1", 8, 8),
        **_rgb("to_rgbs.0", 8),
        **_conv("convs.2", 6, 8),
        **_conv("convs.3", 6, 6),
        **_rgb("to_rgbs.1", 6),
        **{f"noises.noise_{i}": (1, 1, side, side) for i, side in enumerate((4, 8, 8, 16, 16))},
        **{
            f"{owner}.kernel": (4, 4)
            for j in range(2)
            for owner in (f"convs.{2 * j}.conv.blur", f"to_rgbs.{j}.upsample")
        },
    }
    assert exported["to_rgbs.0.upsample.kernel"].sum() == 4


def _conv(owner: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{owner}.conv.weight": (1, outputs, inputs, 3, 3),
        f"{owner}.conv.modulation.weight": (inputs, 5),
        f"{owner}.conv.modulation.bias": (inputs,),
        f"{owner}.noise.weight": (1,),
        f"{owner}.activate.bias": (outputs,),
    }


def _rgb(owner: str, inputs: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{owner}.conv.weight": (1, 3, inputs, 1, 1),
        f"{owner}.conv.modulation.weight": (inputs, 5),
        f"{owner}.conv.modulation.bias": (inputs,),
        f"{owner}.bias": (1, 3, 1, 1),
    }


def test_what_old_files_lack_is_made_up_and_said(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "W_SAMPLES", 20_000)
    exported: Any = to_rosinality(state)["g_ema"]
    torch.save({"g_ema": {k: v for k, v in exported.items() if "noises" not in k}}, tmp_path / "old.pt")
    convert_generator(tmp_path / "old.pt", tmp_path / "o.safetensors")
    made, card = load_generator(tmp_path / "o.safetensors"), read_card(tmp_path / "o.json")
    assert card.notes == ("5 noise maps were missing: drawn from N(0, 1)", "w_avg was missing: estimated from 20,000 z")
    z = torch.randn(20_000, 6, generator=torch.Generator().manual_seed(9))
    mean = made.network.mapping(z).mean(0)
    torch.testing.assert_close(made.network.mapping.w_avg, mean, atol=0.05, rtol=0)
    torch.testing.assert_close(mean_w(made.network), mean, atol=0.05, rtol=0)
    noise = made.network.synthesis.get_buffer("b16.conv0.noise_const")
    assert noise.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("config", [Config((4,), 3, 3, 1), Config((4, 4), 3, 2, 3, rgb_channels=1), TINY])
def test_shapes_tell_the_architecture(config: Config, tmp_path: Path) -> None:
    torch.save(tiny(config).state_dict(), tmp_path / "g.pt")
    assert convert_generator(tmp_path / "g.pt", tmp_path / "o.safetensors") == config


def changed(**tensors: Tensor | None) -> Callable[[State], State]:
    def change(state: State) -> State:
        named = {key.replace("__", "."): value for key, value in tensors.items()}
        return {k: v for k, v in (state | named).items() if v is not None}  # type: ignore[operator]

    return change


ZERO = torch.zeros(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(synthesis__b8__conv0__bias=None), r"1 missing \(synthesis.b8.conv0.bias\); expected the"),
        (changed(synthesis__b8__extra=ZERO), r"1 unexpected \(synthesis.b8.extra\)"),
        (changed(synthesis__b8__conv0__bias=ZERO), r"1 of another shape \(synthesis.b8.conv0.bias\)"),
        (changed(synthesis__b8__conv0__bias=torch.full((8,), torch.nan)), r"1 not finite \(synthesis.b8.conv0.bias\)"),
        (changed(synthesis__b4__conv1__weight=None), "expected a StyleGAN2 generator"),
        (changed(mapping__embed__weight=ZERO), "got a class-conditional StyleGAN2; expected an unconditional 'skip'"),
        (changed(synthesis__b8__skip__weight=ZERO), "got a StyleGAN2 of the 'resnet' architecture"),
        (changed(synthesis__b4__torgb__weight=None), "got a StyleGAN2 of the 'orig' architecture"),
        (changed(synthesis__input__freqs=ZERO), r"got a StyleGAN3; .*Try: bringing it as package\.module:factory"),
        (
            changed(synthesis__b8__resample_filter=torch.ones(2, 2)),
            r"another FIR filter in synthesis.b8.resample_filter",
        ),
        (lambda state: {"weight": ZERO}, r"got weight \.\.\. without .*; expected a StyleGAN2 generator"),
        (lambda state: {}, "got no tensors"),
    ],
)
def test_weights_of_something_else(
    change: Callable[[State], State], message: str, state: State, tmp_path: Path
) -> None:
    torch.save(change(state), tmp_path / "g.pt")
    with pytest.raises(CheckpointError, match=message):
        convert_generator(tmp_path / "g.pt", tmp_path / "o.safetensors")
    assert not (tmp_path / "o.safetensors").exists()


def test_a_rosinality_file_must_be_whole(state: State, tmp_path: Path) -> None:
    whole: Any = to_rosinality(state)
    torch.save({"g_ema": {k: v for k, v in whole["g_ema"].items() if k != "conv1.conv.weight"}}, tmp_path / "a.pt")
    torch.save({"g_ema": whole["g_ema"] | {"convs.9.x": ZERO}}, tmp_path / "b.pt")
    with pytest.raises(
        CheckpointError, match=r"got no conv1\.conv\.weight; expected the g_ema of a rosinality StyleGAN2"
    ):
        convert_generator(tmp_path / "a.pt", tmp_path / "o.safetensors")
    with pytest.raises(CheckpointError, match=r"got also convs\.9\.x"):
        convert_generator(tmp_path / "b.pt", tmp_path / "o.safetensors")


@pytest.mark.parametrize(
    ("path", "said", "message"),
    [
        ("synthesis.b8.conv0", {"activation": "relu"}, "got activation 'relu'; expected linear or lrelu"),
        ("synthesis.b8", {"architecture": "orig"}, "got architecture 'orig'; expected skip"),
        ("synthesis.b8.conv1", {"use_noise": False}, "got use_noise 'False'; expected True"),
        ("synthesis.b8.torgb", {"conv_clamp": 7}, "clamps .*expected one of each for the whole network"),
    ],
)
def test_a_pickled_network_that_computes_something_else(
    path: str, said: dict[str, Any], message: str, state: State, tmp_path: Path
) -> None:
    file = write_nvidia_pickle(tmp_path / "g.pkl", to_nvidia(state), attributes(TINY) | {path: said})
    with pytest.raises(CheckpointError, match=message):
        convert_generator(file, tmp_path / "o.safetensors")


def test_multipliers_and_clamps_come_from_the_pickle(state: State, tmp_path: Path) -> None:
    odd = replace(TINY, mapping_lr=0.5, conv_clamp=2.5)
    said = attributes(odd)
    said["mapping.fc0"]["bias_gain"] = np.float64(0.5)
    file = write_nvidia_pickle(tmp_path / "g.pkl", to_nvidia(state), said)
    assert convert_generator(file, tmp_path / "o.safetensors") == odd


def test_a_generator_that_renders_no_numbers(state: State, tmp_path: Path) -> None:
    torch.save(state | {"synthesis.b4.const": torch.full((8, 4, 4), 1e38)}, tmp_path / "g.pt")
    with pytest.raises(CheckpointError, match="got NaN or infinite pixels; expected a generator that renders images"):
        convert_generator(tmp_path / "g.pt", tmp_path / "o.safetensors")


def test_our_own_files_are_checked(tmp_path: Path) -> None:
    card = save_generator(tiny(), tmp_path / "g.safetensors", alignment="ffhq", licence="CC0", notes=("a", "b"))
    assert read_card(tmp_path / "g.json") == card
    made = load_generator(tmp_path / "g.safetensors")
    assert (made.size, made.licence, made.network.config) == (16, "CC0", TINY)
    save_file({k: v + 1 for k, v in tiny().state_dict().items()}, tmp_path / "g.safetensors")
    with pytest.raises(CheckpointError, match="got other weights than the card's; expected SHA-256"):
        load_generator(tmp_path / "g.safetensors")
    (tmp_path / "g.json").unlink()
    with pytest.raises(CheckpointError, match=r"No such file.*expected the card beside the weights"):
        load_generator(tmp_path / "g.safetensors")
    with pytest.raises(UsageError, match=r"got the suffix '\.pt'; expected NAME\.safetensors"):
        save_generator(tiny(), tmp_path / "g.pt")


def test_weights_in_half_precision_are_half_the_file_and_load_to_single(tmp_path: Path) -> None:
    network = tiny()
    whole = save_generator(network, tmp_path / "whole.safetensors")
    half = save_generator(network, tmp_path / "half.safetensors", precision="fp16", person=2)
    assert (whole.precision, half.precision) == ("fp32", "fp16")
    assert all(value.dtype == torch.float16 for value in load_file(tmp_path / "half.safetensors").values())
    assert half.weights_sha256 == hashlib.sha256((tmp_path / "half.safetensors").read_bytes()).hexdigest()
    made = load_generator(tmp_path / "half.safetensors")
    assert made.person == 2
    for name, value in network.state_dict().items():
        loaded = made.network.state_dict()[name]
        assert loaded.dtype == torch.float32
        torch.testing.assert_close(loaded, value, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"surprise": 1},
        {"config": {"channels": [8], "surprise": 1}},
        {"config": {"channels": []}},
        {"weights_sha256": None},
    ],
)
def test_cards_that_bareface_did_not_write(change: dict[str, Any], tmp_path: Path) -> None:
    card = Card(name="a", config=TINY, weights_sha256="0", source="bareface")
    (tmp_path / "g.json").write_text(json.dumps(json.loads(card.model_dump_json()) | change))
    with pytest.raises(CheckpointError, match="expected a card that bareface wrote"):
        read_card(tmp_path / "g.json")


def test_files_that_are_absent_or_too_large(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="got no such file"):
        convert_generator(tmp_path / "absent.pkl", tmp_path / "o.safetensors")
    pickle_of(state, tmp_path / "g.pkl")
    monkeypatch.setattr(foreign, "MAX_FILE", 1000)
    with pytest.raises(CheckpointError, match=r"got [\d,]+ bytes; expected at most 1,000"):
        convert_generator(tmp_path / "g.pkl", tmp_path / "o.safetensors")
