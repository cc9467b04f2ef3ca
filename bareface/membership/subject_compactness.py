"""How tightly the embeddings of one person's photos lie together.

What it tests:
Whether photos that a person brings together lie closer to each other in the embedding than the photos of a person
who was not in training: training pulls the images of a person to one point.

What the attacker needs:
Only answers (black box), and exactly k photos of each person, all of them in training or all of them not; either
some true members (partial) or a shadow backbone (shadow).

How it works:
The photos of a person are cut into sets of exactly k. Each photo is described by the mean, the least and the largest
cosine to the other k - 1, and the cosine to their centroid. Photos left over when k does not divide them are out of
scope: least and largest depend on the size of the set, so every set has the same.

Known limits:
A person whose photos come from one event is compact without training: the blind baseline measures the likeness of
the same photos as pictures. It says that the person's set was used, not which photo.

Reference:
The within-person similarities of FACE-AUDITOR (USENIX Security 2023) and SLMIA-SR (arXiv 2309.07983), with the size
of the set held fixed.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import direction, fisher, unit
from bareface.membership.families.photo_sets import OnSets, sets_of
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class SubjectCompactness(OnSets, FeatureAttack):
    """Leave-one-out cosines within sets of exactly k photos.

    Attributes:
        k: photos in a set.
    """

    name: ClassVar[str] = "subject-compactness"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    by_itself: ClassVar[bool] = False
    memory: ClassVar[Literal[-1, 0, 1]] = 1

    k: Annotated[int, Field(ge=2, le=100)] = 2

    def features(self, trace: Trace) -> Features:
        """(n, 4) mean, least, largest and centroid cosine, Fisher-transformed; NaN for photos in no set."""
        return compactness(direction(trace), sets_of(trace, self.k))


def compactness(direction: NDArray[np.float64], sets: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n, 4) features of n unit vectors in sets (m, k); NaN for vectors in no set."""
    features = np.full((len(direction), 4), np.nan)
    if not len(sets):
        return features
    k = sets.shape[1]
    members = direction[sets]
    cosine = members @ members.transpose(0, 2, 1)
    others = cosine[:, ~np.eye(k, dtype=bool)].reshape(-1, k, k - 1)
    centroid = unit(members.sum(1, keepdims=True) - members)
    to_centroid = (centroid * members).sum(-1)
    stacked = np.stack([others.mean(-1), others.min(-1), others.max(-1), to_centroid], axis=-1)
    features[sets] = fisher(stacked)
    return features
