"""Length and direction of the mean of a person's embeddings.

What it tests:
Whether the embeddings of photos that a person brings together, even photos that were never trained on, add up to a
long vector that points away from everybody else: training gives each of its people a direction of their own, drives
photos of that person towards it, and drives the directions of its people apart. A stranger's photos fall between them.

What the attacker needs:
Only answers (black box), raw rather than normalised for the length, and exactly k photos of each person; better with
public people beside them. Best where training images of *other* people are known (partial): nobody else's
directions are then guessed at, they are seen.

How it works:
The embeddings of k photos and their flips are averaged. Features: the logarithm of the mean's length; with a gallery of
public people the length after subtracting their mean and dividing by their ridged covariance (ridge 1), and how far
two steps of mean shift among them (ridge 0.1, the nearest fortieth) move its direction: towards directions that
training left behind, strangers crowd. With known training images of other people: the cosine to the nearest of
their mean directions, and the means of the largest 3, 10 and 30.

Known limits:
Norms follow image quality: read it beside the blind baseline and the foreign model. The directions of known people
say much in partial knowledge and nothing in the others, where nobody is known: there it is a far weaker attack.

Reference:
None; class centres that repel each other are what margin losses make (ArcFace, Deng et al., arXiv 1801.07698).
"""

from collections.abc import Iterator
from dataclasses import dataclass as plain_dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, Beside
from bareface.membership.engine.features import fisher, log_length, unit
from bareface.membership.engine.gallery import Centres
from bareface.membership.families.photo_sets import Array, SetAttack, Sets
from bareface.trace import Channel, Trace, Trained

RIDGE, SHIFT_RIDGE = 1.0, 0.1
SHIFT_STEPS = 2
# Of the gallery, this share is what a direction shifts to the mean of, but never fewer than so many images.
SHIFT_SHARE, FEWEST = 1 / 40, 10
LARGEST = (1, 3, 10, 30)
SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class MeanDirection(SetAttack):
    """A few numbers of the mean embedding.

    Attributes:
        known_people: whether training images of other people are looked at, where some are known.
    """

    name: ClassVar[str] = "mean-direction"
    beside: ClassVar[frozenset[Beside]] = frozenset({"gallery", "trained"})

    known_people: bool = True

    def of_sets(self, trace: Trace, sets: Sets) -> Array:
        """(m, 1), with a gallery (m, 3), and with known people four more."""
        told = list(beside_gallery(trace, sets))
        if self.known_people and trace.trained is not None:
            told += beside_trained(trace, trace.trained, sets).T.tolist()
        return np.stack([np.asarray(column, dtype=np.float64) for column in told], axis=1)


def beside_gallery(trace: Trace, sets: Sets) -> Iterator[Array]:
    """(m,) log length of each set's mean; with a gallery, whitened length and how far it stays under mean shift."""
    mean = raw(trace)[sets].mean(1)
    yield log_length(mean)
    if trace.gallery is None or len(trace.gallery) < FEWEST:
        return
    public, photo_set = raw(trace.gallery), trace.gallery.photo_set
    own = trace.photo_set[sets[:, 0], None] == photo_set
    yield log_length(Whitening.of(public, RIDGE)(mean))
    white = Whitening.of(public, SHIFT_RIDGE)
    start = unit(white(mean))
    yield fisher((shifted(start, unit(white(public)), own) * start).sum(1))


def beside_trained(trace: Trace, trained: Trained, sets: Sets) -> Array:
    """(m, 4) means of the largest cosines of each set's mean direction to those of people known to be in training."""
    towards, centres = unit(unit(raw(trace))[sets].mean(1)), Centres.of(trained.trace)
    person = trained.person[sets[:, 0]]
    told = [_largest(cosine) for cosine in centres.cosines(towards, person)]
    return np.concatenate(told) if told else np.empty((0, len(LARGEST)))


def raw(trace: Trace) -> Array:
    """(n, d) embeddings, averaged over views."""
    return np.asarray(trace.channels[Channel.EMBEDDING].astype(np.float64).mean(1))


def shifted(direction: Array, crowd: Array, own: NDArray[np.bool_]) -> Array:
    """(m, d) where unit vectors come to lie after some steps to the mean direction of those nearest in a crowd (g, d).

    Args:
        direction: (m, d).
        crowd: (g, d).
        own: (m, g) who in the crowd stands aside.
    """
    nearest = min(max(FEWEST, round(SHIFT_SHARE * len(crowd))), len(crowd))
    for _ in range(SHIFT_STEPS):
        cosine = np.where(own, -np.inf, direction @ crowd.T)
        least = -np.partition(-cosine, nearest - 1, axis=1)[:, nearest - 1, None]
        direction = unit(np.where(np.isnan(least), np.nan, (cosine >= least).astype(np.float64)) @ crowd)
    return direction


@plain_dataclass(frozen=True)
class Whitening:
    """x to (x − mean) (V / sqrt(λ + ridge)), of a crowd's mean and covariance V λ V'."""

    mean: Array
    axes: Array

    @classmethod
    def of(cls, crowd: Array, ridge: float) -> "Whitening":
        """That of (g, d) vectors; the ridge is in units of the mean variance of a coordinate."""
        mean = crowd.mean(0)
        variance, axes = np.linalg.eigh(np.cov((crowd - mean).T))
        variance = np.maximum(variance, 0.0)
        return cls(mean, axes / np.sqrt(variance + max(ridge * variance.mean(), SMALLEST)))

    def __call__(self, vectors: Array) -> Array:
        """(m, d) to (m, d)."""
        return (vectors - self.mean) @ self.axes


def _largest(cosine: Array) -> Array:
    """(m, p) to (m, 4) means of the 1, 3, 10 and 30 largest that are not −inf, or of as many as there are; Fisher z."""
    falling = -np.sort(-cosine, axis=1)
    count = (falling != -np.inf).sum(axis=1, keepdims=True)
    told = [np.where(falling == -np.inf, 0.0, falling)[:, :n].sum(1) for n in LARGEST]
    mean = np.stack(told, axis=1) / np.clip(count, 1, LARGEST)
    return np.where(count > 0, fisher(mean), np.nan)
