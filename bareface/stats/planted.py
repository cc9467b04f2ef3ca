"""How far the scores of members have to lie above the others' for an AUC, where photos of a person agree."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bareface.stats.logistic import ridge_logistic
from bareface.stats.sample import Bools, Codes, Floats, mean_by

_SMALLEST = 1e-5
_FARTHEST = 12.0
_CLIP = 10.0


def in_common(scores: Floats, member: Bools, subject: ArrayLike) -> float:
    """The share of the variance of scores that lies between people, in [0, 1): one-way, by its analysis of variance.

    Args:
        scores: (n,) finite.
        member: (n,) the side, whose mean is taken off first.
        subject: (n,) who is on the image.
    """
    spread = scores.astype(np.float64).copy()
    for side in (member, ~member):
        spread[side] -= spread[side].mean() if side.any() else 0.0
    person = np.unique(subject, return_inverse=True)[1]
    sizes = np.bincount(person)
    people, images = len(sizes), len(spread)
    if people < 2 or images == people:
        return 0.0
    means = mean_by(spread, person, people)
    between = float((sizes * means**2).sum()) / (people - 1)
    within = float(np.square(spread - means[person]).sum()) / (images - people)
    typical = (images - float((sizes**2).sum()) / images) / (people - 1)
    total = between + (typical - 1) * within
    return min(1 - _SMALLEST, max(0.0, (between - within) / total)) if total > 0 else 0.0


def shift(effect: float, shared: float, by: Sequence[ArrayLike] | None = None) -> float:
    """What is to be added to the members' scores of variance 1 so that the AUC is `effect`, on average.

    Args:
        effect: the AUC, in [.5, 1).
        shared: share of the variance that photos of a person have in common.
        by: (n,) people and (n,) sides where people are judged by their mean scores; None = images are judged.
    """
    variance, weight = _pairs(shared, by)
    curve = NormalDist()
    low, high = 0.0, _FARTHEST
    while high - low > _SMALLEST:
        middle = (low + high) / 2
        reached = sum(w * curve.cdf(middle / sqrt(v)) for v, w in zip(variance, weight, strict=True))
        low, high = (middle, high) if reached < effect else (low, middle)
    return low


def across_folds(scores: Floats, member: Bools, fold: NDArray[np.int64]) -> Floats:
    """(n,) logits of one-number attack models, those of each fold fitted on the other folds.

    The usual attack model, with its standardisation, its balanced sides and its penalty of 1, at a tenth of the cost.

    Args:
        scores: (n,) NaN where there is none, which stays; both sides are known outside every fold.
        member: (n,) the side.
        fold: (n,) disjoint by person.
    """
    logits, known = np.full(len(scores), np.nan), ~np.isnan(scores)
    for here in (fold == one for one in np.unique(fold)):
        rows = known & ~here
        mean, scale = scores[rows].mean(), scores[rows].std() or 1.0
        standard = np.clip((scores - mean) / scale, -_CLIP, _CLIP)
        share = np.where(member[rows], member[rows].mean(), 1 - member[rows].mean())
        slope, start = ridge_logistic(standard[rows, None], member[rows], 0.5 / share, 1.0)
        logits[here] = slope[0] * standard[here] + start
    return logits


def _pairs(shared: float, by: Sequence[ArrayLike] | None) -> tuple[Floats, Floats]:
    """Variances of the difference between a member's and a non-member's score, and how frequent each is."""
    if by is None:
        return np.array([2.0]), np.array([1.0])
    subject, member = np.asarray(by[0]), np.asarray(by[1])
    (inside, many), (outside, others) = (_sizes(subject[member == side]) for side in (True, False))
    variance = [shared + (1 - shared) / sizes for sizes in (inside, outside)]
    weight = np.outer(many, others) / (many.sum() * others.sum())
    return np.add.outer(*variance).ravel(), weight.ravel()


def _sizes(subject: NDArray[np.generic]) -> tuple[Codes, Codes]:
    """How many images people have, and how many people have as many."""
    sizes, people = np.unique(np.unique(subject, return_counts=True)[1], return_counts=True)
    return sizes, people
