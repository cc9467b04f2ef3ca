"""How the search for near-duplicates grows, and that it gives what comparing all pairs gives.

python -m benchmarks.speed.near_duplicates_growth           rendered faces; 20,000 checked on all pairs, then 100,000
python -m benchmarks.speed.near_duplicates_growth --lfw --images 1000000  from real faces (needs the shared folder)
python -m benchmarks.speed.near_duplicates_growth --only 500000         no comparison with all pairs

Two sets of so many images each. Rendering a million faces takes days, so each image is a mixture of two faces, either
of them mirrored or not, with noise: mixtures are more alike than faces are, so there is more to compare, not less.
One image of a hundred in the second set is a copy of one in the first, every other of them mirrored.
"""

import argparse
import resource
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bareface.auditing.overlap.near_duplicates import LEAST_SIMILARITY, MOST_BITS, Pictures, near_duplicates
from bareface.faces.decode import fit
from bareface.faces.perceptual import BITS, _cosines, mirrored, signs
from bareface.stats.matching import Matches, matches
from benchmarks.speed.near_duplicates import real, rendered

Grey = NDArray[np.float32]
_PART = 4096


def all_pairs(first: Pictures, second: Pictures) -> set[tuple[int, int, bool]]:
    """The oracle: (row, row, mirrored) of every near-duplicate, all hashes compared with all; digests play no part."""
    waves, others = signs(first.hashes), signs(second.hashes)
    turned = second.thumbnail.reshape(-1, 16, 16)[:, :, ::-1].reshape(-1, 256)
    plain = _alike(matches(waves, others, BITS - 2 * MOST_BITS), first.thumbnail, second.thumbnail)
    mirror = _alike(matches(waves, mirrored(others), BITS - 2 * MOST_BITS), first.thumbnail, turned)
    return {(*pair, False) for pair in plain} | {(*pair, True) for pair in mirror - plain}


def _alike(found: Matches, first: Grey, second: Grey) -> set[tuple[int, int]]:
    similarity = np.einsum("nd,nd->n", first[found.first], second[found.second])
    found = found.take(similarity >= LEAST_SIMILARITY)
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


def reduced(images: Sequence[Image.Image], side: int) -> Grey:
    """(n, side, side) the grey levels that hashes (32) and thumbnails (16) are made of."""
    return np.stack([np.asarray(Image.fromarray(fit(image, side, side)).convert("L"), np.float32) for image in images])


def mixed(large: Grey, small: Grey, count: int, name: str, rng: np.random.Generator) -> Pictures:
    """Images between two faces each.

    Args:
        large, small: from `reduced`, 32 and 16 pixels.
        count: how many.
        name: makes their digests others than those of other sets.
        rng: draws the faces and the noise.
    """
    thumbnail, hashes = np.empty((count, 256), np.float32), np.empty((count, 32), np.uint8)
    waves = _cosines().astype(np.float32)
    for start in range(0, count, _PART):
        rows = slice(start, min(start + _PART, count))
        size = rows.stop - start
        pick, flip = rng.integers(0, len(large), (2, size)), rng.random((2, size, 1, 1)) < 0.5
        share = rng.uniform(0.3, 0.7, (size, 1, 1)).astype(np.float32)
        pixels, levels = (
            share * np.where(flip[0], faces[pick[0], :, ::-1], faces[pick[0]])
            + (1 - share) * np.where(flip[1], faces[pick[1], :, ::-1], faces[pick[1]])
            + noise * rng.standard_normal((size, *faces.shape[1:]), dtype=np.float32)
            for faces, noise in ((large, 3.0), (small, 1.5))
        )
        hashes[rows] = np.packbits((waves @ pixels @ waves.T).reshape(size, -1)[:, 1:] > 0, axis=1)
        thumbnail[rows] = _normal(levels.reshape(size, -1))
    return Pictures(_names(name, count), hashes, thumbnail)


def planted(first: Pictures, second: Pictures, rng: np.random.Generator) -> Pictures:
    """The second set with copies from the first in every hundredth place, every other copy mirrored."""
    rows = np.arange(0, len(second), 100)
    source = rng.choice(len(first), len(rows), replace=False)
    copies = first.thumbnail[source] + 0.005 * rng.standard_normal((len(rows), 256), dtype=np.float32)
    bits = np.unpackbits(first.hashes[source], axis=1, count=BITS) ^ (rng.random((len(rows), BITS)) < 0.05)
    copies[::2] = copies[::2].reshape(-1, 16, 16)[:, :, ::-1].reshape(-1, 256)
    bits[::2] ^= (mirrored(np.ones((1, BITS), np.float32)) < 0).astype(np.uint8)
    second.thumbnail[rows], second.hashes[rows] = _normal(copies), np.packbits(bits, axis=1)
    return second


def _normal(levels: Grey) -> Grey:
    centred = levels - levels.mean(axis=1, keepdims=True)
    normal: Grey = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return normal


def _names(name: str, count: int) -> NDArray[np.str_]:
    return np.array([f"{name}{row:063x}" for row in range(count)])


def main() -> None:
    """Print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lfw", action="store_true")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--only", type=int)
    asked = parser.parse_args()
    images = real()[0] if asked.lfw else rendered(700, 3, 48)[0]
    large, small = reduced(images, 32), reduced(images, 16)
    sizes = [n for n in (20_000, 100_000, 1_000_000) if n <= asked.images] if asked.only is None else [asked.only]
    for size in sizes:
        rng = np.random.default_rng(size)
        first = mixed(large, small, size, "a", rng)
        second = planted(first, mixed(large, small, size, "b", rng), rng)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        found = near_duplicates(first, second)
        spent, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{size:,} x {size:,}: {spent:.1f} CPU s, {len(found):,} near-duplicates ({int(found.mirror.sum()):,} "
            f"mirrored); peak {peak / 2**20:.2f} GiB, {before / 2**20:.2f} GiB before",
            flush=True,
        )
        if size == 20_000 and asked.only is None:
            start = time.process_time()
            equal = all_pairs(first, second) == set(
                zip(found.first.tolist(), found.second.tolist(), found.mirror.tolist(), strict=True)
            )
            print(f"  all pairs: {time.process_time() - start:.1f} CPU s, equal: {equal}", flush=True)


if __name__ == "__main__":
    main()
