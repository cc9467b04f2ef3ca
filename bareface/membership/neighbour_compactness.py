"""How tightly an image's nearest neighbours among all candidates lie about it, without knowing who is on them.

What it tests:
Whether an image has other candidates nearer to it than an image that was not in training: images of one training person
collapse to one point, and find each other without a name.

What the attacker needs:
Only answers (black box), and a pool of candidates in which people stand with several images; nobody has to say which
belong together. Either some true members (partial), a shadow backbone (shadow), or people who are known not to be
members (nonmembers).

How it works:
artanh of the cosines to the k nearest other images of the pool that is judged (or learned from): their mean, the
least, and the mean of the cosines among the neighbours themselves.

Known limits:
Where members stand in the pool with more images than strangers do, they have more near neighbours for that reason
alone: the foreign model shows it, the blind baseline cannot. A crowded pool brings everybody's neighbours nearer.

Reference:
The within-person similarities of FACE-AUDITOR (USENIX Security 2023), with neighbours in the place of labels.
"""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import direction, fisher
from bareface.trace import Channel, Trace

ROWS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class NeighbourCompactness(FeatureAttack):
    """Cosines to and among the nearest candidates.

    Attributes:
        neighbours: how many.
    """

    name: ClassVar[str] = "neighbour-compactness"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    by_itself: ClassVar[bool] = False
    shown: ClassVar[frozenset[str]] = frozenset({"neighbours"})

    neighbours: Annotated[int, Field(ge=1, le=100)] = 2

    def features(self, trace: Trace) -> Features:
        """(n, 3) mean and least cosine to the neighbours, and the mean among them; (n, 2) for one neighbour."""
        towards = direction(trace)
        pool = np.flatnonzero(~np.isnan(towards).any(1))
        if len(pool) <= self.neighbours:
            raise Abstained(
                self.name, got=f"a pool of {len(pool)} images", expected=f"more than {self.neighbours}, the neighbours"
            )
        told = np.full((len(trace), 3 if self.neighbours > 1 else 2), np.nan)
        for rows in np.array_split(pool, -(-len(pool) // ROWS_AT_ONCE)):
            told[rows] = _about(towards, rows, pool, self.neighbours)
        return told


def _about(
    towards: NDArray[np.float64], rows: NDArray[np.intp], pool: NDArray[np.intp], neighbours: int
) -> NDArray[np.float64]:
    """(r, 3) or (r, 2) numbers of some rows of a pool."""
    cosine = towards[rows] @ towards[pool].T
    cosine[rows[:, None] == pool] = -np.inf
    nearest = np.argpartition(-cosine, neighbours - 1, axis=1)[:, :neighbours]
    near = fisher(np.take_along_axis(cosine, nearest, axis=1))
    told = [near.mean(1), near.min(1)]
    if neighbours > 1:
        them = towards[pool[nearest]]
        among = (them @ them.transpose(0, 2, 1))[:, ~np.eye(neighbours, dtype=bool)]
        told.append(fisher(among).mean(1))
    return np.stack(told, axis=1)
