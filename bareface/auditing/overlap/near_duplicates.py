"""One picture in two places: the same bytes, or the same picture again, perhaps recompressed, resized or mirrored.

Two pictures are near-duplicates when their hashes differ in at most 45 of 255 bits **and** their 16 x 16 thumbnails
correlate with at least .95. Measured with `python -m benchmarks.speed.near_duplicates --lfw`:

- different people called one picture: 0 of 8.8 million pairs of rendered faces at 48 pixels, 0 of 8.8 million at 112,
  2 of 23.5 million pairs of real faces (LFW, grey, 112 pixels), and those two are one photo under two names;
- copies found, of 1,000 real faces: all that were recompressed (JPEG quality 30), resized (a third to 1.4 times),
  blurred, mirrored, or of another contrast or gamma; 99.7 % of those brighter by 30 %; cropped by 1 % a side 100 %, by
  2 % 91 %, shifted by 2 of 112 pixels 95 %, turned by 2 degrees 95 %. Cropped by 4 % a side: 1 %. Other alignments of
  one photo are for a recogniser to find.

Which pairs may be near-duplicates is found along the few directions in which thumbnails differ most (`nearness`); each
of those is decided as if all pairs were compared, by its hashes bit for bit and then by its whole thumbnails. Mirror
images are looked for as the mirrored second set. `python -m benchmarks.speed.near_duplicates_growth` compares with all
pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.faces.examine import Examination
from bareface.faces.perceptual import BITS, differing, mirrored_hashes
from bareface.records.overlap import SharedPictures
from bareface.stats.matching import MOST_MATCHES, Report
from bareface.stats.nearness import Axes, Pairs, candidates, evenly

MOST_BITS, LEAST_SIMILARITY = 45, 0.95
RULE = (
    f"the same bytes, or perceptual hashes that differ in at most {MOST_BITS} of {BITS} bits and thumbnails that "
    f"correlate with at least {LEAST_SIMILARITY:g}; mirror images count"
)
_SIDE = 16

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Pictures:
    """n images as they are compared without any model.

    Attributes:
        digest: (n,) SHA-256 of the files.
        hashes: (n, 32) perceptual hashes.
        thumbnail: (n, 256) as in `Examination`.
    """

    digest: NDArray[np.str_]
    hashes: NDArray[np.uint8]
    thumbnail: NDArray[np.float32]

    def __len__(self) -> int:
        """How many."""
        return len(self.digest)

    def take(self, rows: NDArray[np.bool_] | Rows) -> "Pictures":
        """Some of them."""
        return Pictures(self.digest[rows], self.hashes[rows], self.thumbnail[rows])


def pictures_of(examination: Examination) -> Pictures:
    """The usable images of an examination."""
    return Pictures(examination.digest, examination.hashes, examination.thumbnail)


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of images, one of each of two sets, that are one picture.

    Attributes:
        first, second: (k,) rows; of files with the same bytes on one side only the first is named.
        exact: (k,) whether the bytes are the same.
        mirror: (k,) whether one is the mirror image of the other.
    """

    first: Rows
    second: Rows
    exact: NDArray[np.bool_]
    mirror: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many."""
        return len(self.first)

    def everywhere(
        self, first: NDArray[np.str_], second: NDArray[np.str_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which images of either side are concerned, further files with the same bytes among them; from the digests."""
        return np.isin(first, first[self.first]), np.isin(second, second[self.second])

    def record(self, first: str, second: str, concerned: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> SharedPictures:
        """The counts.

        Args:
            first, second: what the sides are called.
            concerned: from `everywhere`.
        """
        return SharedPictures(
            first=first,
            second=second,
            exact=int(self.exact.sum()),
            near=int((~self.exact).sum()),
            mirrored=int(self.mirror.sum()),
            first_images=int(concerned[0].sum()),
            second_images=int(concerned[1].sum()),
        )


def near_duplicates(first: Pictures, second: Pictures, *, report: Report | None = None) -> NearDuplicates:
    """The pictures that two sets have in common.

    Args:
        first, second: the sets.
        report: called with (done, total) pictures of `first`, each of which is looked for as it is and mirrored.

    Raises:
        UsageError: there are more than five million near-duplicates, or more than five million mirror images.
    """
    # Files with the same bytes are compared once, and pictures of one brightness not at all: they all look alike.
    one, other = (np.unique(pictures.digest, return_index=True)[1] for pictures in (first, second))
    _, *same = np.intersect1d(first.digest[one], second.digest[other], assume_unique=True, return_indices=True)
    exact = np.stack([one[same[0]], other[same[1]]])
    one, other = (rows[pictures.thumbnail[rows].any(1)] for rows, pictures in ((one, first), (other, second)))
    near, mirror = _near(first, second, one, other, report)
    fresh = first.digest[near[0]] != second.digest[near[1]]
    rows = np.concatenate([exact, near[:, fresh]], axis=1)
    mirrors = np.append(np.zeros(exact.shape[1], dtype=bool), mirror[fresh])
    return NearDuplicates(rows[0], rows[1], np.arange(rows.shape[1]) < exact.shape[1], mirrors)


def _near(
    first: Pictures, second: Pictures, one: Rows, other: Rows, report: Report | None
) -> tuple[Rows, NDArray[np.bool_]]:
    """(2, k) near-duplicates among some rows, and which are mirror images; a pair that is both counts as it is."""
    sample = np.concatenate([first.thumbnail[one[evenly(len(one))]], second.thumbnail[other[evenly(len(other))]]])
    axes = Axes.of(np.concatenate([sample, _turned(sample)]))
    here = axes.places(first.thumbnail, one)
    found = []
    for turn in (False, True):
        there = axes.places(second.thumbnail, other, _turned if turn else None)
        pairs = candidates(here, there, LEAST_SIMILARITY, report=_shifted(report, turn * len(one)))
        found.append(_decided(first, second, ((one[a], other[b]) for a, b in pairs), turn))
    plain, turned = found
    keys = (pair[0] * len(second) + pair[1] for pair in found)
    turned = turned[:, ~np.isin(*reversed([*keys]))]
    return np.concatenate([plain, turned], axis=1), np.arange(plain.shape[1] + turned.shape[1]) >= plain.shape[1]


def _decided(first: Pictures, second: Pictures, pairs: Iterator[Pairs], turn: bool) -> Rows:
    """(2, k) those pairs that are near-duplicates, the most alike hashes first."""
    hashes = mirrored_hashes(second.hashes) if turn else second.hashes
    found, kept = [np.empty((3, 0), np.intp)], 0
    for rows in map(np.stack, pairs):
        bits = differing(first.hashes[rows[0]], hashes[rows[1]])
        rows, bits = rows[:, bits <= MOST_BITS], bits[bits <= MOST_BITS]
        alike = _similarity(first, second, rows, turn) >= LEAST_SIMILARITY
        found.append(np.stack([bits[alike], *rows[:, alike]]))
        kept += found[-1].shape[1]
        if kept > MOST_MATCHES:
            raise UsageError(
                "comparing pictures",
                got=f"more than {MOST_MATCHES:,} pairs of near-duplicates",
                expected="fewer",
                hint="removing duplicates within a set first: frames of one film, one picture under many names",
            )
    together = np.concatenate(found, axis=1)
    return together[1:, np.lexsort(together[::-1])]


def _similarity(first: Pictures, second: Pictures, rows: Rows, turn: bool) -> NDArray[np.float32]:
    """(n,) how the thumbnails of pairs correlate."""
    there = second.thumbnail[rows[1]]
    found: NDArray[np.float32] = np.einsum("nd,nd->n", first.thumbnail[rows[0]], _turned(there) if turn else there)
    return found


def _turned(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    return thumbnail.reshape(-1, _SIDE, _SIDE)[:, :, ::-1].reshape(len(thumbnail), _SIDE**2)


def _shifted(report: Report | None, before: int) -> Report | None:
    """A report over both passes, from one of them."""
    return None if report is None else lambda done, total: report(before + done, 2 * total)
