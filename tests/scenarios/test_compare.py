"""Audits side by side through the command line: differences in pairs, and runs that are not comparable."""

import json
from pathlib import Path

import numpy as np
import pytest
from command import run
from embedded import save_foreign_table, save_table

from bareface.rosters.roster import Roster, read_folder, write_manifest
from bareface.synthetic import write_folder
from bareface.vocabulary import Role

PEOPLE, PHOTOS = 60, 3


@pytest.fixture(scope="module")
def home(pageless_file: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables that know people by direction; one is also longer for members. A run of each, and unlike ones."""
    folder = tmp_path_factory.mktemp("compare")
    write_folder(folder / "faces", people=PEOPLE, images=PHOTOS, size=16, seed=5)
    listed = read_folder(folder / "faces", Role.OUTSIDE)
    number = np.array([int(subject[1:]) for subject in listed.subject])
    role = np.where(number % 2, str(Role.MEMBER), str(Role.OUTSIDE))
    image = tuple(f"faces/{name}" for name in listed.image)
    everybody = Roster(folder, image, listed.subject, role)
    write_manifest(everybody, folder / "people.csv")
    write_manifest(everybody.take(np.flatnonzero(number > 1)), folder / "others.csv")
    rng = np.random.default_rng(0)
    known = rng.normal(size=(PEOPLE, 16))[number] + rng.normal(size=(len(number), 16))
    tables = {"before": known * np.where(number % 2, 2.0, 1.0)[:, None], "after": known}
    for name, values in tables.items():
        save_table(folder / f"{name}.npy", values, image)
    foreign = save_foreign_table(folder, image)
    for name, roster, more in (
        ("before", "people.csv", ()), ("after", "people.csv", ()), ("others", "others.csv", ()),
        ("seeds", "people.csv", ("--seed", "8")), ("attacks", "people.csv", ("--attack", "flip-agreement")),
    ):  # fmt: skip
        model = name if name in tables else "after"
        attack = () if "--attack" in more else ("--attack", "embedding-norm")
        done = run(
            "audit", "--model", folder / f"{model}.npy", "--roster", folder / roster, "--game", "dataset",
            "--selfcheck", "skip", "--assignment", "randomised", "--foreign", foreign, *attack, *more,
            "-o", folder / f"run-{name}",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    return folder


def test_the_leak_is_gone_and_recognition_is_the_same(home: Path, tmp_path: Path) -> None:
    asked = ("compare", home / "run-before", home / "run-after", "--summary", tmp_path / "page.md", "--json")
    result = run(*asked)
    assert result.exit_code == 0, result.output + repr(result.exception)
    told = json.loads(result.stdout)
    verification, leak = told["differences"]
    assert verification["first"] == pytest.approx(verification["other"])
    assert verification["interval"]["low"] <= 0 <= verification["interval"]["high"]
    assert all(0.8 < one["verification"] < 1 for one in told["runs"])
    assert leak["interval"]["high"] < 0
    assert leak["difference"] == pytest.approx(leak["other"] - leak["first"])
    assert leak["verdicts"][0] == "LEAK SHOWN"
    page = (tmp_path / "page.md").read_text()
    assert "LEAK SHOWN → " in page
    assert "embedding-norm" in page


def test_a_run_beside_itself_differs_by_nothing(home: Path) -> None:
    told = json.loads(run("compare", home / "run-before", home / "run-before", "--json").stdout)
    for one in told["differences"]:
        assert one["difference"] == one["interval"]["low"] == one["interval"]["high"] == 0


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (("before",), "got 1 run; expected at least two finished audits"),
        (("before", "others"), "got other people, images or roles; expected those of run 1, run-before"),
        (
            ("before", "seeds"),
            "got the seed 8; expected the seed 7 of run 1, run-before. Try: audit again",
        ),
        (("before", "attacks"), "no attack in common with run 1"),
    ],
)
def test_runs_that_are_not_comparable_are_refused_with_the_reason(home: Path, runs: tuple[str], words: str) -> None:
    result = run("compare", *(home / f"run-{name}" for name in runs))
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
