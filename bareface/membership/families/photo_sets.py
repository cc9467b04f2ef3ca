"""Sets of exactly k photos that a person brought together, and what is told of a set as a whole.

Least and largest depend on how many photos there are, so every set has the same number; what is left over is out of
scope, on both sides.
"""

from abc import abstractmethod
from typing import Annotated, ClassVar, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, Attack, FeatureAttack, Features
from bareface.membership.engine.features import fisher
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]
Sets = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class OnSets(Attack):
    """An abstract attack on sets of exactly k photos of a person; photos left over are out of scope.

    Attributes:
        k: photos in a set.
    """

    shown: ClassVar[frozenset[str]] = frozenset({"k"})

    k: Annotated[int, Field(ge=2, le=100)] = 3

    def in_scope(self, trace: Trace) -> NDArray[np.bool_]:
        """(n,) photos that stand in a full set of k."""
        scope = np.zeros(len(trace), dtype=bool)
        scope[sets_of(trace, self.k)] = True
        return scope


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class SetAttack(OnSets, FeatureAttack):
    """An abstract attack that says one thing of all the photos of a set."""

    by_itself: ClassVar[bool] = False
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})

    @abstractmethod
    def of_sets(self, trace: Trace, sets: Sets) -> Array:
        """(m, f) numbers of each set (m, k) of rows; NaN where there are none."""

    @final
    def features(self, trace: Trace) -> Features:
        """(n, f) those of each photo's set; NaN for photos in no set."""
        sets = sets_of(trace, self.k)
        return spread(self.of_sets(trace, sets), sets, len(trace))


def sets_of(trace: Trace, k: int) -> Sets:
    """(m, k) row numbers: each person's photos cut into sets of exactly k.

    The order within a person is that of the content digests, so it does not depend on the order of the rows.
    """
    order = np.lexsort((trace.image, trace.photo_set))
    person = trace.photo_set[order]
    starts = np.flatnonzero(np.r_[True, person[1:] != person[:-1]]) if len(order) else np.empty(0, np.intp)
    blocks = [block[: len(block) // k * k] for block in np.split(order, starts[1:])]
    return np.concatenate(blocks).reshape(-1, k) if blocks else np.empty((0, k), np.intp)


def spread(told: Array, sets: Sets, n: int) -> Array:
    """(m, f) numbers of sets to (n, f) numbers of the photos in them; NaN for photos in no set."""
    values = np.full((n, told.shape[1]), np.nan)
    values[sets] = told[:, None]
    return values


def pairwise(towards: Array, sets: Sets) -> Array:
    """(m, k (k − 1)) Fisher-transformed cosines between the photos of each set, those of one photo side by side."""
    members = towards[sets]
    cosine = members @ members.transpose(0, 2, 1)
    return fisher(cosine[:, ~np.eye(sets.shape[1], dtype=bool)])
