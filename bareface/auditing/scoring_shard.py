"""One shard of a scoring: images decoded once, asked, scored, forgotten; three files are left."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from bareface.auditing.as_audited import examined_as_audited
from bareface.auditing.calibration import Calibration
from bareface.auditing.images import images_for
from bareface.auditing.scorer import Scorer
from bareface.auditing.yardstick import NOBODY, Scored, Yardstick
from bareface.faces.contents import Contents
from bareface.faces.decode import FlawedImage, fit, picture_of, thread_count
from bareface.faces.examine import Reject
from bareface.faces.source import ArrayImages, Images
from bareface.probing.kinds import prober_of
from bareface.probing.probe import asked_at_once, plan
from bareface.rosters.grouping import rows_of
from bareface.rosters.roster import Roster
from bareface.shards.ledger import Receipt, Shard, Work
from bareface.storage.artefacts import artefact_path
from bareface.streams import seed_for
from bareface.trace import Trace

KINDS = ("images", "people", "rejects")
Rows = NDArray[np.intp]
Columns = dict[str, Any]


@dataclass(frozen=True, eq=False)
class ScoringWork:
    """Who scores, shard by shard.

    Attributes:
        scorer: from `scorer_of`.
        roster: everybody.
        lots: rows of each shard, whole people.
        folder: where the scores go.
        keys: of each shard, of all that its scores depend on.
    """

    scorer: Scorer
    roster: Roster
    lots: Sequence[Rows]
    folder: Path
    keys: Sequence[str]

    def shard(self, number: int) -> Shard:
        """The files of a shard."""
        return Shard(number, tuple(self.folder / f"{kind}-{number:05d}.parquet" for kind in KINDS), self.keys[number])

    @contextmanager
    def opened(self) -> Iterator[Work]:
        """Packs stay open, with their indices, while the block runs."""
        contents = Contents()

        def work(number: int) -> Receipt:
            shard = self.shard(number)
            _score_shard(self.scorer, self.roster.take(self.lots[number]), contents, shard)
            return shard.written()

        yield work


@dataclass(frozen=True, eq=False)
class _Seen:
    """The usable images of a shard, their digests, where their pixels are, and what cannot be used."""

    roster: Roster
    digest: NDArray[np.str_]
    images: Images
    rejects: tuple[Reject, ...]


def _score_shard(scorer: Scorer, roster: Roster, contents: Contents, shard: Shard) -> None:
    seen = _seen(scorer.calibration, roster, contents)
    trace = _asked(scorer, seen) if len(seen.digest) else None
    who = dict(zip(roster.image, roster.subject.tolist(), strict=True))
    rejected = {"image": [one.image for one in seen.rejects], "person": [who[one.image] for one in seen.rejects]}
    rejected |= {name: [getattr(one, name) for one in seen.rejects] for name in ("reason", "detail")}
    columns = (_images(scorer.by_image, seen, trace), _people(scorer, seen, trace), rejected)
    for path, kind, values in zip(shard.paths, KINDS, columns, strict=True):
        with artefact_path(path, of=shard.key) as temporary:
            pq.write_table(pa.table(values, schema=_SCHEMAS[kind]), temporary, compression="zstd")


_SCORES = [("score", pa.float64()), ("fpr", pa.float64()), ("in_audit", pa.bool_())]
_SCHEMAS = {
    "images": pa.schema([("image", pa.string()), ("person", pa.string()), *_SCORES]),
    "people": pa.schema([("person", pa.string()), ("photos", pa.int64()), ("used", pa.int64()), *_SCORES]),
    "rejects": pa.schema([(name, pa.string()) for name in ("image", "person", "reason", "detail")]),
}


def _seen(calibration: Calibration, roster: Roster, contents: Contents) -> _Seen:
    """Every image decoded once; of raw photos the faces, as the audit cut them out."""
    config, spec = calibration.config, calibration.target.spec
    if config.get("detect"):
        return _cut_out(calibration, roster)
    with ThreadPoolExecutor(thread_count()) as pool:
        looked = list(pool.map(partial(_look_at, contents, roster.root, (spec.height, spec.width)), roster.image))
    usable = [row for row, one in enumerate(looked) if not isinstance(one, FlawedImage)]
    kept = [one for one in looked if not isinstance(one, FlawedImage)]
    rejects = tuple(
        Reject(name, "", one.flaw.value, one.detail)
        for name, one in zip(roster.image, looked, strict=True)
        if isinstance(one, FlawedImage)
    )
    pixels = np.stack([one for _, one in kept]) if kept else np.empty((0, spec.height, spec.width, 3), np.uint8)
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    digest = np.array([digest for digest, _ in kept], dtype="U64")
    return _Seen(roster.take(np.array(usable, np.intp)), digest, ArrayImages(tensor), rejects)


def _cut_out(calibration: Calibration, roster: Roster) -> _Seen:
    """The faces of raw photos, which are forgotten afterwards."""
    with TemporaryDirectory() as folder:
        found = examined_as_audited(roster, calibration.config, Path(folder))
        pixels = images_for(calibration.target, found.accepted).load(np.arange(len(found.accepted)))
    return _Seen(roster.take(_rows_of(roster, found.accepted)), found.digest, ArrayImages(pixels), found.rejects)


def _rows_of(roster: Roster, some: Roster) -> Rows:
    """The rows of images that were cut out of others; they keep the names of their photos."""
    row = {name: number for number, name in enumerate(roster.image)}
    return np.array([row[name] for name in some.image], dtype=np.intp)


def _look_at(
    contents: Contents, root: Path, size: tuple[int, int], name: str
) -> tuple[str, NDArray[np.uint8]] | FlawedImage:
    try:
        content = contents.read(root / name)
        return hashlib.sha256(content).hexdigest(), fit(picture_of(content, name).image, *size)
    except FlawedImage as flawed:
        return flawed


def _asked(scorer: Scorer, seen: _Seen) -> Trace:
    """What the target answers, asked as the audit asked; every image is a photo set of its own."""
    reads = frozenset().union(*(one.leak.attack.reads() for one in scorer.yardsticks))
    prober = prober_of(scorer.calibration.target, seen.roster.image, seen.digest.tolist(), reads)
    todo = plan(prober, seen.digest, batch_size=scorer.calibration.config["batch_size"])
    return asked_at_once(prober, seen.images, todo)


def _images(yardstick: Yardstick | None, seen: _Seen, trace: Trace | None) -> Columns:
    nothing = np.full(len(seen.digest), np.nan)
    scored, known = Scored(nothing, nothing), np.zeros(len(seen.digest), bool)
    if yardstick is not None and trace is not None:
        scored, known = yardstick.images(trace), yardstick.known(trace.image)[0] != NOBODY
    return {"image": list(seen.roster.image), "person": seen.roster.subject.tolist(), **_columns(scored, known)}


def _people(scorer: Scorer, seen: _Seen, trace: Trace | None) -> Columns:
    """Everybody of a shard, by name; photos with the same bytes count once."""
    groups = list(rows_of(seen.roster.subject).items())
    used, score, fpr = np.zeros(len(groups), np.int64), np.full(len(groups), np.nan), np.full(len(groups), np.nan)
    known = np.zeros(len(groups), bool)
    yardstick = scorer.by_person
    if yardstick is not None and trace is not None:
        chosen = [_chosen(yardstick, scorer.calibration.config["seed"], seen, rows) for _, rows in groups]
        used = np.array([len(rows) for rows in chosen])
        for photos in np.unique(used[used > 0]).tolist():
            who = np.flatnonzero(used == photos)
            rows = np.concatenate([chosen[number] for number in who.tolist()])
            scored = yardstick.people(trace.take(rows).with_photo_set(np.repeat(who, photos).astype(np.int64)), photos)
            score[who], fpr[who] = scored.score, scored.fpr
        on_photos = yardstick.known(trace.image)[0] != NOBODY
        known = np.array([on_photos[rows].any() for _, rows in groups], dtype=bool)
    photos_of = [len(rows) for _, rows in groups]
    names = [str(name) for name, _ in groups]
    return {"person": names, "photos": photos_of, "used": used, **_columns(Scored(score, fpr), known)}


def _chosen(yardstick: Yardstick, seed: int, seen: _Seen, rows: Rows) -> Rows:
    """As many photos of a person as most strangers have, by lot; none where there are too few."""
    once = rows[np.sort(np.unique(seen.digest[rows], return_index=True)[1])]
    photos = max((level for level in yardstick.levels if level <= len(once)), default=0)
    if len(once) == photos or not photos:
        return once[:photos]
    lots = [seed_for(seed, "photos to score", seen.roster.image[row]) for row in once.tolist()]
    return np.sort(once[np.argsort(lots, kind="stable")[:photos]])


def _columns(scored: Scored, known: NDArray[np.bool_]) -> Columns:
    """Scores as Parquet has them: what is unknown is null."""
    values = {name: pa.array(getattr(scored, name), from_pandas=True) for name in ("score", "fpr")}
    return {**values, "in_audit": known}
