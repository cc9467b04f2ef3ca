"""Generators from whatever a user has, and the commands that make one."""

import sys
from pathlib import Path

import pytest
import torch
from stylegans import attributes, tiny, write_nvidia_pickle
from torch import nn
from typer.testing import CliRunner

from bareface.auditing.inversion.generators import open_generator
from bareface.cli.app import app
from bareface.errors import CheckpointError, TargetError, UsageError
from bareface.inversion.checkpoints.store import read_card, save_generator
from bareface.inversion.factory import FactoryGenerator
from bareface.inversion.rendered import RenderedFaces
from bareface.synthetic import IDENTITY_SIZE


class Flat(nn.Module):
    """z to a grey picture of one shade."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.gain * z[:, :3, None, None].expand(-1, 3, 8, 8).tanh()


def network() -> nn.Module:
    return Flat()


def bright() -> nn.Module:
    return Flat(100.0)


def renderer() -> RenderedFaces:
    return RenderedFaces(16)


def number() -> int:
    return 3


FACTORY = "own_generators:{}".format


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_generators", sys.modules[__name__])


def opened(reference: str | Path, tmp_path: Path, **declared: object) -> object:
    return open_generator(str(reference), size=32, kept=tmp_path / "kept", declared=declared)[0]


def test_the_renderer_and_code(tmp_path: Path) -> None:
    assert opened("rendered", tmp_path) == RenderedFaces(32)
    assert opened(FACTORY("renderer"), tmp_path) == RenderedFaces(16)
    made = opened(FACTORY("network"), tmp_path, z_dim=4, size=8, value_range=(-1.0, 1.0))
    assert isinstance(made, FactoryGenerator)
    assert made.size == 8


@pytest.mark.parametrize(
    ("function", "declared", "kind", "message"),
    [
        ("network", {}, UsageError, r"a network without z_dim, size, value_range; .* Try: --declare z_dim=64"),
        ("number", {}, TargetError, r"got a int without render, sample, .*; expected a torch\.nn\.Module"),
        ("nothing", {}, UsageError, r"expected an importable factory"),
        ("FACTORY.__doc__", {}, CheckpointError, r"got no such file"),
        ("bright", {"z_dim": 4, "size": 8, "value_range": (-1.0, 1.0)}, TargetError, r"pixel values: got -?\d+"),
        ("network", {"z_dim": 4, "size": 16, "value_range": (-1.0, 1.0)}, TargetError, r"declare the true size"),
    ],
)
def test_code_that_makes_no_generator(
    function: str, declared: dict[str, object], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        opened(FACTORY(function), tmp_path, **declared)


def test_our_own_files_and_folders(tmp_path: Path) -> None:
    network = tiny()
    save_generator(network, tmp_path / "mine" / "any.safetensors")
    by_folder, by_file = opened(tmp_path / "mine", tmp_path), opened(tmp_path / "mine" / "any.safetensors", tmp_path)
    assert by_folder.fingerprint == by_file.fingerprint  # type: ignore[attr-defined]
    save_generator(network, tmp_path / "mine" / "other.safetensors")
    with pytest.raises(CheckpointError, match=r"got 2 generators; expected generator\.safetensors and its card"):
        opened(tmp_path / "mine", tmp_path)
    save_generator(network, tmp_path / "mine" / "generator.safetensors")
    assert opened(tmp_path / "mine", tmp_path).name == "generator"  # type: ignore[attr-defined]
    with pytest.raises(CheckpointError, match=r"no\.pkl: got no such file; .* Try: rendered, a folder"):
        opened(tmp_path / "no.pkl", tmp_path)


def test_somebodys_file_is_converted_once(tmp_path: Path) -> None:
    network = tiny()
    file = write_nvidia_pickle(tmp_path / "theirs.pkl", dict(network.state_dict()), attributes(network.config))
    made = opened(file, tmp_path)
    kept = list((tmp_path / "kept").glob("*.safetensors"))
    assert len(kept) == 1
    written = kept[0].stat().st_mtime_ns
    assert opened(file, tmp_path).fingerprint == made.fingerprint  # type: ignore[attr-defined]
    assert kept[0].stat().st_mtime_ns == written


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_the_command_converts(tmp_path: Path) -> None:
    network = tiny()
    file = write_nvidia_pickle(tmp_path / "theirs.pkl", dict(network.state_dict()), attributes(network.config))
    code, said = run("convert-generator", file, tmp_path / "ours.safetensors", "--alignment", "ffhq")
    assert code == 0, said
    assert "StyleGAN2, 16x16" in said
    assert opened(tmp_path / "ours.safetensors", tmp_path).alignment == "ffhq"  # type: ignore[attr-defined]
    assert run("convert-generator", tmp_path / "none.pkl", tmp_path / "o.safetensors")[0] == 2


def test_the_command_trains_resumes_and_reads_folders(tmp_path: Path) -> None:
    quick = ["--size", "16", "--batch-size", "2", "--save-every", "1", "--precision", "fp32"]
    code, said = run("train-generator", tmp_path / "g", "--rendered", "16", "--steps", "1", *quick)
    assert code == 0, said
    assert "16x16 generator after 2 images of 16, in fp32" in said
    assert opened(tmp_path / "g", tmp_path).size == 16  # type: ignore[attr-defined]
    code, said = run("train-generator", tmp_path / "g", "--rendered", "16", "--steps", "2", *quick)
    assert code == 0, said
    assert run("faces", tmp_path / "faces", "--people", "2", "--images", "2", "--size", "16")[0] == 0
    code, said = run("train-generator", tmp_path / "f", "--images", tmp_path / "faces", "--steps", "1", *quick)
    assert "images of 4" in said
    code, said = run("train-generator", tmp_path / "g", "--images", tmp_path / "faces", "--steps", "2", *quick)
    assert code == 4
    assert "images" in said


def test_the_command_gives_lessons_and_renders_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bareface.auditing.generator_quality.MOST", 20)
    monkeypatch.setattr("bareface.cli.generators.MOST", 20)
    quick = ["--size", "16", "--batch-size", "2", "--save-every", "1", "--steps", "1", "--precision", "fp32"]
    code, said = run("train-generator", tmp_path / "g", "--taught", "1", "--adversarial", "0", "--half", *quick)
    assert code == 0, said
    assert "16x16 generator after 2 images of no end, in fp32" in said
    made = opened(tmp_path / "g", tmp_path)
    assert made.person == IDENTITY_SIZE  # type: ignore[attr-defined]
    card = read_card(tmp_path / "g" / "generator.json")
    assert card.precision == "fp16"
    assert card.floor is not None
    assert card.floor < card.curve[0][1]
    code, said = run("train-generator", tmp_path / "e", "--endless", "--calm", *quick)
    assert code == 0, said
    assert "images of no end" in said
    assert read_card(tmp_path / "e" / "generator.json").person == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--endless", "--rendered", "16", "--size", "16"], "got both; expected a folder of images, or --rendered"),
        (["--images", "empty", "--calm", "--size", "16"], "calm: got a folder of images; expected rendered faces"),
        (["--images", "empty", "--taught", "1", "--size", "16"], "got both"),
        (["--size", "16"], "got neither; expected a folder of images, or --rendered"),
        (["--rendered", "16", "--images", "."], "got both"),
        (["--rendered", "16", "--size", "20"], "got 20; expected 8, 16, 32, ... 1024"),
        (["--images", "empty", "--size", "16"], "empty: got no images"),
    ],
)
def test_trainings_that_cannot_begin(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, said = run("train-generator", "out", *words)
    assert code == 2
    assert sentence in said
