"""Asking a prober about many images once: a trace in a folder, made by whoever is there to make its parts.

A killed probe resumes where it was. The folder's name is the digest of everything the numbers depend on.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bareface.errors import RunError
from bareface.faces.source import Images
from bareface.probing.job import forget, hand_over
from bareface.probing.parts import ProbePlan as ProbePlan
from bareface.probing.parts import Probing, Progress, answers
from bareface.probing.parts import plan as plan
from bareface.probing.prober import Prober
from bareface.shards.executor import INLINE, Executor
from bareface.shards.ledger import Receipt, Shard, work_off
from bareface.storage.artefacts import Fit, fit_of, write_artefact
from bareface.storage.files import remove_stale
from bareface.storage.folders import subfolder
from bareface.trace import Channel, FloatArray, Layer, Trace


def probe(
    prober: Prober,
    images: Images,
    todo: ProbePlan,
    folder: Path,
    report: Progress | None = None,
    executor: Executor = INLINE,
) -> Path:
    """Ask the prober about every image once; returns the trace's own folder below `folder`.

    Parts of this very trace that are there already and fit their digests are not probed again.

    Args:
        prober: who is asked.
        images: about whom.
        todo: from `plan`.
        folder: where the trace's folder goes.
        report: called with (done, total) images.
        executor: who asks; the parts are the same bytes, whoever does.

    Raises:
        TargetError: an embedding is not finite.
        RunError: the folder cannot be written, or the one around it is gone, or a shard was given up.
    """
    home = subfolder(subfolder(folder) / todo.key)
    remove_stale(home)
    missing = [shard for shard in todo.shards(home) if not shard.is_done()]
    handed = hand_over(prober, images, todo, home) if missing and executor.elsewhere else None
    if handed is None:
        work_off(INLINE, Probing(prober, images, todo, home, report), missing)
    else:
        work_off(executor, handed, missing, _counting(todo, missing, report))
    if report is not None:
        report(len(todo.digests), len(todo.digests))
    write_artefact(home / "trace.json", _describe(todo), of=todo.key)
    forget(home)
    return home


def _counting(todo: ProbePlan, missing: list[Shard], report: Progress | None) -> Callable[[Receipt], None]:
    """Progress in images, by receipts that come in any order."""
    total = len(todo.digests)
    done = total - sum(len(todo.parts()[shard.number]) for shard in missing)

    def count(receipt: Receipt) -> None:
        nonlocal done
        done += receipt.rows
        if report is not None:
            report(done, total)

    return count


def asked_at_once(prober: Prober, images: Images, todo: ProbePlan) -> Trace:
    """What the prober says about every image, kept in memory and nowhere else.

    Raises:
        TargetError: an embedding is not finite.
    """
    offer = todo.offer
    with prober.asked() as ask:
        told = answers(ask, images, np.arange(len(todo.digests)), todo, prober.name, None)
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


def _describe(todo: ProbePlan) -> str:
    facts = {
        "key": todo.key,
        "images": len(todo.digests),
        **todo.facts(),
        "shapes": {str(name): shape for name, shape in todo.offer.shapes.items()},
        "batch_size": todo.batch_size,
    }
    return json.dumps(facts, indent=1) + "\n"


def _as_array(column: pa.ChunkedArray, shape: tuple[int, ...]) -> FloatArray:
    chunks = [np.asarray(chunk.flatten()) for chunk in column.chunks]
    flat: FloatArray = np.concatenate(chunks) if chunks else np.empty(0, np.float32)
    return flat.reshape(len(column), *shape)
