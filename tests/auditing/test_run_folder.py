"""A run folder belongs to one configuration and one process."""

from pathlib import Path

import pytest

from bareface.auditing.run_folder import run_folder
from bareface.errors import RunError


def test_the_same_configuration_opens_it_again(tmp_path: Path) -> None:
    for _ in range(2):
        with run_folder(tmp_path / "run", {"seed": 7, "games": ("record",)}) as run:
            (run / "kept").write_text("x")


def test_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}):
        pass
    message = r"got seed = 8; expected seed = 7, as this run folder was begun. Try: another folder, or --fresh"
    with pytest.raises(RunError, match=message), run_folder(tmp_path / "run", {"seed": 8}):
        pass


def test_fresh_starts_over(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        (run / "trace").mkdir()
        (run / "trace" / "part").write_text("old")
    with run_folder(tmp_path / "run", {"seed": 8}, fresh=True) as run:
        assert sorted(entry.name for entry in run.iterdir()) == [".lock", "config.json"]


def test_fresh_never_empties_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="got a folder that is no run of ours"), run_folder(tmp_path, {}, fresh=True):
        pass
    assert (tmp_path / "thesis.tex").exists()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="got a folder with other files in it"), run_folder(tmp_path, {}):
        pass


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    with (
        run_folder(tmp_path / "run", {}),
        pytest.raises(RunError, match="that another process is using"),
        run_folder(tmp_path / "run", {}),
    ):
        pass


def test_half_written_files_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {}) as run:
        (run / ".scores.parquet.abc.tmp").write_text("half")
    with run_folder(tmp_path / "run", {}) as run:
        assert not list(run.glob("*.tmp"))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RunError, match="expected a folder that can be written"),
        run_folder(tmp_path / "file" / "run", {}),
    ):
        pass
