"""`bareface overlap`: planted pictures and people are found, strangers are not, and nobody is named unless asked."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from alike import assert_alike
from command import run
from PIL import Image
from torch import nn

from bareface.auditing.overlap.sets import OverlapSettings, compare_sets
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target


@pytest.fixture(scope="module")
def halves(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of other people; B has one file of A under another name, and the mirror image of another."""
    home = tmp_path_factory.mktemp("halves")
    for name, people in (("a", range(18)), ("b", range(18, 36))):
        for person in people:
            shutil.copytree(world / "faces" / f"p{person:05d}", home / name / f"p{person:05d}")
    shutil.copy(home / "a/p00002/000.png", home / "b/p00020/000.png")
    turned = Image.open(home / "a/p00004/001.png").convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = io.BytesIO()
    turned.save(buffer, format="JPEG", quality=80)
    (home / "b/p00021/001.png").write_bytes(buffer.getvalue())
    (home / "b/p00022/broken.png").write_bytes(b"no picture")
    return home / "a", home / "b"


def test_pictures_are_found_and_link_people(halves: tuple[Path, Path], tmp_path: Path) -> None:
    result = run("overlap", *halves, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "A 72 images of 18 people" in said
    assert "B 72 images of 18 people (1 more unusable)" in said
    assert "1 with the same bytes and 1 near-duplicate (1 of them mirrored): 2 images of A and 2 of B" in said
    assert "they link 2 pairs of people" in said
    assert "people not compared: no model was given" in said
    assert "What was not found may still be there" in said
    record = json.loads((tmp_path / "run" / "overlap.json").read_text())
    assert [(m["cosine"], m["pictures"]) for m in record["matches"]] == [(None, 1), (None, 1)]


def test_nobody_is_named_unless_asked(halves: tuple[Path, Path], tmp_path: Path) -> None:
    plain = run("overlap", *halves, "-o", tmp_path / "run", "--json")
    assert "p000" not in plain.stdout
    assert all(m["first"].startswith("A person") for m in json.loads(plain.stdout)["matches"])
    named = json.loads(run("overlap", *halves, "-o", tmp_path / "run", "--json", "--names").stdout)
    assert [(m["first"], m["second"]) for m in named["matches"]] == [("p00002", "p00020"), ("p00004", "p00021")]
    assert "p000" not in (tmp_path / "run" / "overlap.json").read_text()
    for private in ("people.parquet", "pictures.parquet"):
        assert (tmp_path / "run" / private).stat().st_mode & 0o077 == 0
    pictures = pq.read_table(tmp_path / "run" / "pictures.parquet").to_pylist()
    assert pictures == [
        {"first_image": "p00002/000.png", "second_image": "p00020/000.png", "same_bytes": True, "mirrored": False},
        {"first_image": "p00004/001.png", "second_image": "p00021/001.png", "same_bytes": False, "mirrored": True},
    ]


def test_too_few_people_for_a_threshold_are_said_and_a_given_one_helps(
    halves: tuple[Path, Path], world: Path, tmp_path: Path
) -> None:
    few = run("overlap", *halves, "--model", world / "target", "-o", tmp_path / "run")
    assert "people not compared: 153 pairs of different people, at least 4,950" in " ".join(few.output.split())
    given = run("overlap", *halves, "--model", world / "target", "--threshold", -1, "-o", tmp_path / "run", "--fresh")
    said = " ".join(given.output.split())
    assert "324 matches of 18 people of A with 18 of B by small at a cosine of at least" in said
    assert "The threshold was given, so how many matches are false is not known." in said
    assert "... and 274 more" in said


def test_a_run_folder_belongs_to_one_question(halves: tuple[Path, Path], tmp_path: Path) -> None:
    assert run("overlap", *halves, "-o", tmp_path / "run").exit_code == 0
    other = run("overlap", *reversed(halves), "-o", tmp_path / "run")
    assert other.exit_code == 4
    assert "or --fresh to start over" in other.output


def test_a_set_without_usable_images_is_said(halves: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty" / "x").mkdir(parents=True)
    (tmp_path / "empty" / "x" / "0.png").write_bytes(b"no picture")
    result = run("overlap", halves[0], tmp_path / "empty", "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "got no usable image among 1" in result.output


def crowd(folder: Path, faces: np.ndarray, name: str) -> Roster:
    for number, face in enumerate(faces):
        (folder / name / f"{name}{number}").mkdir(parents=True)
        Image.fromarray(face.astype(np.uint8)).save(folder / name / f"{name}{number}" / "0.png")
    return read_folder(folder / name, name)


def test_people_are_found_by_other_photos(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    faces = rng.integers(0, 256, (240, 12, 12, 3)).astype(float)
    faces[[130, 150]] = np.clip(faces[[5, 6]] + rng.normal(0, 60, (2, 12, 12, 3)), 0, 255)
    first, second = crowd(tmp_path, faces[:120], "a"), crowd(tmp_path, faces[120:], "b")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 144, 64))
    how = OverlapSettings(Target("net", "toy", net, ImageSpec(12, 12)), names=True)
    found = compare_sets(first, second, how, tmp_path / "run")
    assert {(m.first, m.second, m.pictures) for m in found.matches} == {("a5", "b10", 0), ("a6", "b30", 0)}
    assert found.people.calibration is not None
    assert found.people.calibration.comparisons == 14_400
    again = compare_sets(first, second, how, tmp_path / "run")
    assert_alike(again.model_dump(), found.model_dump())
