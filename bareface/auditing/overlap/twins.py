"""One picture in two places: the same bytes, or the same picture again, perhaps recompressed, resized or mirrored.

Two pictures are near-duplicates when their hashes differ in at most 45 of 255 bits **and** their 16 x 16 thumbnails
correlate with at least .95. Measured with `python -m benchmarks.twins --lfw`:

- different people called one picture: 0 of 8.8 million pairs of rendered faces at 48 pixels, 0 of 8.8 million at 112,
  2 of 23.5 million pairs of real faces (LFW, grey, 112 pixels), and those two are one photo under two names;
- copies found, of 1,000 real faces: all that were recompressed (JPEG quality 30), resized (a third to 1.4 times),
  blurred, mirrored, or of another contrast or gamma; 99.7 % of those brighter by 30 %; cropped by 1 % a side 100 %, by
  2 % 91 %, shifted by 2 of 112 pixels 95 %, turned by 2 degrees 95 %. Cropped by 4 % a side: 1 %. Other alignments of
  one photo are for a recogniser to find.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.faces.examine import Examination
from bareface.faces.perceptual import BITS, mirrored, signs
from bareface.overlap_record import SharedPictures
from bareface.stats.matching import Matches, Report, matches

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
class Twins:
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


def twins(first: Pictures, second: Pictures, *, report: Report | None = None) -> Twins:
    """The pictures that two sets have in common.

    Raises:
        UsageError: there are more than five million pairs with similar hashes.
    """
    # Files with the same bytes are compared once, and pictures of one brightness not at all: they all look alike.
    one, other = (np.unique(pictures.digest, return_index=True)[1] for pictures in (first, second))
    _, *same = np.intersect1d(first.digest[one], second.digest[other], assume_unique=True, return_indices=True)
    exact = np.stack([one[same[0]], other[same[1]]])
    one, other = (rows[pictures.thumbnail[rows].any(1)] for rows, pictures in ((one, first), (other, second)))
    near, mirror = _near(first.take(one), second.take(other), report)
    fresh = first.digest[one[near.first]] != second.digest[other[near.second]]
    found = np.stack([one[near.first], other[near.second]])[:, fresh]
    rows = np.concatenate([exact, found], axis=1)
    mirrors = np.append(np.zeros(exact.shape[1], dtype=bool), mirror[fresh])
    return Twins(rows[0], rows[1], np.arange(rows.shape[1]) < exact.shape[1], mirrors)


def _near(first: Pictures, second: Pictures, report: Report | None) -> tuple[Matches, NDArray[np.bool_]]:
    """Near-duplicates, and which of them are mirror images; a pair that is both counts as it is."""
    waves, others = signs(first.hashes), signs(second.hashes)
    least = BITS - 2 * MOST_BITS
    plain = _alike(matches(waves, others, least, report=report), first.thumbnail, second.thumbnail)
    turned = _alike(matches(waves, mirrored(others), least, report=report), first.thumbnail, _turned(second.thumbnail))
    known = set(zip(plain.first.tolist(), plain.second.tolist(), strict=True))
    new = [pair not in known for pair in zip(turned.first.tolist(), turned.second.tolist(), strict=True)]
    turned = turned.take(np.array(new, dtype=bool))
    both = Matches(*(np.append(getattr(plain, name), getattr(turned, name)) for name in ("first", "second", "product")))
    return both, np.arange(len(both)) >= len(plain)


def _alike(found: Matches, first: NDArray[np.float32], second: NDArray[np.float32]) -> Matches:
    similarity = np.einsum("nd,nd->n", first[found.first], second[found.second])
    return found.take(similarity >= LEAST_SIMILARITY)


def _turned(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    return thumbnail.reshape(-1, _SIDE, _SIDE)[:, :, ::-1].reshape(len(thumbnail), _SIDE**2)
