"""`bareface split`: a roster and its seal, or a reason."""

import os
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bareface.cli.app import app
from bareface.rosters.assignment import check_seal, read_seal, seal_path
from bareface.rosters.roster import read_manifest


def split(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["split", *map(str, words)])


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    for person in range(12):
        name = unicodedata.normalize("NFD", f"José {person}")
        (tmp_path / "pool" / name).mkdir(parents=True)
        for photo in range(1 + person % 3):
            (tmp_path / "pool" / name / f"{photo}.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "pool"


def test_a_folder_becomes_a_sealed_roster(pool: Path, tmp_path: Path) -> None:
    result = split(pool, "--out", tmp_path / "people.csv", "--seed", 5, "--auxiliary", 0.25)
    assert result.exit_code == 0, result.output
    roster, seal = read_manifest(tmp_path / "people.csv"), read_seal(tmp_path / "people.seal.json")
    assert check_seal(roster, seal) is None
    assert all(path.is_file() for path in roster.paths)
    assert {role: people for role, (people, _) in roster.head_count().items() if role != "heldout"} == {
        "auxiliary": 3,
        "member": 6,
        "outside": 3,
    }
    assert (seal.seed, seal.people, seal.images, seal.shares.auxiliary) == (5, 12, 24, 0.25)
    assert "auxiliary 3 people" in result.stdout
    assert "Train on the role member alone." in result.stdout


def test_a_list_without_roles_becomes_one_and_gives_the_same_draw(pool: Path, tmp_path: Path) -> None:
    assert split(pool, "-o", tmp_path / "by_folder.csv", "--seed", 5).exit_code == 0
    first = read_manifest(tmp_path / "by_folder.csv")
    rows = [
        f"{image},{unicodedata.normalize('NFC', who)}" for image, who in zip(first.image, first.subject, strict=True)
    ]
    (tmp_path / "list.csv").write_text("\n".join(["image,subject", *reversed(rows)]))
    assert split(tmp_path / "list.csv", "-o", tmp_path / "by_list.csv", "--seed", 5).exit_code == 0
    second = read_manifest(tmp_path / "by_list.csv")
    assert dict(zip(first.image, first.role, strict=True)) == dict(zip(second.image, second.role, strict=True))
    stated = [read_seal(seal_path(tmp_path / f"by_{what}.csv")) for what in ("folder", "list")]
    assert stated[0].model_copy(update={"drawn": ""}) == stated[1].model_copy(update={"drawn": ""})


def test_only_pictures_are_drawn_and_the_rest_is_told(tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    for person in range(8):
        (pool / f" p{person}\u00a0").mkdir(parents=True)
        for photo in range(3):
            (pool / f" p{person}\u00a0" / f"{photo}.jpg").write_bytes(b"\xff\xd8\xff")
    one = pool / " p0\u00a0"
    (one / "notes.txt").write_text("x")
    (one / "zero.jpg").touch()
    (one / "1.jpg.part").write_bytes(b"\xff\xd8\xff")
    (one / "again.jpg").symlink_to("1.jpg")
    (one / "nowhere.jpg").symlink_to("nothing")
    os.mkfifo(one / "pipe.jpg")
    (pool / os.fsdecode(b"p\xff")).mkdir()
    (pool / os.fsdecode(b"p\xff") / "1.jpg").write_bytes(b"\xff\xd8\xff")
    result = split(pool, "--out", tmp_path / "people.csv", "--seed", 5)
    assert result.exit_code == 0, result.output
    roster = read_manifest(tmp_path / "people.csv")
    assert check_seal(roster, read_seal(tmp_path / "people.seal.json")) is None
    assert (len(roster), len(set(roster.subject.tolist()))) == (24, 8)
    for said in (
        "1 backup copies and unfinished downloads",
        "1 links to a file or folder that is listed already",
        "1 files whose names are no UTF-8",
        "4 files that are no JPEG, PNG, WebP or BMP picture, the first is",
    ):
        assert f"left aside: {said}" in result.stderr


def test_a_draw_is_not_repeated_until_it_pleases(pool: Path, tmp_path: Path) -> None:
    assert split(pool, "-o", tmp_path / "people.csv", "--seed", 5).exit_code == 0
    before = (tmp_path / "people.csv").read_bytes()
    result = split(pool, "-o", tmp_path / "people.csv", "--seed", 6)
    assert result.exit_code == 2
    assert "got a file that is there already; expected a new one. Try: another name" in result.stderr
    assert (tmp_path / "people.csv").read_bytes() == before


def test_what_cannot_be_drawn(pool: Path, tmp_path: Path) -> None:
    (tmp_path / "roles.csv").write_text("image,subject,role\na.jpg,a,member\n")
    (tmp_path / "elsewhere").mkdir()
    for words, said in (
        (
            (pool, "-o", tmp_path / "elsewhere" / "people.csv", "--seed", 1),
            "expected a roster in a folder that holds the images",
        ),
        (
            (pool, "-o", tmp_path / "p.csv", "--seed", 1, "--members", 1.5),
            "--members: got 1.5; expected a share less than 1",
        ),
        (
            (pool, "-o", tmp_path / "p.csv", "--seed", 1, "--members", 0.05),
            "got 1 members and 11 people outside, of 12",
        ),
        (
            (tmp_path / "roles.csv", "-o", tmp_path / "p.csv", "--seed", 1),
            "got a column role; expected a list of people",
        ),
        ((tmp_path / "none.csv", "-o", tmp_path / "p.csv", "--seed", 1), "got no such file"),
    ):
        result = split(*words)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
        assert not (tmp_path / "p.csv").exists()
