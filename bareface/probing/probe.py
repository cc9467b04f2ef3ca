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
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.errors import RunError, TargetError
from bareface.faces.source import Images
from bareface.files import atomic_path, remove_stale, write_text
from bareface.probing.taps import Reduction, Taps, tapped
from bareface.targets.target import Target
from bareface.trace import BN_CHANNELS, Channel, FloatArray, Layer, Trace

# Raise it when a change of the code changes the numbers.
CODE_SCHEMA = 2
VIEWS = ("image", "flip")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a trace depends on.

    Attributes:
        digests: (n,) content digests of the images.
        layers: the BatchNorm layers to be tapped.
        shapes: for each channel the shape of one image's answer.
        target: fingerprint of the target.
        batch_size: images in one forward pass (each with its flip); it changes the last bits.
        part_size: images in one part file.
    """

    digests: NDArray[np.str_]
    layers: tuple[Layer, ...]
    shapes: dict[Channel, tuple[int, ...]]
    target: str
    batch_size: int
    part_size: int

    @property
    def key(self) -> str:
        """Digest of all of it and of the code's schema, in hexadecimal."""
        facts = {
            "schema": CODE_SCHEMA,
            "views": VIEWS,
            "target": self.target,
            "layers": [asdict(layer) for layer in self.layers],
            "shapes": {str(name): shape for name, shape in sorted(self.shapes.items())},
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


def visible_layers(target: Target) -> tuple[Layer, ...]:
    """The BatchNorm layers that a forward pass goes through, in the order in which they run."""
    grey = torch.full((1, 3, target.spec.height, target.spec.width), 128, dtype=torch.uint8, device=target.device)
    with torch.inference_mode(), tapped(target.module) as taps:
        target.embed(grey)
        names = list(taps.seen)
    modules = dict(target.module.named_modules())
    return tuple(Layer(name, int(modules[name].num_features)) for name in names)


def plan(target: Target, digests: NDArray[np.str_], *, batch_size: int = 16, part_size: int = 2048) -> Plan:
    """Find out what the target can answer and what the trace will depend on."""
    layers = visible_layers(target)
    shapes: dict[Channel, tuple[int, ...]] = {Channel.EMBEDDING: (len(VIEWS), target.embedding_size)}
    if layers:
        shapes |= {channel: (len(VIEWS), len(layers)) for channel in BN_CHANNELS}
    if target.centres is not None:
        shapes[Channel.CLASS_COSINE] = (len(VIEWS),)
    return Plan(digests, layers, shapes, target.sha256, batch_size, part_size)


def probe(target: Target, images: Images, todo: Plan, folder: Path, report: Progress | None = None) -> Path:
    """Probe every image and its flip once; returns the trace's own folder below `folder`.

    Parts that are there already are not probed again.

    Raises:
        TargetError: an embedding is not finite.
        RunError: the folder cannot be written.
    """
    home = folder / todo.key
    home.mkdir(parents=True, exist_ok=True)
    remove_stale(home)
    done = 0
    with torch.inference_mode(), tapped(target.module) as taps:
        reduction = Reduction.of(taps.layers, todo.layers) if todo.layers else None
        for number, rows in enumerate(todo.parts()):
            path = home / f"part-{number:05d}.parquet"
            if not path.exists():
                batches = (rows[i : i + todo.batch_size] for i in range(0, len(rows), todo.batch_size))
                answers = _answer(target, images, batches, taps, reduction, todo, report)
                _write_part(path, todo.digests[rows], answers)
            done += len(rows)
            if report is not None:
                report(done, len(todo.digests))
    write_text(home / "trace.json", _describe(todo))
    return home


def load_trace(home: Path, channels: Iterable[Channel] | None = None) -> Trace:
    """The trace in a folder, all its channels or some of them.

    Raises:
        RunError: the folder holds no finished trace.
    """
    card = home / "trace.json"
    if not card.is_file():
        raise RunError(str(home), got="no trace.json", expected="a finished trace", hint="probe again; it resumes")
    facts = json.loads(card.read_text())
    shapes = {Channel(name): tuple(shape) for name, shape in facts["shapes"].items()}
    wanted = list(shapes) if channels is None else [channel for channel in channels if channel in shapes]
    table = pa.concat_tables(
        [pq.read_table(part, columns=["image", *wanted]) for part in sorted(home.glob("part-*.parquet"))]
    )
    if len(table) != facts["images"]:
        raise RunError(str(home), got=f"{len(table)} images in the parts", expected=f"{facts['images']}")
    values = {name: _as_array(table[name], shapes[name]) for name in wanted}
    layers = tuple(Layer(**layer) for layer in facts["layers"])
    image = np.array(table["image"].to_pylist(), dtype=str)
    return Trace(image, np.arange(len(image)), values, tuple(facts["views"]), layers)


def _answer(
    target: Target,
    images: Images,
    batches: Iterable[NDArray[np.intp]],
    taps: Taps,
    reduction: Reduction | None,
    todo: Plan,
    report: Progress | None,
) -> dict[Channel, FloatArray]:
    answers: dict[Channel, list[Tensor]] = {channel: [] for channel in todo.shapes}
    for rows in batches:
        for channel, values in _answer_batch(target, images.load(rows), taps, reduction).items():
            answers[channel].append(values)
        if report is not None:
            report(int(rows[-1]) + 1, len(todo.digests))
    return {channel: torch.cat(parts).numpy() for channel, parts in answers.items()}


def _answer_batch(target: Target, images: Tensor, taps: Taps, reduction: Reduction | None) -> dict[Channel, Tensor]:
    """Both views in one forward pass; each answer as (n, views, ...) float32 on the CPU."""
    taps.clear()
    pixels = target.spec.normalise(images.to(target.device))
    embedding = target.embed_normalised(torch.cat([pixels, pixels.flip(-1)])).float()
    if not torch.isfinite(embedding).all():
        raise TargetError(
            target.name, got="an embedding that is not finite", expected="numbers", hint="check its weights"
        )
    values = {Channel.EMBEDDING: embedding}
    if reduction is not None:
        values |= reduction.channels(taps.seen)
    if target.centres is not None:
        values[Channel.CLASS_COSINE] = class_cosine(embedding, target.centres)
    return {channel: torch.stack(value.chunk(len(VIEWS)), dim=1).cpu() for channel, value in values.items()}


def class_cosine(embedding: Tensor, centres: Tensor) -> Tensor:
    """(n,) largest cosine of each (n, d) embedding to a class centre (identities, d)."""
    directions = torch.nn.functional.normalize(centres.to(embedding), dim=1)
    return (torch.nn.functional.normalize(embedding, dim=1) @ directions.T).max(dim=1).values


def _write_part(path: Path, digests: NDArray[np.str_], answers: dict[Channel, FloatArray]) -> None:
    columns: dict[str, pa.Array] = {"image": pa.array(digests.tolist())}
    for channel, values in answers.items():
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        columns[str(channel)] = pa.FixedSizeListArray.from_arrays(flat, values[0].size)
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd", use_dictionary=False)


def _describe(todo: Plan) -> str:
    facts = {
        "key": todo.key,
        "images": len(todo.digests),
        "views": VIEWS,
        "layers": [asdict(layer) for layer in todo.layers],
        "shapes": {str(name): shape for name, shape in todo.shapes.items()},
        "target": todo.target,
        "batch_size": todo.batch_size,
    }
    return json.dumps(facts, indent=1) + "\n"


def _as_array(column: pa.ChunkedArray, shape: tuple[int, ...]) -> FloatArray:
    chunks = [np.asarray(chunk.flatten()) for chunk in column.chunks]
    flat: FloatArray = np.concatenate(chunks) if chunks else np.empty(0, np.float32)
    return flat.reshape(len(column), *shape)
