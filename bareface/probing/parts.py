"""The one batch loop: images in, answers out, in parts that are whole or absent.

A part holds a fixed number of images and is written atomically, so memory does not grow with the number of images.
It is the shard that workers take: whoever makes it, its bytes are the same.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.errors import TargetError
from bareface.faces.source import Images
from bareface.probing.bank import BANK_SCHEMA
from bareface.probing.prober import Ask, Batch, Prober, ProbeSpec
from bareface.shards.ledger import Receipt, Shard, Work
from bareface.storage.artefacts import artefact_path
from bareface.trace import Channel, FloatArray

# Raise it when a change of the code changes the numbers.
CODE_SCHEMA = 4

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ProbePlan:
    """What a trace depends on.

    Attributes:
        digests: (n,) content digests of the images.
        offer: what the prober will answer.
        batch_size: images in one forward pass (each with its flip); it changes the last bits.
        part_size: images in one part file.
    """

    digests: NDArray[np.str_]
    offer: ProbeSpec
    batch_size: int
    part_size: int

    @property
    def key(self) -> str:
        """Digest of all of it and of the code's schema, in hexadecimal."""
        facts = {
            "schema": CODE_SCHEMA,
            **_facts(self.offer),
            "shapes": {str(name): shape for name, shape in sorted(self.offer.shapes.items())},
            "batch_size": self.batch_size,
            "part_size": self.part_size,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        digest.update("\n".join(self.digests.tolist()).encode())
        return digest.hexdigest()[:24]

    def parts(self) -> list[NDArray[np.intp]]:
        """The row numbers of each part."""
        rows = np.arange(len(self.digests))
        return [rows[start : start + self.part_size] for start in range(0, len(rows), self.part_size)]

    def shards(self, home: Path) -> list[Shard]:
        """The files of the parts in the trace's folder."""
        return shards_of(len(self.digests), self.part_size, home, self.key)

    def facts(self) -> dict[str, object]:
        """What the answers are, as the card of a trace says it."""
        return _facts(self.offer)


def shards_of(images: int, part_size: int, home: Path, key: str) -> list[Shard]:
    """The files of the parts of so many images in a trace's folder, all of the trace's key."""
    count = -(-images // part_size)
    return [Shard(number, (home / f"part-{number:05d}.parquet",), key) for number in range(count)]


def plan(
    prober: Prober, digests: NDArray[np.str_], *, batch_size: int | None = None, part_size: int | None = None
) -> ProbePlan:
    """Find out what the prober can answer and what the trace will depend on; sizes as the prober likes them best."""
    offer = prober.offer
    return ProbePlan(digests, offer, batch_size or offer.batch_size, part_size or offer.part_size)


@dataclass(frozen=True, eq=False)
class Probing:
    """Who asks a prober part by part.

    Attributes:
        prober: who is asked.
        images: about whom.
        todo: what for.
        folder: the trace's own.
        report: called with (done, total) images after each batch.
    """

    prober: Prober
    images: Images
    todo: ProbePlan
    folder: Path
    report: Progress | None = None

    @contextmanager
    def opened(self) -> Iterator[Work]:
        """Hooks, sessions or connections are there while the block runs.

        Raises:
            TargetError: in the block: an embedding is not finite.
        """
        parts, shards = self.todo.parts(), self.todo.shards(self.folder)
        with self.prober.asked() as ask:

            def work(number: int) -> Receipt:
                rows, shard = parts[number], shards[number]
                told = answers(ask, self.images, rows, self.todo, self.prober.name, self.report)
                _write_part(shard.paths[0], self.todo.digests[rows], told, shard.key)
                return shard.written()

            yield work


def answers(
    ask: Ask, images: Images, rows: NDArray[np.intp], todo: ProbePlan, name: str, report: Progress | None
) -> dict[Channel, FloatArray]:
    """What the prober says about the images of one part, batch by batch."""
    told = []
    for batch in (rows[i : i + todo.batch_size] for i in range(0, len(rows), todo.batch_size)):
        told.append(ask(Batch(todo.digests[batch], images, batch)))
        if not np.isfinite(told[-1][Channel.EMBEDDING]).all():
            raise TargetError(name, got="an embedding that is not finite", expected="numbers", hint="check its weights")
        if report is not None:
            report(int(batch[-1]) + 1, len(todo.digests))
    return {channel: np.concatenate([answer[channel] for answer in told]) for channel in todo.offer.shapes}


def _write_part(path: Path, digests: NDArray[np.str_], answers: dict[Channel, FloatArray], key: str) -> None:
    columns: dict[str, pa.Array] = {"image": pa.array(digests.tolist())}
    for channel, values in answers.items():
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        columns[str(channel)] = pa.FixedSizeListArray.from_arrays(flat, values[0].size)
    # Floats hardly compress, and trying takes longer than writing them.
    with artefact_path(path, of=key) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="none", use_dictionary=False)


def _facts(offer: ProbeSpec) -> dict[str, object]:
    facts: dict[str, object] = {"views": offer.views, "target": offer.target}
    facts["layers"] = [asdict(layer) for layer in offer.layers]
    for name in ("measured", "weighted"):
        if getattr(offer, name):
            facts[name] = [asdict(layer) for layer in getattr(offer, name)]
    if offer.bank:
        facts |= {"bank": offer.bank, "bank_schema": BANK_SCHEMA}
    return facts
