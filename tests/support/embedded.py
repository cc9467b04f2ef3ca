"""Tables of embeddings, which are targets that take no time."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bareface.rosters.roster import Roster, read_folder, write_manifest
from bareface.synthetic import write_folder
from bareface.vocabulary import Role


def save_table(path: Path, embeddings: np.ndarray, images: Iterable[str]) -> None:
    """Write (n, d) embeddings as `.npy` and, beside it, which image each row is of: a name or a digest."""
    np.save(path, embeddings.astype(np.float32))
    path.with_suffix(".csv").write_text("image,view\n" + "".join(f"{one},image\n" for one in images))


def save_foreign_table(folder: Path, images: Iterable[str], seed: int = 1) -> Path:
    """A table of drawn numbers for `--foreign`: a control that knows nobody and needs no passes through a network."""
    names, path = tuple(images), folder / "foreign.npy"
    save_table(path, np.random.default_rng(seed).normal(size=(len(names), 8)), names)
    return path


def people_with_longer_members(folder: Path, members: int, strangers: int, unknown: int, photos: int) -> None:
    """Rendered people in `faces`, those whom an audit knows in `people.csv`, and two targets: `leaky.npy`, in which the
    embeddings of whoever was trained on are longer, and `quiet.npy`; and a table for `--foreign`.

    Of those whom no audit knows the second half was trained on.
    """
    everybody = members + strangers + unknown
    write_folder(folder / "faces", people=everybody, images=photos, size=16, seed=5)
    listed = read_folder(folder / "faces", Role.OUTSIDE)
    number = np.array([int(subject[1:]) for subject in listed.subject])
    image = tuple(f"faces/{name}" for name in listed.image)
    role = np.where(number < members, str(Role.MEMBER), str(Role.OUTSIDE))
    known = np.flatnonzero(number < members + strangers)
    write_manifest(Roster(folder, image, listed.subject, role).take(known), folder / "people.csv")
    trained = (number < members) | (number >= everybody - unknown // 2)
    plain = np.random.default_rng(0).normal(size=(len(image), 8))
    digests = [hashlib.sha256((folder / one).read_bytes()).hexdigest() for one in image]
    save_table(folder / "leaky.npy", plain * np.where(trained, 2.5, 1.0)[:, None], digests)
    save_table(folder / "quiet.npy", plain, digests)
    save_foreign_table(folder, digests)
