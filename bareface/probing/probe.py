"""The one batch loop: images in, a trace out, in parts that are whole or absent.

Each part holds a fixed number of images and is written atomically, so a killed probe resumes where it was and
memory does not grow with the number of images. The folder's name is the digest of everything the numbers depend on.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.errors import RunError, TargetError
from bareface.faces.source import Images
from bareface.probing.bank import BANK_SCHEMA
from bareface.probing.prober import Ask, Batch, Prober, ProbeSpec
from bareface.storage.artefacts import Fit, artefact_path, fit_of, is_sound, write_artefact
from bareface.storage.files import remove_stale
from bareface.storage.folders import subfolder
from bareface.trace import Channel, FloatArray, Layer, Trace

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


def plan(
    prober: Prober, digests: NDArray[np.str_], *, batch_size: int | None = None, part_size: int | None = None
) -> ProbePlan:
    """Find out what the prober can answer and what the trace will depend on; sizes as the prober likes them best."""
    offer = prober.offer
    return ProbePlan(digests, offer, batch_size or offer.batch_size, part_size or offer.part_size)


def probe(prober: Prober, images: Images, todo: ProbePlan, folder: Path, report: Progress | None = None) -> Path:
    """Ask the prober about every image once; returns the trace's own folder below `folder`.

    Parts of this very trace that are there already and fit their digests are not probed again.

    Raises:
        TargetError: an embedding is not finite.
        RunError: the folder cannot be written, or the one around it is gone.
    """
    home = subfolder(subfolder(folder) / todo.key)
    remove_stale(home)
    with prober.asked() as ask:
        for number, rows in enumerate(todo.parts()):
            path = home / f"part-{number:05d}.parquet"
            if not is_sound(path, of=todo.key):
                answers = _answers(ask, images, rows, todo, prober.name, report)
                _write_part(path, todo.digests[rows], answers, todo.key)
            if report is not None:
                report(int(rows[-1]) + 1, len(todo.digests))
    write_artefact(home / "trace.json", _describe(todo), of=todo.key)
    return home


def asked_at_once(prober: Prober, images: Images, todo: ProbePlan) -> Trace:
    """What the prober says about every image, kept in memory and nowhere else.

    Raises:
        TargetError: an embedding is not finite.
    """
    offer = todo.offer
    with prober.asked() as ask:
        told = _answers(ask, images, np.arange(len(todo.digests)), todo, prober.name, None)
    return Trace(
        todo.digests, np.arange(len(todo.digests)), told, offer.views, offer.layers, offer.measured, offer.bank,
        offer.weighted,
    )  # fmt: skip


def load_trace(home: Path, channels: Iterable[Channel] | None = None) -> Trace:
    """The trace in a folder that is named by its key, all its channels or some of them.

    Raises:
        RunError: the folder holds no finished trace, or one that is damaged or in the wrong folder.
    """
    card, parts = home / "trace.json", sorted(home.glob("part-*.parquet"))
    for path in (card, *parts):
        _refuse_unfit(path)
    facts = json.loads(card.read_text())
    shapes = {Channel(name): tuple(shape) for name, shape in facts["shapes"].items()}
    wanted = list(shapes) if channels is None else [channel for channel in channels if channel in shapes]
    table = pa.concat_tables([pq.read_table(part, columns=["image", *wanted]) for part in parts])
    if len(table) != facts["images"]:
        raise RunError(str(home), got=f"{len(table)} images in the parts", expected=f"{facts['images']}")
    values = {name: _as_array(table[name], shapes[name]) for name in wanted}
    layers, measured, weighted = (
        tuple(Layer(**layer) for layer in facts.get(name, ())) for name in ("layers", "measured", "weighted")
    )
    views, bank = tuple(facts["views"]), tuple(facts.get("bank", ()))
    image = np.array(table["image"].to_pylist(), dtype=str)
    return Trace(image, np.arange(len(image)), values, views, layers, measured, bank, weighted)


def _refuse_unfit(path: Path) -> None:
    fit = fit_of(path, of=path.parent.name)
    if fit is not Fit.SOUND:
        got = f"no {path.name}" if fit is Fit.ABSENT else f"{path.name} {fit.value}"
        raise RunError(str(path.parent), got=got, expected="a finished trace", hint="probe again; it resumes")


def _answers(
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


def _describe(todo: ProbePlan) -> str:
    facts = {
        "key": todo.key,
        "images": len(todo.digests),
        **_facts(todo.offer),
        "shapes": {str(name): shape for name, shape in todo.offer.shapes.items()},
        "batch_size": todo.batch_size,
    }
    return json.dumps(facts, indent=1) + "\n"


def _facts(offer: ProbeSpec) -> dict[str, object]:
    facts: dict[str, object] = {"views": offer.views, "target": offer.target}
    facts["layers"] = [asdict(layer) for layer in offer.layers]
    for name in ("measured", "weighted"):
        if getattr(offer, name):
            facts[name] = [asdict(layer) for layer in getattr(offer, name)]
    if offer.bank:
        facts |= {"bank": offer.bank, "bank_schema": BANK_SCHEMA}
    return facts


def _as_array(column: pa.ChunkedArray, shape: tuple[int, ...]) -> FloatArray:
    chunks = [np.asarray(chunk.flatten()) for chunk in column.chunks]
    flat: FloatArray = np.concatenate(chunks) if chunks else np.empty(0, np.float32)
    return flat.reshape(len(column), *shape)
