"""Was I in it? Through the command line: who stands out, who does not, and where there is no answer."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import run
from embedded import people_with_longer_members
from PIL import Image
from typer.testing import Result

MEMBERS, STRANGERS, UNKNOWN, PHOTOS = 30, 120, 6, 4


@pytest.fixture(scope="module")
def home(pageless_file: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Members whose embeddings are longer, strangers, and as many people of both kinds that no audit knows."""
    folder = tmp_path_factory.mktemp("query")
    people_with_longer_members(folder, MEMBERS, STRANGERS, UNKNOWN, PHOTOS)
    for name in ("leaky", "quiet"):
        assert audit(folder, name).exit_code == 0
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def audit(home: Path, model: str, roster: str = "people.csv") -> Result:
    return run(
        "audit", "--model", home / f"{model}.npy", "--roster", home / roster, "--attack", "embedding-norm", "--game",
        "dataset", "--selfcheck", "skip", "--assignment", "randomised", "--foreign", home / "foreign.npy",
        "-o", home / f"run-{model}",
    )  # fmt: skip


def ask(home: Path, person: int, *more: str | Path, model: str = "leaky") -> dict[str, object]:
    result = run("query", home / f"run-{model}", "--photos", home / "faces" / f"p{person:05d}", "--json", *more)
    assert result.exit_code in (0, 3), result.output + repr(result.exception)
    told: dict[str, object] = json.loads(result.stdout)
    assert (told["status"] == "answered") == (result.exit_code == 0)
    return told


def test_people_who_were_trained_on_stand_out_and_others_do_not(home: Path) -> None:
    new = [ask(home, person) for person in range(MEMBERS + STRANGERS, MEMBERS + STRANGERS + UNKNOWN)]
    assert [one["stands_out"] for one in new] == [False] * 3 + [True] * 3
    assert {(one["known"], one["strangers"], one["used"], one["attack"]) for one in new} == {
        (False, STRANGERS, PHOTOS, "embedding-norm")
    }  # fmt: skip
    assert all(one["p_value"] == (1 + one["at_or_above"]) / (STRANGERS + 1) for one in new)  # type: ignore[operator]


def test_whoever_stands_in_the_audit_is_judged_without_themselves(home: Path) -> None:
    member, stranger = ask(home, 3), ask(home, MEMBERS + 3)
    assert (member["known"], member["stands_out"], member["strangers"]) == (True, True, STRANGERS)
    assert (stranger["known"], stranger["stands_out"], stranger["strangers"]) == (True, False, STRANGERS - 1)


def test_the_answer_in_words_is_evidence_and_names_its_error(home: Path) -> None:
    result = run("query", home / "run-leaky", "--photos", home / "faces" / "p00002", "--target", home / "leaky.npy")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    for words in (
        "These photos stand out", "Of 120 photo sets of strangers, 0 score as high (p = 0.00826).",
        "evidence, not proof", "at most 1 % stand out", "of 30 people who were trained on, 30 stand out",
        "4 photos, beside as many photos of each stranger", "embedding-norm (partial knowledge) of the dataset game",
        "chosen without this person", "only models that were fitted without them judged",
    ):  # fmt: skip
        assert words in said
    assert "p00002" not in said


def test_copies_count_once_and_fewer_photos_are_compared_with_as_few(home: Path, tmp_path: Path) -> None:
    for name in ("000.png", "001.png"):
        shutil.copy(home / "faces" / "p00002" / name, tmp_path / name)
        shutil.copy(home / "faces" / "p00002" / name, tmp_path / f"copy-{name}")
    with Image.open(tmp_path / "000.png") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "mirrored.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    result = run("query", home / "run-leaky", "--photos", tmp_path, "--json")
    told = json.loads(result.stdout)
    assert (told["photos"], told["repeated"], told["used"], len(told["rejected"])) == (6, 3, 2, 1)
    assert told["known"]  # whichever copy is looked at
    assert told["stands_out"]


@pytest.mark.parametrize(
    ("more", "model", "reason"),
    [
        ((), "quiet", "the audit shows no leak that could be asked about one person (NOT SHOWN)"),
        (("--fpr", "0.001"), "leaky", "120 strangers of the audit have enough photos, and 999 are needed"),
        (("--game", "person"), "leaky", "shows no leak that could be asked about one person"),
    ],
)
def test_where_there_is_no_answer_it_says_why(home: Path, more: tuple[str, ...], model: str, reason: str) -> None:
    told = ask(home, 2, *more, model=model)
    assert reason in str(told["reason"])
    assert told["p_value"] is None


def test_one_photo_is_compared_with_one_photo_of_each_stranger(home: Path, tmp_path: Path) -> None:
    shutil.copy(home / "faces" / "p00002" / "000.png", tmp_path / "me.png")
    told = json.loads(run("query", home / "run-leaky", "--photos", tmp_path, "--json").stdout)
    assert (told["used"], told["strangers"], told["known"]) == (1, STRANGERS, True)


def test_photos_of_two_people_of_the_audit_are_no_person(home: Path, tmp_path: Path) -> None:
    for person in ("p00002", "p00003"):
        shutil.copy(home / "faces" / person / "000.png", tmp_path / f"{person}.png")
    result = run("query", home / "run-leaky", "--photos", tmp_path)
    assert result.exit_code == 3
    assert "the audit knows these photos as of 2 people" in result.output


def test_no_usable_photo_is_no_answer(home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    result = run("query", home / "run-leaky", "--photos", tmp_path)
    assert result.exit_code == 3
    assert "No answer: none of the photos can be used." in result.output
    assert "broken.jpg" in result.output


def test_mistakes_are_sentences(home: Path, tmp_path: Path) -> None:
    photos = home / "faces" / "p00002"
    for asked, words in (
        (("--photos", home / "faces"), "one query for each person"),
        (("--photos", tmp_path), "got no picture"),
        (("--photos", photos, "--fpr", "2"), "expected a rate between 0 and 1"),
        (("--photos", photos, "--game", "record"), "expected person or dataset"),
        (("--photos", photos, "--target", home / "quiet.npy"), "an audit of this target"),
    ):
        result = run("query", home / "run-leaky", *asked)
        assert result.exit_code == 2, result.output + repr(result.exception)
        assert words in " ".join(result.stderr.split())
    assert run("query", tmp_path, "--photos", photos, "--target", home / "leaky.npy").exit_code == 4


def test_a_query_leaves_nothing_in_the_run_folder(home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (home / "run-leaky").rglob("*")}
    ask(home, MEMBERS + STRANGERS)
    assert {path: path.stat().st_mtime_ns for path in (home / "run-leaky").rglob("*")} == before


def test_who_may_read_it_is_told_who_stands_behind_a_number(home: Path) -> None:
    table = pq.read_table(home / "run-leaky" / "people.parquet").to_pylist()
    row = next(one for one in table if one["subject"] == "p00007")
    number = row["person"].removeprefix("person ")
    for said in (number, str(int(number)), row["person"]):
        told = json.loads(run("people", home / "run-leaky", said, "--json").stdout)
        assert (told["number"], told["subject"], len(told["images"])) == (row["person"], "p00007", PHOTOS)
    assert "p00007" in run("people", home / "run-leaky", number).stdout
    for nobody in ("0", "9999", "anna", "-1"):
        result = run("people", home / "run-leaky", "--", nobody)
        assert result.exit_code == 2
        assert "one of the 150 numbers that the report shows" in " ".join(result.stderr.split())
    assert run("people", home, "1").exit_code == 4


def test_the_same_audit_again_from_its_own_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = home / "run-leaky" / "audit.yaml"
    assert kept.stat().st_mode & 0o077 == 0
    result = run("audit", kept, "-o", home / "run-leaky", "--fail-if-leak")
    assert result.exit_code == 1, result.output
