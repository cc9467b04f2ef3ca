"""Probing by other processes: the same bytes as in this one, whatever is asked and whoever is killed."""

import os
import re
import signal
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from killed import A_LONG_WAIT
from torch import nn

from bareface.errors import RunError
from bareface.faces.images import RosterImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.estimated import estimate
from bareface.probing.job import JobFolder, hand_over
from bareface.probing.negative_classes import negative_classes
from bareface.probing.probe import load_trace, plan, probe
from bareface.rosters.roster import read_folder
from bareface.settings.spec import ImageSpec
from bareface.shards.executor import INLINE, Executor
from bareface.shards.processes import Processes
from bareface.storage.files import sha256_of
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.target import Target
from bareface.trace import Channel
from bareface.vocabulary import Role

SIDE, PEOPLE, PHOTOS, PART = 32, 10, 4, 8
EVERYTHING = frozenset(Channel)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> RosterImages:
    folder = tmp_path_factory.mktemp("faces")
    write_folder(folder, people=PEOPLE, images=PHOTOS, size=SIDE, seed=3)
    return RosterImages(read_folder(folder, Role.PUBLIC), SIDE, SIDE)


def backbone(seed: int = 0) -> Target:
    torch.manual_seed(seed)
    spec = ImageSpec(SIDE, SIDE)
    module = build("ir-tiny", spec=spec, embedding_size=16)
    for _ in range(2):
        module(torch.randn(4, 3, SIDE, SIDE))
    return Target("small", "ir-tiny", module, spec, centres=torch.randn(5, 16))


def prober_of(target: Target, images: RosterImages, channels: frozenset[Channel]) -> BackboneProber:
    compared = estimate(BackboneProber(target).watched(), images) if Channel.ESTIMATED_DISTANCE in channels else None
    others = negative_classes(target, images) if Channel.MARGIN_GRADIENT in channels else None
    return BackboneProber(target, compared, channels, others)


def probed(
    folder: Path, images: RosterImages, executor: Executor = INLINE, channels: frozenset[Channel] = frozenset()
) -> dict[str, str]:
    """Digests of all that a probing leaves."""
    prober = prober_of(backbone(), images, channels)
    digests = np.array([f"{row:064x}" for row in range(len(images))])
    home = probe(prober, images, plan(prober, digests, part_size=PART), folder, executor=executor)
    assert len(load_trace(home).image) == len(images)
    return {path.name: sha256_of(path) for path in home.iterdir()}


@pytest.mark.parametrize("channels", [frozenset(), EVERYTHING], ids=["usual", "everything"])
def test_two_processes_leave_the_bytes_of_one(
    tmp_path: Path, images: RosterImages, channels: frozenset[Channel]
) -> None:
    alone = probed(tmp_path / "alone", images, channels=channels)
    with Processes(2) as executor:
        together = probed(tmp_path / "together", images, executor, channels)
    assert together == alone
    assert len([name for name in alone if name.endswith(".parquet")]) == PEOPLE * PHOTOS // PART


def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path: Path, images: RosterImages) -> None:
    alone = probed(tmp_path / "alone", images)
    with Processes(2) as executor:
        killer = Thread(target=kill_one, args=(executor, tmp_path / "together"))
        killer.start()
        together = probed(tmp_path / "together", images, executor)
        killer.join(A_LONG_WAIT)
    assert together == alone


def kill_one(executor: Processes, folder: Path) -> None:
    """Kill a process while it works on a shard: it has given a sign of life."""
    while not list(folder.glob("*/job/beat-*")):
        pass
    os.kill(executor.pids()[0], signal.SIGKILL)


def test_a_job_is_gone_when_its_trace_is_there(tmp_path: Path, images: RosterImages) -> None:
    with Processes(1) as executor:
        probed(tmp_path, images, executor)
    assert not list(tmp_path.glob("*/job"))


def test_a_job_that_was_changed_is_refused(tmp_path: Path, images: RosterImages) -> None:
    job = handed(tmp_path, backbone(), images)
    content = (job.folder / "job.json").read_text()
    (job.folder / "job.json").write_text(re.sub('"batch_size": [0-9]+', '"batch_size": 5', content))
    with pytest.raises(RunError, match=r"got a job of the key .* as job.json says\. Try: the same vers"), job.opened():
        pass
    (job.folder / "job.json").write_text("{}")
    with pytest.raises(RunError, match=r"got no job.json that can be read \(ValidationError\)"), job.opened():
        pass


def handed(folder: Path, target: Target, images: RosterImages) -> JobFolder:
    prober = BackboneProber(target)
    job = hand_over(prober, images, plan(prober, np.array([str(row) for row in range(len(images))])), folder)
    assert job is not None
    return job


def test_a_backbone_that_its_weights_do_not_tell_is_asked_here(
    tmp_path: Path, images: RosterImages, caplog: pytest.LogCaptureFixture
) -> None:
    """The same weights, another forward pass: what workers would load is not what was audited."""

    class Louder(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.__dict__["inner"] = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * self.inner(x)

        def state_dict(self, *given: object, **more: object) -> dict[str, torch.Tensor]:  # type: ignore[override]
            return self.inner.state_dict()

    target = backbone()
    louder = Target("louder", "ir-tiny", Louder(target.module.eval()), target.spec)
    prober = BackboneProber(louder)
    todo = plan(prober, np.array([str(row) for row in range(len(images))]))
    assert hand_over(prober, images, todo, tmp_path) is None
    assert "louder is asked in this process: louder: got a backbone that is not what its weights" in caplog.text
    assert not list(tmp_path.iterdir())
