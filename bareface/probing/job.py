"""A probing as a folder that any process can work on: the backbone, where the images lie, what is asked.

job/job.json            what is asked, and the key that the answers will have
job/images.parquet      image, digest: row by row
job/backbone.*, head.*  as `bareface.targets.store` writes them
job/beside.safetensors  statistics and directions that some channels compare with, where they are asked for

Nothing in it is code. Whoever opens it computes the key of the answers anew from what it has read, so a folder that
was damaged or changed is refused. It goes when the trace is finished.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bareface.errors import RunError
from bareface.faces.images import RosterImages
from bareface.faces.source import Images
from bareface.probing.backbone import BackboneProber
from bareface.probing.estimated import Estimate
from bareface.probing.negative_classes import PublicDirections
from bareface.probing.parts import ProbePlan, Probing, plan, shards_of
from bareface.probing.prober import Prober
from bareface.records.record import Record
from bareface.rosters.roster import Roster
from bareface.shards.heartbeat import beating, heart_of
from bareface.shards.ledger import Receipt, Shard, Work
from bareface.storage.artefacts import artefact_path, write_artefact
from bareface.storage.folders import subfolder
from bareface.targets.device import device_of
from bareface.targets.handed import is_handed
from bareface.targets.store import load_target
from bareface.trace import Channel, Layer
from bareface.untrusted.regular import content_of
from bareface.vocabulary import Role

JOB, CARD, IMAGES, BESIDE = "job", "job.json", "images.parquet", "beside.safetensors"
_MOST_CARD = 1 << 24

_log = logging.getLogger(__name__)


class ProbeJob(Record):
    """What stands in `job.json`.

    key: of the answers. root: what image paths are relative to. layers: of the estimate, with their channels.
    """

    key: str
    root: str
    device: str
    channels: tuple[Channel, ...]
    batch_size: int
    part_size: int
    layers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class JobFolder:
    """A worker that travels: all that it knows is where its job lies.

    Attributes:
        folder: of the job, in the folder of its trace.
    """

    folder: Path

    @contextmanager
    def opened(self) -> Iterator[Work]:
        """The backbone loaded and hooked while the block runs.

        Raises:
            RunError: the job cannot be read, or is not what its key says.
            CheckpointError: its backbone cannot be read.
        """
        probing = self._probing()
        parts, heart = probing.todo.parts(), [heart_of(self.folder, 0)]

        def told(done: int, total: int) -> None:
            heart[0].beat(done)

        with replace(probing, report=told).opened() as ask:

            def work(number: int) -> Receipt:
                with beating(self.folder, number, int(parts[number][0])) as heart[0]:
                    return ask(number)

            yield work

    def shards(self) -> list[Shard]:
        """What there is to do, and to have done.

        Raises:
            RunError: the job cannot be read.
        """
        job, images = self._card(), pq.read_metadata(self.folder / IMAGES).num_rows
        return shards_of(images, job.part_size, self.folder.parent, job.key)

    def _probing(self) -> Probing:
        job = self._card()
        listed = pq.read_table(self.folder / IMAGES)
        names, digests = (listed[name].to_pylist() for name in ("image", "digest"))
        nobody, public = np.full(len(names), ""), np.full(len(names), str(Role.PUBLIC))
        target = load_target(self.folder).on(device_of(job.device))
        images = RosterImages(
            Roster(Path(job.root), tuple(names), nobody, public), target.spec.height, target.spec.width
        )
        beside = load_file(self.folder / BESIDE) if (self.folder / BESIDE).exists() else {}
        prober = BackboneProber(target, _estimate(job, beside), frozenset(job.channels), _strangers(beside))
        todo = plan(prober, np.array(digests, dtype=str), batch_size=job.batch_size, part_size=job.part_size)
        if todo.key != job.key:
            got, hint = f"a job of the key {todo.key}", "the same version of bareface and torch for every worker"
            raise RunError(str(self.folder), got=got, expected=f"{job.key}, as {CARD} says", hint=hint)
        return Probing(prober, images, todo, self.folder.parent)

    def _card(self) -> ProbeJob:
        path = self.folder / CARD
        try:
            return ProbeJob.model_validate_json(content_of(path, _MOST_CARD))
        except (OSError, ValidationError) as error:
            got, hint = f"no {CARD} that can be read ({type(error).__name__})", "the command that made it, once more"
            raise RunError(str(self.folder), got=got, expected="a job for workers", hint=hint) from error


def forget(home: Path) -> None:
    """Remove the job of a trace that is finished, where there was one."""
    if (home / JOB).is_dir():
        shutil.rmtree(home / JOB)


def hand_over(prober: Prober, images: Images, todo: ProbePlan, home: Path) -> JobFolder | None:
    """Write a probing down for other processes; None, and a word about it, where it can only be done in this one.

    Args:
        prober, images, todo: as for `probe`.
        home: the trace's own folder.

    Raises:
        RunError: the folder cannot be written.
    """
    if not isinstance(prober, BackboneProber) or not isinstance(images, RosterImages):
        _log.warning("%s is asked in this process: workers ask torch backbones about images on disk", prober.name)
        return None
    folder = subfolder(home / JOB)
    if not is_handed(prober.target, folder, f"{prober.name} is asked in this process"):
        return None
    _write(folder, prober, images, todo)
    return JobFolder(folder)


def _write(folder: Path, prober: BackboneProber, images: RosterImages, todo: ProbePlan) -> None:
    listed = pa.table({"image": list(images.roster.image), "digest": todo.digests.tolist()})
    with artefact_path(folder / IMAGES) as temporary:
        pq.write_table(listed, temporary, compression="zstd")
    estimate, beside = prober.estimate, dict[str, Tensor]()
    if estimate is not None:
        beside |= {"mean": estimate.mean, "variance": estimate.variance, "images": torch.tensor([estimate.images])}
    if prober.strangers is not None:
        beside["direction"] = prober.strangers.direction
    if beside:
        with artefact_path(folder / BESIDE) as temporary:
            save_file({name: value.detach().cpu().contiguous() for name, value in beside.items()}, temporary)
    job = ProbeJob(
        key=todo.key, root=str(images.roster.root.absolute()), device=str(prober.target.device),
        channels=tuple(sorted(prober.channels)), batch_size=todo.batch_size, part_size=todo.part_size,
        layers=() if estimate is None else tuple((layer.name, layer.channels) for layer in estimate.layers),
    )  # fmt: skip
    write_artefact(folder / CARD, job.model_dump_json(indent=1) + "\n")  # last: a job without it is none


def _estimate(job: ProbeJob, beside: dict[str, Tensor]) -> Estimate | None:
    if not job.layers:
        return None
    layers = tuple(Layer(name, channels) for name, channels in job.layers)
    return Estimate(layers, beside["mean"], beside["variance"], int(beside["images"]))


def _strangers(beside: dict[str, Tensor]) -> PublicDirections | None:
    return PublicDirections(beside["direction"]) if "direction" in beside else None
