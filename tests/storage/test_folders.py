"""A folder that one process holds: locked against others, and never made anew in the middle."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bareface.errors import RunError
from bareface.storage.folders import LOCK, held, subfolder

HOLD = """
import sys
from pathlib import Path
from bareface.storage.folders import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="got a folder that another process is using; expected one run at a time"):
            held(tmp_path / "run").__enter__()
        process.kill()
    with held(tmp_path / "run"):
        pass


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".part.abc.tmp").touch()
    with held(tmp_path) as folder:
        assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_subfolder_is_made_in_a_folder_that_is_there(tmp_path: Path) -> None:
    assert subfolder(tmp_path / "a").is_dir()
    assert subfolder(tmp_path / "a").is_dir()
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(RunError, match="got a folder that is gone"):
        subfolder(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_replaced_is_found_out(tmp_path: Path) -> None:
    def replace() -> None:
        with held(tmp_path):
            (tmp_path / ".lock").unlink()
            (tmp_path / ".lock").touch()

    with pytest.raises(RunError, match="removed or replaced"):
        replace()


def test_the_first_error_is_the_one_that_is_told(tmp_path: Path) -> None:
    def fail() -> None:
        with held(tmp_path / "run"):
            shutil.rmtree(tmp_path / "run")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_pipe_in_the_place_of_the_lock_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LOCK)
    with pytest.raises(RunError, match="a pipe, not a file"), held(tmp_path):
        pass
