"""Actors of a real cluster of two nodes, each with a tree of processes of its own; skipped where Ray is missing."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from shard_work import SmallFiles, left_in

from bareface.errors import RunError, TargetError
from bareface.shards import ray_actors
from bareface.shards.executor import INLINE
from bareface.shards.ledger import work_off
from bareface.shards.ray_actors import RayActors

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the engine's own

SHARDS = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes with one core each."""
    from ray.cluster_utils import Cluster

    one = {"num_cpus": 1, "object_store_memory": 80 << 20}
    made = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **one})
    made.add_node(**one)
    paths = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}  # where the tests have their own modules
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR", runtime_env=paths)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    (tmp_path / "inline").mkdir()
    worker = SmallFiles(tmp_path / "inline")
    work_off(INLINE, worker, worker.shards(SHARDS))
    return left_in(worker.folder)


def test_two_nodes_leave_the_bytes_of_one_process(cluster: Any, tmp_path: Path, expected: dict[str, bytes]) -> None:
    worker = SmallFiles(tmp_path)
    with RayActors(2) as executor:
        work_off(executor, worker, worker.shards(SHARDS))
    assert left_in(tmp_path) == expected
    opened = (tmp_path / "opened").read_text().split()
    assert len(opened) == len(set(opened)) <= 2, "each actor loads once"


def test_an_actor_that_is_killed_comes_back(cluster: Any, tmp_path: Path, expected: dict[str, bytes]) -> None:
    worker = SmallFiles(tmp_path, once=(1, 4))
    with RayActors(2) as executor:
        work_off(executor, worker, worker.shards(SHARDS))
    assert (tmp_path / "died-4").exists()
    assert left_in(tmp_path) == expected


def test_a_poisoned_shard_is_named_and_the_rest_is_there(
    cluster: Any, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    worker = SmallFiles(tmp_path, deadly=(2,), raising=(3,))
    with RayActors(2) as executor, pytest.raises(RunError, match="2 of 6 shards that failed 3 times") as raised:
        work_off(executor, worker, worker.shards(SHARDS))
    assert "shard 3 (ValueError: no shard 3 for you)" in str(raised.value)
    assert left_in(tmp_path) == {name: content for name, content in expected.items() if name[9] not in "23"}


def test_a_mistake_on_another_machine_is_the_same_sentence(cluster: Any, tmp_path: Path) -> None:
    worker = SmallFiles(tmp_path, mistaken=(0,))
    with RayActors(1) as executor, pytest.raises(TargetError, match="tiny: got an embedding that is not finite"):
        work_off(executor, worker, worker.shards(2))


def test_a_folder_that_not_every_node_sees_is_refused(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actors, "_write_word", lambda path, word: None)
    worker = SmallFiles(tmp_path)
    with RayActors(1) as executor, pytest.raises(RunError, match="got 2 of 2 nodes whose files do not arrive here: "):
        work_off(executor, worker, worker.shards(2))
    assert not list(tmp_path.iterdir())


def test_a_node_that_is_lost_in_the_middle_loses_nothing(
    cluster: Any, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    """The raylet of the second node is killed, and with it its actor, which works on a shard that waits for that."""
    worker = SmallFiles(tmp_path, waiting=(2,))
    raylet = next(iter(cluster.worker_nodes)).all_processes["raylet"][0].process

    def kill() -> None:
        while len(list(tmp_path.glob("part-*.parquet"))) < 2:
            pass
        os.kill(raylet.pid, signal.SIGKILL)
        (tmp_path / "go on").touch()

    killer = Thread(target=kill)
    with RayActors(2) as executor:
        killer.start()
        work_off(executor, worker, worker.shards(SHARDS))
        killer.join()
    assert raylet.poll() is not None
    assert left_in(tmp_path) == expected
