import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bareface.errors import RosterError, RunError
from bareface.storage.files import atomic_path, remove_stale, sha256_of, write_bytes, write_text

REPOSITORY = Path(__file__).parents[2]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_replaced_and_its_folders_made(tmp_path):
    path = tmp_path / "deep" / "er" / "report.txt"
    write_text(path, "first é")
    write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert names(path.parent) == ["report.txt"]


def test_the_old_file_stays_until_the_block_ends(tmp_path):
    write_text(tmp_path / "x", "old")
    with atomic_path(tmp_path / "x") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "x").read_text() == "old"
        assert temporary.parent == tmp_path
    assert (tmp_path / "x").read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RosterError("x", got="y", expected="z"), ZeroDivisionError()])
def test_an_interrupted_block_leaves_nothing_behind(tmp_path, error):
    def write_half() -> None:
        with atomic_path(tmp_path / "x") as temporary:
            temporary.write_text("half")
            raise error

    write_text(tmp_path / "x", "old")
    with pytest.raises(type(error)):
        write_half()
    assert (tmp_path / "x").read_text() == "old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("step", ["pathlib.Path.write_bytes", "os.fsync", "pathlib.Path.touch", "os.replace"])
def test_a_full_disk_at_any_step_leaves_the_old_file(tmp_path, monkeypatch, step):
    write_text(tmp_path / "x", "old")

    def fail(*_: object, **__: object) -> None:
        raise FULL

    monkeypatch.setattr(step, fail)
    with pytest.raises(
        RunError, match=r"x: got no space left on the disk; .* Try: free some space and run the same command"
    ):
        write_bytes(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_writer_that_only_says_no_space_in_words(tmp_path):
    with pytest.raises(RunError, match="no space left on the disk"), atomic_path(tmp_path / "x"):
        raise OSError("Error writing bytes to file. Detail: [errno 28] No space left on device")


FILL_THE_DISK = """
import random
import sys
from pathlib import Path

import numpy as np
from bareface.errors import RunError
from bareface.storage.files import write_bytes
from bareface.rosters.roster import Roster, write_manifest

folder = Path(sys.argv[1])
noise = [random.randbytes(60).hex() for _ in range(3000)]
roster = Roster(folder, tuple(noise), np.array(noise), np.full(3000, "member"))
write_bytes(folder / "report", b"old" * 1000)
write_bytes(folder / "faces.parquet", b"old" * 1000)
for write in (
    lambda: write_bytes(folder / "report", b"n" * 10**6),
    lambda: write_manifest(roster, folder / "faces.parquet"),
):
    try:
        write()
    except RunError as error:
        assert "no space left on the disk" in str(error), error
    else:
        raise AssertionError("the disk was not full")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == dict.fromkeys(
        ("report", "faces.parquet"), b"old" * 1000
    )
raise SystemExit(7)
"""


def test_a_really_full_disk(tmp_path):
    # A file system of 64 KiB in a mount namespace of its own: nothing of it is seen outside, nothing is left.
    mount = f'mount -t tmpfs -o size=64k tmpfs "{tmp_path}" || exit 99; exec "$0" -c "$1" "{tmp_path}"'
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, sys.executable, FILL_THE_DISK]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode in (1, 99) and "Traceback" not in done.stderr:
        pytest.skip(f"this system lends no file system to mount: {done.stderr.strip()}")
    assert done.returncode == 7, done.stderr


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"x: got .*; expected a writable place\. Try: another folder"):
        write_text(tmp_path / "file" / "x", "new")


def test_run_errors_keep_their_cause_and_exit_code(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(RunError) as caught:
        write_text(tmp_path / "x" / "y", "new")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.exit_code == 4


def test_stale_temporary_files_go_and_nothing_else(tmp_path):
    for name in (".report.abc.tmp", "report.tmp", ".hidden", "report"):
        (tmp_path / name).touch()
    remove_stale(tmp_path)
    assert names(tmp_path) == [".hidden", "report", "report.tmp"]


def test_sha256(tmp_path):
    content = os.urandom(100_000)
    write_bytes(tmp_path / "x", content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from bareface.storage.files import write_bytes

for number in range(10**9):
    write_bytes(Path(sys.argv[1]) / "x", bytes([number % 256]) * 200_000)
"""


def test_a_process_killed_while_writing_leaves_a_whole_file(tmp_path):
    for pause in (0.0, 0.013, 0.031):
        process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)], cwd=REPOSITORY)
        while not (tmp_path / "x").exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        content = (tmp_path / "x").read_bytes()
        assert len(content) == 200_000
        assert len(set(content)) == 1
        remove_stale(tmp_path)
        assert names(tmp_path) == ["x"]
        (tmp_path / "x").unlink()
