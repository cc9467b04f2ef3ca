"""Which of many vectors are near which others: all pairs, compared block by block as matrix products.

Memory is that of one block and of what was found; time is that of the product.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.errors import UsageError

BLOCK, MOST_MATCHES = 4096, 5_000_000

Vectors = NDArray[np.float32]
Rows = NDArray[np.intp]
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Matches:
    """Pairs of rows and their products, the largest first.

    Attributes:
        first, second: (k,) rows.
        product: (k,).
    """

    first: Rows
    second: Rows
    product: Vectors

    def __len__(self) -> int:
        """How many."""
        return len(self.first)

    def take(self, rows: NDArray[np.bool_] | Rows) -> "Matches":
        """Some of them, in the order given."""
        return Matches(self.first[rows], self.second[rows], self.product[rows])


def matches(first: Vectors, second: Vectors, threshold: float, *, report: Report | None = None) -> Matches:
    """All pairs of a row of `first` and a row of `second` with a product of at least `threshold`.

    Args:
        first, second: (n, d) and (m, d).
        threshold: pairs below it are forgotten.
        report: called with (done, total) blocks.

    Raises:
        UsageError: there are more than five million.
    """
    found = [(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32))]
    kept = 0
    for top, left, product in _blocks(first, second, report):
        rows, columns = np.nonzero(product >= threshold)
        found.append((rows + top, columns + left, product[rows, columns]))
        kept += len(rows)
        if kept > MOST_MATCHES:
            got = f"more than {MOST_MATCHES:,} pairs at or above {threshold:.3g}"
            raise UsageError("matching", got=got, expected="fewer", hint="a higher threshold, or removing duplicates")
    a, b, value = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((b, a, -value))
    return Matches(a[order], b[order], value[order])


def largest_products(vectors: Vectors, count: int, *, report: Report | None = None) -> NDArray[np.float64]:
    """The `count` largest products of two different rows, each pair once, falling; all where there are fewer."""
    kept = np.empty(0, dtype=np.float32)
    floor = -np.inf
    for top, left, product in _blocks(vectors, vectors, report, upper=True):
        if top == left:
            product[np.tril_indices(len(product))] = -np.inf
        kept = np.concatenate([kept, product[product > floor]])
        if len(kept) >= count:
            kept = np.partition(kept, len(kept) - count)[len(kept) - count :]
            floor = float(kept.min())
    return np.sort(kept.astype(np.float64))[::-1]


def median_product(vectors: Vectors, most: int = 1000) -> float:
    """The median of the products of two different rows, of at most `most` rows evenly spaced.

    Args:
        vectors: (n, d), n >= 2.
        most: rows looked at.
    """
    some = vectors[np.unique(np.linspace(0, len(vectors) - 1, min(most, len(vectors))).round().astype(np.intp))]
    return float(np.median((some @ some.T)[np.triu_indices(len(some), 1)]))


def _blocks(
    first: Vectors, second: Vectors, report: Report | None, upper: bool = False
) -> Iterator[tuple[int, int, Vectors]]:
    """(row, column, products) of each block; with `upper` only those on and above the diagonal."""
    tops, lefts = range(0, len(first), BLOCK), range(0, len(second), BLOCK)
    places = [(top, left) for top in tops for left in lefts if not upper or top <= left]
    for done, (top, left) in enumerate(places, start=1):
        yield top, left, first[top : top + BLOCK] @ second[left : left + BLOCK].T
        if report is not None:
            report(done, len(places))
