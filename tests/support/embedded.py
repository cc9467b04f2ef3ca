"""Tables of embeddings, which are targets that take no time."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def save_table(path: Path, embeddings: np.ndarray, images: Iterable[str]) -> None:
    """Write (n, d) embeddings as `.npy` and, beside it, which image each row is of: a name or a digest."""
    np.save(path, embeddings.astype(np.float32))
    path.with_suffix(".csv").write_text("image,view\n" + "".join(f"{one},image\n" for one in images))


def save_foreign_table(folder: Path, images: Iterable[str], seed: int = 1) -> Path:
    """A table of drawn numbers for `--foreign`: a control that knows nobody and needs no passes through a network."""
    names, path = tuple(images), folder / "foreign.npy"
    save_table(path, np.random.default_rng(seed).normal(size=(len(names), 8)), names)
    return path
