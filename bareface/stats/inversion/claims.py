"""Which identities an image claims: those of training people, those of decoys, or both.

Two galleries of equal size stand side by side, N training people and N decoys. Whatever is counted, an image speaks
for the training side (+1) if it claims training people only, for the decoys (-1) if decoys only, and for nobody (0) if
it claims both or none. Claim the nearest identity, and the win rate is (1 + mean side) / 2 with ties one half; claim
all identities above a threshold, and the mean side is the difference of the two hit rates. Under exchangeable galleries
the expected side of any image is 0, however odd the image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.stats.sample import Bools, Codes, Floats


@dataclass(frozen=True)
class Cosines:
    """One judge's view of one arm. Build it with `cosines`, which checks the shapes.

    Attributes:
        values: (n, 2 N) cosines to the templates, training people in the first N columns; a row of NaN = no face.
        start: (n,) codes of the starts; images from one start (and the same start in another arm) belong together.
    """

    values: Floats
    start: Codes

    def __len__(self) -> int:
        return len(self.values)

    @property
    def people(self) -> int:
        """N, the people in each gallery."""
        return int(self.values.shape[1]) // 2

    @property
    def faceless(self) -> Bools:
        """(n,) images that the judge could not embed. They claim nobody, and stay in every denominator."""
        return np.isnan(self.values[:, 0])


@dataclass(frozen=True)
class Claims:
    """What the images of one arm claim before one judge.

    Attributes:
        claimed: (n, 2 N) which identities.
        start: (n,) codes of the starts.
        nearest: (n,) column of the nearest identity; images with the same one are not independent. An image without a
            face has a number of its own, 2 N or more.
    """

    claimed: Bools
    start: Codes
    nearest: Codes

    def __len__(self) -> int:
        return len(self.claimed)

    @property
    def people(self) -> int:
        """N, the people in each gallery."""
        return int(self.claimed.shape[1]) // 2

    @property
    def side(self) -> Floats:
        """(n,) +1 = training people only, -1 = decoys only, 0 = both or nobody."""
        inside, outside = np.split(self.claimed, 2, axis=1)
        side: Floats = np.subtract(inside.any(axis=1), outside.any(axis=1), dtype=np.float64)
        return side


def cosines(training: ArrayLike, decoy: ArrayLike, start: ArrayLike | None = None) -> Cosines:
    """Put the cosines to both galleries side by side.

    Args:
        training: (n, N) of n images to N training people.
        decoy: (n, N) of the same images to N decoys.
        start: (n,) numbers of the starts, the same in every arm; 0, 1, ... unless given.

    Raises:
        UsageError: the galleries differ in size, are empty, or a row is partly NaN or not a cosine.
    """
    inside, outside = np.asarray(training, np.float64), np.asarray(decoy, np.float64)
    if inside.ndim != 2 or inside.shape != outside.shape or not inside.size:
        raise UsageError(
            "cosines",
            got=f"the shapes {inside.shape} and {outside.shape}",
            expected="(images, people) twice, as many decoys as training people",
            hint="a larger gallery has a nearer neighbour by size alone; cut it at random",
        )
    both = np.hstack([inside, outside])
    _check_values(both)
    starts = np.arange(len(both)) if start is None else np.asarray(start)
    if starts.shape != (len(both),):
        raise UsageError("cosines", got=f"starts of shape {starts.shape}", expected=f"({len(both)},)")
    return Cosines(both, starts.astype(np.intp))


def nearest(judged: Cosines) -> Claims:
    """Each image claims its nearest identity, or all that tie for it."""
    top = np.max(judged.values, axis=1, keepdims=True)
    return Claims(judged.values == top, judged.start, _nearest(judged))


def above(judged: Cosines, threshold: float) -> Claims:
    """Each image claims every identity with a cosine above the threshold."""
    return Claims(judged.values > threshold, judged.start, _nearest(judged))


def _nearest(judged: Cosines) -> Codes:
    columns = judged.values.shape[1]
    own = columns + np.arange(len(judged))
    best = np.where(judged.faceless[:, None], 0.0, judged.values).argmax(axis=1)
    column: Codes = np.where(judged.faceless, own, best).astype(np.intp)
    return column


def _check_values(both: Floats) -> None:
    missing = np.isnan(both)
    if (missing.any(axis=1) != missing.all(axis=1)).any():
        raise UsageError("cosines", got="a row that is partly NaN", expected="all of a row's cosines, or none")
    if (np.abs(both[~missing]) > 1 + 1e-5).any():
        raise UsageError(
            "cosines", got="a value outside [-1, 1]", expected="cosines", hint="normalise embeddings and templates"
        )
