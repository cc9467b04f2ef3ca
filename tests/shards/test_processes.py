"""Real processes: they die and are replaced, load once, and leave what one process leaves."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killed import A_LONG_WAIT, wait_for
from shard_work import SmallFiles, left_in

from bareface.errors import RunError, TargetError
from bareface.shards.executor import INLINE
from bareface.shards.ledger import Receipt, work_off
from bareface.shards.processes import Processes


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    (tmp_path / "inline").mkdir()
    worker = SmallFiles(tmp_path / "inline")
    work_off(INLINE, worker, worker.shards(6))
    return left_in(worker.folder)


def test_processes_leave_the_bytes_of_one_and_load_once(tmp_path: Path, expected: dict[str, bytes]) -> None:
    worker, receipts = SmallFiles(tmp_path), list[Receipt]()
    with Processes(2) as executor:
        work_off(executor, worker, worker.shards(6), receipts.append)
    assert left_in(tmp_path) == expected
    assert {one.number: one.rows for one in receipts} == {number: number + 1 for number in range(6)}
    opened = (tmp_path / "opened").read_text().split()
    assert len(opened) == len(set(opened)) <= 2


def test_a_process_that_is_killed_is_replaced_and_nothing_is_lost(tmp_path: Path, expected: dict[str, bytes]) -> None:
    worker = SmallFiles(tmp_path, once=(1, 4))
    with Processes(2) as executor:
        work_off(executor, worker, worker.shards(6))
    assert (tmp_path / "died-1").exists()
    assert (tmp_path / "died-4").exists()
    assert left_in(tmp_path) == expected


def test_a_poisoned_shard_is_named_and_the_rest_is_there(tmp_path: Path, expected: dict[str, bytes]) -> None:
    worker = SmallFiles(tmp_path, deadly=(2,), raising=(3,))
    with Processes(2) as executor, pytest.raises(RunError, match="2 of 6 shards that failed 3 times") as raised:
        work_off(executor, worker, worker.shards(6))
    assert "shard 2 (BrokenProcessPool: " in str(raised.value)
    assert "shard 3 (ValueError: no shard 3 for you)" in str(raised.value)
    assert left_in(tmp_path) == {name: content for name, content in expected.items() if name[9] not in "23"}


def test_a_mistake_is_not_tried_again(tmp_path: Path) -> None:
    worker = SmallFiles(tmp_path, mistaken=(0,))
    with Processes(1) as executor, pytest.raises(TargetError, match="tiny: got an embedding that is not finite"):
        work_off(executor, worker, worker.shards(2))


def test_one_set_of_processes_serves_job_after_job(tmp_path: Path, expected: dict[str, bytes]) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    with Processes(1) as executor:
        for folder in folders:
            folder.mkdir()
            work_off(executor, SmallFiles(folder), SmallFiles(folder).shards(6))
            assert left_in(folder) == expected
    assert len({(folder / "opened").read_text() for folder in folders}) == 1


def test_a_receipt_is_not_believed_where_the_file_is_missing(tmp_path: Path) -> None:
    """As where workers write to a folder of their own machine."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    there, here = SmallFiles(tmp_path / "there"), SmallFiles(tmp_path / "here")
    with pytest.raises(RunError, match=r"got part-00000.parquet absent, although its worker has written it.* Try: a f"):
        work_off(INLINE, there, here.shards(1))


DRIVER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from shard_work import SmallFiles
from bareface.shards.processes import Processes
with Processes(1) as executor:
    list(executor.map(SmallFiles(Path(sys.argv[1]), waiting=(0,)), [0]))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="whether a process is there is read in /proc")
def test_workers_end_with_the_process_that_they_belong_to(tmp_path: Path) -> None:
    """It is killed, so it cannot tell them."""
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path), *sys.path])
    try:
        wait_for(driver, tmp_path, "opened")
        worker, end = int((tmp_path / "opened").read_text()), time.monotonic() + A_LONG_WAIT
    finally:
        driver.kill()
        driver.wait()
    while is_there(worker):
        assert time.monotonic() < end, f"process {worker} outlived its owner"
        time.sleep(0.01)
    assert not left_in(tmp_path)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
