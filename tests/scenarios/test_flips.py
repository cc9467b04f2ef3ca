"""A flipped bit in what a run left behind: the same command ends with the same numbers, or with a stated error."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bareface.cli.app import app
from benchmarks.robustness.flips import flips
from benchmarks.robustness.toy_runs import Ended, Scenario, begin, make_world, scenarios


def call(words: Sequence[str]) -> Ended:
    done = CliRunner().invoke(app, list(words))
    return Ended(done.exit_code, done.stderr)


@pytest.fixture(scope="module")
def toys(pageless_file: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scenario]:
    """Small runs over a world of their own; the audit is finished."""
    home = tmp_path_factory.mktemp("flips")
    make_world(home)
    toys = scenarios(home, home / "run-audit")
    assert call(toys["audit"].command(home / "run-audit")).code == 0
    return toys


@pytest.mark.parametrize(("name", "count"), [("audit", 5), ("train", 5), ("invert", 3)])
def test_a_flipped_bit_never_changes_a_number(toys: dict[str, Scenario], tmp_path: Path, name: str, count: int) -> None:
    run = tmp_path / "run"
    toy = toys[name]
    if name == "audit":
        assert toys["report"].begun is not None
        run = toys["report"].begun
    else:
        begin(toy, run)
        ended = call(toy.command(run))
        assert ended.code == 0, ended.said
    done = [*flips(toy, run, count, random.Random(name), call, tmp_path / "scratch")]
    assert len(done) == count
    assert not [flip for flip in done if flip.what == "WRONG"]


@pytest.mark.parametrize(
    ("code", "said", "what"),
    [
        (0, "", "untouched"),
        (0, "part does not fit its digest; it is made again", "made again"),
        (4, "RunError config.json: got other bytes than were written; expected those", "stated"),
        (4, "", "WRONG"),
        (1, "", "WRONG"),
        (70, "Crash: ", "WRONG"),
    ],
)
def test_what_counts_as_wrong(tmp_path: Path, code: int, said: str, what: str) -> None:
    (tmp_path / "finished").mkdir()
    (tmp_path / "finished" / "part").write_bytes(b"1")
    toy = Scenario("toy", ("toy",), lambda run: (run / "part").exists())
    (flip,) = flips(toy, tmp_path / "finished", 1, random.Random(0), lambda words: Ended(code, said), tmp_path / "x")
    assert flip.what == what


def test_other_numbers_count_as_wrong(tmp_path: Path) -> None:
    (tmp_path / "finished").mkdir()
    (tmp_path / "finished" / "part").write_bytes(b"1")
    toy = Scenario("toy", ("toy",), lambda run: (run / "part").read_bytes())
    (flip,) = flips(toy, tmp_path / "finished", 1, random.Random(0), lambda words: Ended(0, ""), tmp_path / "x")
    assert flip.what == "WRONG"
