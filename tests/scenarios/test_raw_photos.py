"""Raw photos, as a person has them: aligned by one command, and audited as they are."""

import csv
import shutil
import sys
import tarfile
from pathlib import Path

import needs_detect  # noqa: F401
import numpy as np
import pyarrow.parquet as pq
import pytest
from album import SIDE, on_a_wall, take_photos
from command import run

from bareface.auditing.config_file import read_config
from bareface.auditing.inversion.audited import read_audit
from bareface.auditing.progress import silent
from bareface.cli.auditing import people as people_of
from bareface.faces.decode import decode
from bareface.faces.detection.networks import load_networks
from bareface.records.evidence import read_evidence
from bareface.synthetic import SyntheticFaces
from bareface.targets.store import load_target

PEOPLE, PHOTOS = 24, 2
ATTACKS = ("--attack", "bn-distance", "--game", "dataset")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`in/` and `out/`, 12 people each with two photos of their face somewhere on a wall."""
    home = tmp_path_factory.mktemp("album")
    person, number = np.repeat(np.arange(PEOPLE), PHOTOS), np.tile(np.arange(PHOTOS), PEOPLE)
    side = np.where(person < PEOPLE // 2, "in", "out")
    names = [f"{s}/p{p:02d}/{n}.jpg" for s, p, n in zip(side, person, number, strict=True)]
    take_photos([home / name for name in names], person, number)
    return home


def test_a_folder_of_photos_is_aligned_without_landmarks(album: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(album / "in", photos)
    pixels = SyntheticFaces(7, SIDE).render(np.array([2, 2]), np.zeros(2, np.int64)).permute(0, 2, 3, 1).numpy()
    on_a_wall((pixels[0], 20, 20), (pixels[1][::2, ::2].copy(), 250, 150)).save(photos / "two.png")
    on_a_wall().save(photos / "wall.png")
    result = run("align", photos, tmp_path / "faces")
    assert result.exit_code == 0, result.output
    made = sorted(path.relative_to(tmp_path / "faces") for path in (tmp_path / "faces").rglob("*.png"))
    unaligned = list(csv.DictReader((tmp_path / "faces/unaligned.csv").read_text().splitlines()))
    assert len(made) + len(unaligned) == PEOPLE // 2 * PHOTOS + 2
    assert len(made) >= 20
    assert {"image": "wall.png", "reason": "no face found"} in unaligned
    assert f"{len(made)} faces of 112x112 pixels" in result.output
    assert f"{len(unaligned)} photos were not aligned ({len(unaligned)} no face found)" in result.output
    assert "1 photos show several faces, of which the central one was taken" in result.output
    assert (tmp_path / "faces/several.csv").read_text() == "image,faces\ntwo.png,2\n"
    assert {decode(tmp_path / "faces" / path).size for path in made} == {(112, 112)}


def test_photos_in_a_pack_are_aligned_too(album: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "in.tar", "w") as pack:
        for path in sorted((album / "in").rglob("*.jpg"))[:4]:
            pack.add(path, path.relative_to(album / "in"))
    result = run("align", tmp_path / "in.tar", tmp_path / "faces")
    assert result.exit_code == 0, result.output
    made = {path.relative_to(tmp_path / "faces").as_posix() for path in (tmp_path / "faces").rglob("*.png")}
    assert made <= {"p00/0.png", "p00/1.png", "p01/0.png", "p01/1.png"}
    assert len(made) >= 2


def test_both_sides_of_an_audit_come_through_the_detector(world: Path, album: Path, tmp_path: Path) -> None:
    (tmp_path / "audit.yaml").write_text(
        f"model: {world / 'target'}\nmembers: {album / 'in'}\nnonmembers: {album / 'out'}\ndetect: true\n"
        "max_reject_rate: 0.2\nselfcheck: report\n"
    )
    result = run("audit", tmp_path / "audit.yaml", *ATTACKS, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    evidence = read_evidence(tmp_path / "run")
    rejects = pq.read_table(tmp_path / "run/rejects.parquet").to_pylist()
    assert {one["reason"] for one in rejects} <= {"no face found"}
    assert sum(role.images for role in evidence.roles) == PEOPLE * PHOTOS
    faces = list((tmp_path / "run/faces").rglob("*.jpg"))
    assert len(faces) + len(rejects) == PEOPLE * PHOTOS
    (note,) = [note for note in evidence.notes if note.startswith("Raw photos:")]
    assert "found by MTCNN" in note
    assert "the central one was taken (member 0 of 24, outside 0 of 24)" in note
    assert f"finding faces: {PEOPLE * PHOTOS} of {PEOPLE * PHOTOS}" in result.output
    people = pq.read_table(tmp_path / "run/people.parquet").to_pylist()
    assert {Path(row["image"]).suffix for row in people} == {".jpg"}
    # Whoever goes on from the audit is shown the faces, too.
    target, roster = load_target(world / "target"), people_of(read_config(tmp_path / "audit.yaml"))
    seen = read_audit(tmp_path / "run", target, roster, silent).examination.accepted
    assert sorted(seen.paths) == sorted(faces)
    # Another choice is another run.
    other = run("audit", tmp_path / "audit.yaml", "--face", "largest", *ATTACKS, "-o", tmp_path / "run")
    assert other.exit_code == 4
    assert "got face = 'largest'; expected face = None, as this run folder was begun" in other.output


def test_more_photos_without_a_face_on_one_side_stop_an_audit(world: Path, album: Path, tmp_path: Path) -> None:
    shutil.copytree(album / "out", tmp_path / "out")
    for path in sorted((tmp_path / "out").rglob("*.jpg"))[:12]:
        on_a_wall().save(path)
    (tmp_path / "audit.yaml").write_text(
        f"model: {world / 'target'}\nmembers: {album / 'in'}\nnonmembers: out\ndetect: true\nmax_reject_rate: 0.9\n"
    )
    result = run("audit", tmp_path / "audit.yaml", *ATTACKS, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "of 24 member images and 1" in result.output
    assert "expected both sides equally usable" in result.output
    assert "(no face found)" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--face", "central"], "got central, but no faces are looked for; expected raw photos"),
        (["--detect", "--face", "left"], "'central' or 'largest'"),
    ],
)
def test_a_choice_that_is_none_is_told(
    world: Path, album: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    folders = ("--members", album / "in", "--nonmembers", album / "out")
    result = run("audit", "--model", world / "target", *folders, *options, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.output


def test_without_the_extra_both_commands_say_what_to_install(
    world: Path, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    load_networks.cache_clear()
    folders = ("--members", album / "in", "--nonmembers", album / "out")
    commands = (
        ("align", album / "in", tmp_path / "faces"),
        ("audit", "--model", world / "target", *folders, "--detect", "-o", tmp_path / "run"),
    )
    for command in commands:
        result = run(*command)
        assert result.exit_code == 2
        assert 'expected the extra detect. Try: pip install "bareface[detect]"' in result.output
    load_networks.cache_clear()


def test_a_detector_of_ones_own_may_be_a_function_or_its_factory(album: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "eyes.py").write_text(
        "from bareface.faces.template import TEMPLATES\n"
        "def look(image): return TEMPLATES['112x112'].points + 30\n"
        "def make(): return look\n"
        "def needs(image, threshold): return None\n"
        "def broken(): raise TypeError('no weights')\n"
        "def picky(image): raise KeyError('grey')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("look", "make"):
        result = run("align", album / "in", tmp_path / name, "--detector", f"eyes:{name}")
        assert result.exit_code == 0, result.output
        assert "24 faces" in result.output
    failed = {
        "needs": "TypeError (needs() missing 2 required positional arguments",
        "broken": "TypeError (no weights) when it was called; expected a function without arguments",
        "picky": "none of 24 photos aligned, most often because of: a detector that fails",
    }
    for name, message in failed.items():
        result = run("align", album / "in", tmp_path / name, "--detector", f"eyes:{name}")
        assert result.exit_code == 2
        assert message in result.output
    sys.modules.pop("eyes")
