"""The receiver operating characteristic and the area below it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bareface.errors import UsageError
from bareface.stats.sample import Bools, Floats, Sample, sample

MAX_POINTS = 300
LOW_FPR = 1e-2
_LOW_POINTS = 200


@dataclass(frozen=True)
class Roc:
    """Points of an ROC curve, from (0, 0) to (1, 1).

    Attributes:
        fpr: (p,) share of non-members with a score >= threshold, not falling.
        tpr: (p,) share of members with a score >= threshold, not falling.
        thresholds: (p,) falling, the first is infinite.
    """

    fpr: Floats
    tpr: Floats
    thresholds: Floats

    def thinned(self) -> "Roc":
        """At most 300 points: first without those on a straight line, then every point below FPR 1e-2 and even steps.

        Should more than 200 corners lie below 1e-2 (there are more than 20,000 non-members), 200 of them stay.
        """
        corners = self._take(_corners(self.fpr, self.tpr))
        low = np.flatnonzero(corners.fpr < LOW_FPR)
        high = np.arange(len(low), len(corners.fpr))
        kept_low = _even(low, _LOW_POINTS)
        return corners._take(np.concatenate([kept_low, _even(high, MAX_POINTS - len(kept_low))]))

    def _take(self, points: NDArray[np.intp]) -> "Roc":
        return Roc(self.fpr[points], self.tpr[points], self.thresholds[points])


def roc(scores: ArrayLike, member: ArrayLike) -> Roc:
    """The ROC curve with one point for each distinct score, as scikit-learn draws it; abstentions are left out.

    Raises:
        UsageError: a side has no image with a score.
    """
    values, truth = _both_sides(scores, member)
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], truth[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    above = np.cumsum(truth)[last_of_tie]
    tpr, fpr = above / truth.sum(), (last_of_tie + 1 - above) / (~truth).sum()
    return Roc(np.append(0.0, fpr), np.append(0.0, tpr), np.append(np.inf, values[last_of_tie]))


def auc(scores: ArrayLike, member: ArrayLike) -> float:
    """P(a member scores above a non-member), ties one half; abstentions are left out.

    Exact: the Mann-Whitney rank formula, (sum of member ranks - m(m + 1) / 2) / (m k).

    Raises:
        UsageError: a side has no image with a score.
    """
    values, truth = _both_sides(scores, member)
    members, others = int(truth.sum()), int((~truth).sum())
    return float((midranks(values)[truth].sum() - members * (members + 1) / 2) / (members * others))


def judged_auc(judged: Sample) -> float:
    """The AUC of a sample without abstentions, its units counted by weight."""
    if (judged.weight == 1).all():
        return auc(judged.scores, judged.member)
    return weighted_auc(judged.scores, judged.weight * judged.member, judged.weight * ~judged.member)


def weighted_auc(scores: Floats, inside: Floats, outside: Floats) -> float:
    """P(a member scores above a non-member) where units count by weight, ties one half.

    Args:
        scores: (n,) finite.
        inside, outside: (n,) weight of each unit on the member and on the non-member side; 0 where it is not there.
    """
    ours, theirs = scores[inside > 0], scores[outside > 0]
    if ours.min() > theirs.max() or ours.max() < theirs.min():  # sums of weights round, this does not
        return float(ours.min() > theirs.max())
    order = np.argsort(scores, kind="stable")
    wins = weighted_wins(inside[order], outside[order], *rank_bounds(scores[order]))
    return float(np.clip(wins / (inside.sum() * outside.sum()), 0.0, 1.0))


def weighted_wins(inside: Floats, outside: Floats, below: NDArray[np.intp], up_to: NDArray[np.intp]) -> float:
    """Pairs in which a member scores above a non-member, by weight, ties one half.

    Args:
        inside: (m,) weights on the member side.
        outside: (k,) weights on the other side, in the order of their scores.
        below, up_to: (m,) how many of the k lie below each member, and how many at or below.
    """
    beaten = np.zeros(len(outside) + 1)
    np.cumsum(outside, out=beaten[1:])
    return float(inside @ (beaten[below] + beaten[up_to])) / 2


def rank_bounds(ordered: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many of the ascending values lie below each of them, and how many at or below."""
    return np.searchsorted(ordered, ordered, "left"), np.searchsorted(ordered, ordered, "right")


def midranks(values: Floats) -> Floats:
    """Ranks 1, ..., n; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mid: Floats = np.cumsum(counts) - (counts - 1) / 2
    return mid[inverse]


def person_scores(
    scores: ArrayLike, subject: ArrayLike, member: ArrayLike
) -> tuple[Floats, NDArray[np.generic], Bools]:
    """Scores, subjects and membership of people: the mean over a person's images on each side, NaN if all abstained.

    A person who stands on both sides (record game) gives two rows.
    """
    judged = sample(scores, member, subject).by_person()
    return judged.scores, np.unique(np.asarray(subject))[judged.person], judged.member


def _both_sides(scores: ArrayLike, member: ArrayLike) -> tuple[Floats, Bools]:
    judged = sample(scores, member, np.zeros(np.shape(member))).answered
    if judged.member.all() or not judged.member.any():
        got = f"{int(judged.member.sum())} members and {int((~judged.member).sum())} non-members with a score"
        raise UsageError("stats", got=got, expected="at least one on each side")
    return judged.scores, judged.member


def _corners(x: Floats, y: Floats) -> NDArray[np.intp]:
    """Points where the line through (x, y) bends, with both ends."""
    bends = (np.diff(x, 2) != 0) | (np.diff(y, 2) != 0)
    return np.flatnonzero(np.concatenate([[True], bends, [True]]))


def _even(index: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most `most` of the entries at even steps, both ends included."""
    if len(index) <= most:
        return index
    return index[np.linspace(0, len(index) - 1, most).round().astype(np.intp)]
