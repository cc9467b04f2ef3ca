"""Public people beside an image: cosines to them, and a classification head made of them.

Nobody is compared with photos of their own: where an image is of somebody in the gallery, that person stands aside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.errors import Abstained
from bareface.membership.engine.features import both_directions, direction, unit
from bareface.trace import Trace

Array = NDArray[np.float64]

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Centres:
    """A head of public people.

    Attributes:
        direction: (g, d) unit vectors, one for each person.
        person: (g,) their numbers of photo sets.
    """

    direction: Array
    person: NDArray[np.int64]

    @classmethod
    def of(cls, gallery: Trace) -> "Centres":
        """The mean direction of each person's photos."""
        towards = direction(gallery)
        known = ~np.isnan(towards).any(1)
        person, number = np.unique(gallery.photo_set[known], return_inverse=True)
        total = np.zeros((len(person), towards.shape[1]))
        np.add.at(total, number, towards[known])
        return cls(unit(total), person)

    def cosines(self, towards: Array, photo_set: NDArray[np.int64]) -> Iterator[Array]:
        """Cosines of (n, d) unit vectors to every centre, some rows at a time; −inf to the image's own person."""
        for start in range(0, len(towards), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            cosine = towards[rows] @ self.direction.T
            cosine[photo_set[rows, None] == self.person] = -np.inf
            yield cosine

    def each(self, towards: Array, photo_set: NDArray[np.int64], number: Callable[[Array], Array]) -> Array:
        """(n,) what `number` makes of each row of cosines."""
        told = [number(cosine) for cosine in self.cosines(towards, photo_set)]
        return np.concatenate(told) if told else np.empty(0)


def gallery_of(trace: Trace, name: str) -> Trace:
    """The gallery beside a trace.

    Raises:
        Abstained: there is none.
    """
    if trace.gallery is None or not len(trace.gallery):
        raise Abstained(
            name,
            got="nobody to compare with",
            expected="public people, of whom nobody is judged",
            hint="images in the role public",
        )
    return trace.gallery


def nearest_stranger(trace: Trace, name: str) -> Array:
    """(n,) largest cosine of an image to somebody else in the gallery."""
    centres = Centres.of(gallery_of(trace, name))
    return centres.each(direction(trace), trace.photo_set, lambda cosine: cosine.max(1))


def own_log_posterior(trace: Trace, name: str, kappa: float) -> Array:
    """(n,) log of softmax(κ cosine) of an image's own mirror image among it and everybody in the gallery.

    Both views stand for each other in turn; the mean of the two logarithms. A trace of one view has no own centre.

    Raises:
        Abstained: there is no gallery, or no second view.
    """
    centres, towards = Centres.of(gallery_of(trace, name)), both_directions(trace, name)
    own = kappa * (towards[:, 0] * towards[:, 1]).sum(1)
    others = [
        centres.each(towards[:, view], trace.photo_set, lambda cosine: _log_sum_exp(kappa * cosine)) for view in (0, 1)
    ]
    with np.errstate(invalid="ignore"):  # an image without an answer stays unknown
        return np.asarray(np.mean([own - np.logaddexp(own, other) for other in others], axis=0))


def _log_sum_exp(values: Array) -> Array:
    """(n, g) to (n,); −inf where nobody is left, NaN where there are NaN."""
    most = values.max(1, keepdims=True)
    shift = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(np.exp(values - shift).sum(1)) + shift[:, 0])
