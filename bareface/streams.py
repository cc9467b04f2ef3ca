"""Named random streams from one root seed.

A stream depends on its name alone, never on the order in which streams are drawn, so adding a draw in one
place changes no number in another.
"""

import hashlib
import json

import numpy as np


def seed_for(root: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called `names` under the root seed."""
    digest = hashlib.sha256(json.dumps([root, *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(root: int, *names: str | int) -> np.random.Generator:
    """The NumPy generator of the stream called `names` under the root seed."""
    return np.random.default_rng(seed_for(root, *names))
