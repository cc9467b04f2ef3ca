"""A run folder belongs to one configuration and one process."""

import shutil
from pathlib import Path

import pytest

from bareface.auditing.run_folder import read_settings, run_folder
from bareface.errors import RunError


def test_the_same_configuration_opens_it_again(tmp_path: Path) -> None:
    for _ in range(2):
        with run_folder(tmp_path / "run", {"seed": 7, "games": ("record",)}) as run:
            (run / "kept").write_text("x")


def test_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}):
        pass
    message = r"got seed = 8; expected seed = 7, as this run folder was begun. Try: another folder \(-o\), or --fresh"
    with pytest.raises(RunError, match=message), run_folder(tmp_path / "run", {"seed": 8}):
        pass


@pytest.mark.parametrize(
    ("key", "said"),
    [("roster", "other people or photos"), ("target", "another model"), ("foreign", "another foreign model")],
)
def test_a_digest_that_differs_is_said_in_words(tmp_path: Path, key: str, said: str) -> None:
    with run_folder(tmp_path / "run", {key: "a6b2"}):
        pass
    message = rf"got {key} = '233d' \({said} than this run folder was begun with\); .*Try: another folder.*--fresh"
    with pytest.raises(RunError, match=message), run_folder(tmp_path / "run", {key: "233d"}):
        pass


def test_fresh_starts_over(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        (run / "trace").mkdir()
        (run / "trace" / "part").write_text("old")
    with run_folder(tmp_path / "run", {"seed": 8}, fresh=True) as run:
        assert sorted(entry.name for entry in run.iterdir()) == [".lock", "config.json", "config.json.sha256"]


def test_fresh_removes_links_and_nothing_behind_them(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "part").touch()
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        (run / "trace").symlink_to(tmp_path / "elsewhere")
    with run_folder(tmp_path / "run", {"seed": 8}, fresh=True) as run:
        assert not (run / "trace").is_symlink()
    assert (tmp_path / "elsewhere" / "part").exists()


def test_fresh_never_empties_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="got a folder that is no run of ours"), run_folder(tmp_path, {}, fresh=True):
        pass
    assert (tmp_path / "thesis.tex").exists()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="got a folder with other files in it"), run_folder(tmp_path, {}):
        pass


def test_a_trace_may_be_copied_into_a_new_run_and_is_not_swept_away(tmp_path: Path) -> None:
    (tmp_path / "run" / "trace").mkdir(parents=True)
    with pytest.raises(RunError, match="no run of ours"), run_folder(tmp_path / "run", {}, fresh=True):
        pass
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        assert (run / "trace").is_dir()
        assert read_settings(run) == {"seed": 7}


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


def test_a_damaged_configuration_is_mended_by_the_same_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        whole = (run / "config.json").read_bytes(), (run / "config.json.sha256").read_bytes()
    _flip(run / "config.json")
    with pytest.raises(RunError, match="got other bytes than were written"):
        read_settings(run)
    with run_folder(tmp_path / "run", {"seed": 7}):
        assert ((run / "config.json").read_bytes(), (run / "config.json.sha256").read_bytes()) == whole
    assert "config.json does not fit its digest; it is made again" in caplog.text
    assert read_settings(run) == {"seed": 7}


def test_a_damaged_configuration_is_not_taken_for_another_one(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        pass
    (run / "config.json").write_text((run / "config.json").read_text().replace("7", "8"))
    with pytest.raises(RunError, match=r"config.json: got other bytes than were written; .* which mends it; deleting"):
        run_folder(tmp_path / "run", {"seed": 8}).__enter__()


def test_a_damaged_digest_of_a_configuration_is_said(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        pass
    _flip(run / "config.json.sha256")
    with pytest.raises(RunError, match=r"deleting config.json.sha256, where the file is right as it stands"):
        run_folder(run, {"seed": 7}).__enter__()
    (run / "config.json.sha256").unlink()
    with run_folder(run, {"seed": 7}):
        pass


def test_a_configuration_of_an_older_version_without_a_digest_counts(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", {"seed": 7}) as run:
        pass
    (run / "config.json.sha256").unlink()
    with pytest.raises(RunError, match="got seed = 8; expected seed = 7"):
        run_folder(run, {"seed": 8}).__enter__()
    with run_folder(run, {"seed": 7}):
        assert (run / "config.json.sha256").exists()


@pytest.mark.parametrize("again", [False, True], ids=["gone", "put back"])
def test_a_run_folder_that_vanishes_is_an_error(tmp_path: Path, again: bool) -> None:
    def vanish() -> None:
        with run_folder(tmp_path / "run", {}) as run:
            shutil.rmtree(run)
            if again:
                run.mkdir()
                (run / ".lock").touch()

    with pytest.raises(RunError, match="a run folder that was removed or replaced while the run was going on"):
        vanish()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
