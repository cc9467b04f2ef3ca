"""A perceptual hash: 255 signs of the slow cosine waves in a picture, which recompression and resizing hardly change.

The grey picture, 32 x 32, is taken apart into cosines (DCT-II); bit (u, v) says whether wave u down, v across is
positive, for u, v < 16 without the mean. A mirror image turns the signs of the waves with odd v, so its hash needs no
second look. Pictures without contrast all have one hash; whoever compares hashes looks at the pixels too.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bareface.faces.decode import fit

BITS, BYTES = 255, 32
_SIDE, _WAVES = 32, 16

Hashes = NDArray[np.uint8]


def perceptual_hash(image: Image.Image) -> Hashes:
    """(32,) the bits of an RGB image's centre square, packed."""
    grey = np.asarray(Image.fromarray(fit(image, _SIDE, _SIDE)).convert("L"), dtype=np.float64)
    waves = _cosines() @ grey @ _cosines().T
    return np.packbits(waves.ravel()[1:] > 0)


def signs(hashes: Hashes) -> NDArray[np.float32]:
    """(n, 255) the bits of n hashes as -1 and 1: a product of two is 255 less twice the bits that differ."""
    bits = np.unpackbits(hashes, axis=1, count=BITS)
    return bits.astype(np.float32) * 2 - 1


def mirrored(waves: NDArray[np.float32]) -> NDArray[np.float32]:
    """The signs of the mirror images."""
    return waves * _parity()


def differing(first: Hashes, second: Hashes) -> NDArray[np.uint16]:
    """(n,) how many bits differ between n hashes and n others."""
    words = np.bitwise_count(_words(first) ^ _words(second))
    found: NDArray[np.uint16] = words.sum(axis=1, dtype=np.uint16)
    return found


def mirrored_hashes(hashes: Hashes) -> Hashes:
    """(n, 32) the hashes of the mirror images."""
    return hashes ^ np.packbits(_parity() < 0)


@cache
def _cosines() -> NDArray[np.float64]:
    """(waves, side) the first rows of the DCT-II."""
    wave, place = np.arange(_WAVES)[:, None], np.arange(_SIDE)
    cosines: NDArray[np.float64] = np.cos(np.pi * wave * (place + 0.5) / _SIDE)
    return cosines


@cache
def _parity() -> NDArray[np.float32]:
    """(255,) -1 for waves that a mirror turns over."""
    return np.tile(np.where(np.arange(_WAVES) % 2, -1, 1), _WAVES)[1:].astype(np.float32)


def _words(hashes: Hashes) -> NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)
