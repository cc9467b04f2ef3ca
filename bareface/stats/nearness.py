"""Which vectors of one set may lie near which of another, without forming all products.

Both sets are looked at along the few directions in which they differ most, and along one more: how long the rest of
each vector is. What two rests contribute to a product is at most the product of their lengths (Cauchy and Schwarz), so
a product along these few axes bounds the full one from above, and distances along them bound the full ones from below.
One set is halved again and again at the median of its widest axis; each part keeps of the other set what is within
reach of its box; the last parts and what they kept are compared as small matrix products.

Nothing that is near can be missed. What is given is a superset, to be decided by whoever asks. Memory is that of the
axes and one block; time falls below that of all products by as much as the vectors are concentrated in few directions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bareface.stats.matching import Report, Rows, Vectors

AXES, SAMPLE = 16, 10_000
LEAF, BLOCK, BATCH = 256, 1024, 65_536
_SPLIT = 6
"""How many of the leading axes boxes have: with more of them parts get slender along none."""
_SLACK = 1e-4
"""Far beyond what 32 bits lose in a product of unit vectors."""

Pairs = tuple[Rows, Rows]


@dataclass(frozen=True)
class Axes:
    """The directions in which vectors differ most.

    Attributes:
        basis: (d, k) orthonormal columns.
    """

    basis: Vectors

    @classmethod
    def of(cls, sample: Vectors) -> "Axes":
        """Those of (n, d) vectors, the widest first; at most `AXES`."""
        moments = np.zeros((sample.shape[1], sample.shape[1]))
        for start in range(0, len(sample), BLOCK):
            part = sample[start : start + BLOCK].astype(np.float64)
            moments += part.T @ part
        return cls(np.linalg.eigh(moments)[1][:, ::-1][:, :AXES].astype(np.float32))

    def places(self, vectors: Vectors, rows: Rows, change: Callable[[Vectors], Vectors] | None = None) -> Vectors:
        """(k + 1, n) where some rows lie along the axes, and below it how long the rest of each is.

        Args:
            vectors: (m, d), of length 1 at most.
            rows: n of them.
            change: is applied to a block of them before it is looked at.
        """
        count = self.basis.shape[1]
        found = np.empty((count + 1, len(rows)), np.float32)
        for start in range(0, len(rows), BLOCK):
            block = vectors[rows[start : start + BLOCK]]
            block = block if change is None else change(block)
            along = block @ self.basis
            columns = slice(start, start + len(block))
            found[:count, columns] = along.T
            found[count, columns] = np.linalg.norm(block - along @ self.basis.T, axis=1)
        return found


def evenly(count: int, most: int = SAMPLE) -> Rows:
    """At most `most` of `count` rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.intp))


def candidates(first: Vectors, second: Vectors, least: float, *, report: Report | None = None) -> Iterator[Pairs]:
    """Pairs of columns whose vectors may have a product of at least `least`, in batches; no such pair is missing.

    Args:
        first, second: (k + 1, n) and (k + 1, m) from `Axes.places`, of the same axes.
        least: of the products of the full vectors.
        report: called with (done, total) columns of `first`.
    """
    if first.shape[1] and second.shape[1]:
        yield from _batches(_near(first, second, least - _SLACK, report))


def _near(first: Vectors, second: Vectors, least: float, report: Report | None) -> Iterator[Pairs]:
    """Pairs whose bound is high enough, block by block."""
    room = np.empty(LEAF * BLOCK, np.float32)
    total = first.shape[1]
    reach = float(np.square(first).sum(0).max() + np.square(second).sum(0).max()) - 2 * least
    done = 0
    for rows, columns in _parts(first, second, max(reach, 0.0), np.arange(total), np.arange(second.shape[1])):
        part = np.ascontiguousarray(first[:, rows].T)
        for start in range(0, len(columns), BLOCK):
            block = columns[start : start + BLOCK]
            bound = room[: len(rows) * len(block)]
            np.matmul(part, second.take(block, axis=1), out=bound.reshape(len(rows), len(block)))
            row, column = np.divmod(np.flatnonzero(bound >= least), len(block))
            yield rows[row], block[column]
        done += len(rows)
        if report is not None:
            report(done, total)


def _parts(first: Vectors, second: Vectors, reach: float, rows: Rows, columns: Rows) -> Iterator[Pairs]:
    """Small parts of `first`, each with what of `second` is within reach of its box; `reach` is a squared distance."""
    if len(rows) <= LEAF or not len(columns):
        yield rows, _within(first, second, reach, rows, columns)
        return
    box = first[:_SPLIT].take(rows, axis=1)
    axis = int(box.std(axis=1).argmax())
    half = len(rows) // 2
    order = np.argpartition(box[axis], half)
    for part in (order[:half], order[half:]):
        place, margin = second[axis].take(columns), reach**0.5
        inside = (place >= box[axis, part].min() - margin) & (place <= box[axis, part].max() + margin)
        yield from _parts(first, second, reach, rows[part], columns[inside])


def _within(first: Vectors, second: Vectors, reach: float, rows: Rows, columns: Rows) -> Rows:
    """The columns of `second` that are within reach of the box around some of `first`."""
    distance = np.zeros(len(columns), np.float32)
    for inside, outside in zip(first[:_SPLIT], second[:_SPLIT], strict=True):
        place, edge = outside.take(columns), inside.take(rows)
        distance += np.square(place - place.clip(edge.min(), edge.max()))
    return columns[distance <= reach]


def _batches(pairs: Iterator[Pairs]) -> Iterator[Pairs]:
    """The same pairs, about `BATCH` at a time and never more."""
    held, count = [], 0
    for pair in pairs:
        held.append(np.stack(pair))
        count += len(pair[0])
        if count >= BATCH:
            yield from _cut(held)
            held, count = [], 0
    if count:
        yield from _cut(held)


def _cut(held: list[Rows]) -> Iterator[Pairs]:
    together = np.concatenate(held, axis=1)
    for start in range(0, together.shape[1], BATCH):
        first, second = together[:, start : start + BATCH]
        yield first, second
