"""A scoring as a folder that any process can work on: which audit, which images in which shards, the backbone.

job/job.json        the run, the game, and the keys of the shards
job/images.parquet  image, subject, shard
job/backbone.*      as `bareface.targets.store` writes them

Nothing in it is code; a backbone that is not the audited one is refused. It goes when all is scored.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bareface.auditing.calibration import read_calibration
from bareface.auditing.scorer import scorer_of
from bareface.auditing.scoring_shard import ScoringWork
from bareface.errors import RunError
from bareface.records.record import Record
from bareface.rosters.roster import Roster
from bareface.shards.heartbeat import beating
from bareface.shards.ledger import Receipt, Work
from bareface.storage.artefacts import artefact_path, write_artefact
from bareface.storage.folders import subfolder
from bareface.targets.device import device_of
from bareface.targets.handed import is_handed
from bareface.targets.kinds import device_under
from bareface.targets.store import load_target
from bareface.untrusted.regular import content_of
from bareface.vocabulary import Game, Role

JOB, CARD, IMAGES = "job", "job.json", "images.parquet"
_MOST_CARD = 1 << 20


class ScoringJob(Record):
    """What stands in `job.json`.

    run: the audit. root: what image paths are relative to. game: the only one that counts. keys: of the shards.
    """

    run: str
    root: str
    device: str
    game: Game | None
    keys: tuple[str, ...]


@dataclass(frozen=True)
class ScoringFolder:
    """A worker that travels: all that it knows is where its job lies.

    Attributes:
        folder: of the job, in the folder of the scores.
    """

    folder: Path

    @contextmanager
    def opened(self) -> Iterator[Work]:
        """The audit read back and the backbone loaded while the block runs.

        Raises:
            RunError: the job or the audit cannot be read, or shows no leak any more.
        """
        with self._work().opened() as score:

            def work(number: int) -> Receipt:
                with beating(self.folder, number):
                    return score(number)

            yield work

    def forget(self) -> None:
        """Remove the job; the scores stay."""
        shutil.rmtree(self.folder)

    def _work(self) -> ScoringWork:
        job = ScoringJob.model_validate_json(content_of(self.folder / CARD, _MOST_CARD))
        target = load_target(self.folder).on(device_of(job.device))
        scorer = scorer_of(read_calibration(Path(job.run), target), job.game)
        if scorer is None:
            raise RunError(job.run, got="an audit that shows no leak", expected="the one that the job was made for")
        listed = pq.read_table(self.folder / IMAGES)
        image, subject, shard = (listed[name] for name in ("image", "subject", "shard"))
        names, anybody = np.array(subject.to_pylist(), dtype=str), np.full(len(listed), str(Role.PUBLIC))
        roster = Roster(Path(job.root), tuple(image.to_pylist()), names, anybody)
        edges = np.flatnonzero(np.diff(shard.to_numpy())) + 1
        return ScoringWork(scorer, roster, np.split(np.arange(len(listed)), edges), self.folder.parent, job.keys)


def hand_over_scoring(work: ScoringWork) -> ScoringFolder | None:
    """Write a scoring down for other processes; None, and a word about it, where it can only be done in this one.

    Raises:
        RunError: the folder cannot be written.
    """
    folder = subfolder(work.folder / JOB)
    if not is_handed(work.scorer.calibration.target, folder, "everything is scored in this process"):
        return None
    _write(work, folder)
    return ScoringFolder(folder)


def _write(work: ScoringWork, folder: Path) -> None:
    roster = work.roster.take(np.concatenate(work.lots))
    shard = np.repeat(np.arange(len(work.lots)), [len(rows) for rows in work.lots])
    listed = pa.table({"image": list(roster.image), "subject": roster.subject.tolist(), "shard": shard})
    with artefact_path(folder / IMAGES) as temporary:
        pq.write_table(listed, temporary, compression="zstd")
    calibration = work.scorer.calibration
    job = ScoringJob(
        run=str(calibration.run.absolute()),
        root=str(roster.root.absolute()),
        device=str(device_under(calibration.target)),
        game=work.scorer.game,
        keys=tuple(work.keys),
    )
    write_artefact(folder / CARD, job.model_dump_json(indent=1) + "\n")
