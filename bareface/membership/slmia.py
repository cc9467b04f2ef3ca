"""SLMIA-SR's 24 similarities within a person's photos and 96 to imposters.

What it tests:
Whether photos that a person brings together are nearer to each other, and otherwise placed among strangers, than those
of a person who was not in training.

What the attacker needs:
Only answers (black box), exactly k photos of each person, and at least 20 other people with photos to compare with
(public ones, or the other candidates); either some true members (partial), a shadow backbone (shadow), or people who
are known not to be members (nonmembers).

How it works:
All similarities are artanh of cosines. Within: mean, deviation, largest and least (4) of the photos' similarity to
their centroid, of all pairs' similarity, and of each photo's own mean, deviation, largest and least over its pairs: 24.
To imposters, for centroid or photos on either side (four combinations): those 4 of all similarities, of each
imposter's own 4, and of those to the imposter who is nearest on average: 4 x 24. One regularised fit reads all 120.

Known limits:
Many numbers for few people: the penalty is strong. The paper says how many features there are and of what; how the
96 are made up in detail is our reading. It trains on mixtures of trained and new recordings; a set here has one side.

Reference:
SLMIA-SR: Chen, Zhang, Zheng, Song, NDSS 2024, arXiv 2309.07983.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Beside
from bareface.membership.engine.features import direction, fisher, unit
from bareface.membership.engine.gallery import gallery_of
from bareface.membership.families.photo_sets import Array, SetAttack, Sets, sets_of
from bareface.trace import Trace

SETS_AT_ONCE = 128


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Slmia(SetAttack):
    """120 similarities.

    Attributes:
        imposters: who they are: people of the `gallery`, or the other `candidates`.
        count: exactly how many.
        penalty: as of every attack model; 120 numbers want a strong one.
    """

    name: ClassVar[str] = "slmia"
    beside: ClassVar[frozenset[Beside]] = frozenset({"gallery"})

    imposters: Literal["gallery", "candidates"] = "gallery"
    count: Annotated[int, Field(ge=2, le=1000)] = 20
    penalty: Annotated[float, Field(gt=0)] = 100.0

    def of_sets(self, trace: Trace, sets: Sets) -> Array:
        """(m, 120) the features."""
        towards = direction(trace)
        pool = gallery_of(trace, self.name) if self.imposters == "gallery" else trace
        among = towards if pool is trace else direction(pool)
        groups = _groups(pool, self.k)
        chosen = _chosen(trace.photo_set[sets[:, 0]], pool.photo_set[groups[:, 0]], self.count)
        if chosen is None:
            raise Abstained(
                self.name,
                got=f"{len(groups)} people with photos to compare with",
                expected=f"more than {self.count}",
                hint="a smaller count, or imposters=candidates",
            )
        some = np.array_split(np.arange(len(sets)), -(-len(sets) // SETS_AT_ONCE) or 1)
        return np.concatenate([described(towards[sets[rows]], among[groups[chosen[rows]]]) for rows in some])


def described(photos: Array, imposters: Array) -> Array:
    """(m, k, d) photos of sets and (m, i, q, d) of each set's imposters to (m, 120)."""
    return np.concatenate([within(photos), to_imposters(photos, imposters)], axis=1)


def within(photos: Array) -> Array:
    """(m, k, d) unit vectors to (m, 24)."""
    k = photos.shape[1]
    centroid = unit(photos.sum(1, keepdims=True))
    pairs = fisher(photos @ photos.transpose(0, 2, 1))[:, ~np.eye(k, dtype=bool)].reshape(-1, k, k - 1)
    to_centroid, every = fisher((photos * centroid).sum(-1)), pairs.reshape(-1, k * (k - 1))
    return np.concatenate([_four(to_centroid), _four(every), _four_of_four(pairs)], axis=1)


def to_imposters(photos: Array, imposters: Array) -> Array:
    """(m, k, d) photos of sets and (m, i, q, d) of each set's imposters to (m, 96)."""
    ours = (unit(photos.sum(1, keepdims=True)), photos)
    theirs = (unit(imposters.sum(2, keepdims=True)), imposters)
    return np.concatenate([_combination(one, other) for one in ours for other in theirs], axis=1)


def _combination(one: Array, other: Array) -> Array:
    """(m, a, d) and (m, i, q, d) to (m, 24)."""
    m, i = other.shape[:2]
    similarity = fisher(np.einsum("mad,miqd->miaq", one, other)).reshape(m, i, -1)
    nearest = np.take_along_axis(similarity, similarity.mean(2).argmax(1)[:, None, None], axis=1)[:, 0]
    return np.concatenate([_four(similarity.reshape(m, -1)), _four_of_four(similarity), _four(nearest)], axis=1)


def _four(values: Array) -> Array:
    """(..., v) to (..., 4): mean, deviation, largest, least."""
    return np.stack([values.mean(-1), values.std(-1), values.max(-1), values.min(-1)], axis=-1)


def _four_of_four(values: Array) -> Array:
    """(m, items, v) to (m, 16): the four of each item, and of each of these the four over items."""
    return _four(_four(values).transpose(0, 2, 1)).reshape(len(values), 16)


def _groups(pool: Trace, k: int) -> Sets:
    """(g, q) rows of one set of each person: k photos, or one where hardly anybody has k; least digests first."""
    sets = sets_of(pool, k)
    if len(np.unique(pool.photo_set[sets[:, 0]])) < len(np.unique(pool.photo_set)) / 2:
        sets = sets_of(pool, 1)
    _, first = np.unique(pool.photo_set[sets[:, 0]], return_index=True)
    order = np.argsort(pool.image[sets[first, 0]], kind="stable")
    return sets[first][order]


def _chosen(own: NDArray[np.int64], person: NDArray[np.int64], count: int) -> Sets | None:
    """(m, count) the first people other than a set's own; None where there are too few."""
    if len(person) <= count:
        return None
    first = np.arange(count + 1)
    aside = np.argmax(np.c_[person[: count + 1] == own[:, None], np.ones(len(own), bool)], axis=1).clip(max=count)
    chosen: Sets = np.broadcast_to(first, (len(own), count + 1))[first != aside[:, None]].reshape(-1, count)
    return chosen
