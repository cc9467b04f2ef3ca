"""Fitting linear faces to photos: principal components, turned to where people and photos vary independently."""

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.faces.source import Images
from bareface.inversion.eigenfaces.generator import Eigenfaces
from bareface.streams import seed_for

Array = NDArray[np.float64]

COMPONENTS = 100
# Photos of one person are few: no direction is taken for the person's alone, or the photo's alone.
LEAST, MOST = 0.02, 0.98
_BATCH = 256


def fit_eigenfaces(
    images: Images,
    person: NDArray[np.str_],
    *,
    components: int = COMPONENTS,
    seed: int = 0,
    alignment: str = "unknown",
    licence: str = "unknown",
) -> Eigenfaces:
    """The linear generator of some photos and their mirror images.

    Args:
        images: n square photos.
        person: (n,) name of the person on each.
        components: k, directions.
        seed: of the randomised decomposition.
        alignment, licence: for reports.

    Raises:
        UsageError: there are fewer photos than directions, or nobody has two photos.
    """
    _check(len(images), person, components)
    photos = np.concatenate([images.load(rows).numpy() for rows in _batches(len(images))]).astype(np.float32) / 255
    shape = photos.shape[1:]
    mean = (photos + photos[..., ::-1]).mean(0).ravel() / 2
    both = np.concatenate([photos.reshape(len(photos), -1), photos[..., ::-1].reshape(len(photos), -1)]) - mean
    axes, deviation = _principal(both, components, seed)
    standard = (both @ axes.T / deviation).astype(np.float64).reshape(2, len(photos), components)
    share, turn = np.linalg.eigh(within(standard, person))
    directions = (turn.T * deviation) @ axes
    return Eigenfaces(
        torch.from_numpy(mean.reshape(shape)).float(),
        torch.from_numpy(directions.reshape(components, *shape)).float(),
        torch.from_numpy(np.clip(share, LEAST, MOST)).float(),
        alignment=alignment,
        licence=licence,
    )


def within(standard: Array, person: NDArray[np.str_]) -> Array:
    """(k, k) covariance among photos of one person, pooled over people.

    Args:
        standard: (v, n, k) coordinates of n photos in v views; photos are compared within a view.
        person: (n,) whose they are.
    """
    _, number, count = np.unique(person, return_inverse=True, return_counts=True)
    total = np.zeros((standard.shape[-1],) * 2)
    for view in standard:
        sums = np.zeros((len(count), view.shape[1]))
        np.add.at(sums, number, view)
        apart = view - (sums / count[:, None])[number]
        total += apart.T @ apart
    return np.asarray(total / (len(standard) * (count - 1).sum()))


def _principal(centred: NDArray[np.float32], components: int, seed: int) -> tuple[NDArray[np.float32], Array]:
    """(k, p) orthonormal axes, and (k,) standard deviations along them."""
    from sklearn.utils.extmath import randomized_svd

    _, singular, axes = randomized_svd(centred, components, n_iter=4, random_state=seed_for(seed, "eigenfaces") % 2**32)
    return axes.astype(np.float32), singular / np.sqrt(len(centred))


def _batches(n: int) -> list[NDArray[np.intp]]:
    return [np.arange(start, min(start + _BATCH, n)) for start in range(0, n, _BATCH)]


def _check(photos: int, person: NDArray[np.str_], components: int) -> None:
    if photos <= components:
        raise UsageError("eigenfaces", got=f"{photos} photos", expected=f"more than {components}, one a direction")
    if len(np.unique(person)) == photos:
        raise UsageError(
            "eigenfaces",
            got=f"{photos} people with one photo each",
            expected="some people with several photos: what changes from photo to photo is not the person",
            hint="folders person/image.jpg",
        )
