"""What the AUC would be if membership were drawn by lot.

A person who stands on one side only may be swapped with a person of the same fold on the other side. A person who
stands on both sides (record game) has the two sides swapped. Either way all images of a person move together.
"""

from dataclasses import dataclass

import numpy as np

from bareface.stats.intervals import CROSSFIT, DRAWS, chunk_sizes
from bareface.stats.roc import midranks, rank_bounds, weighted_wins
from bareface.stats.sample import Bools, Codes, Floats, Sample

_ROUNDING = 1e-12
_ALPHA, _RESOLUTION = 0.05, 5


def null_aucs(judged: Sample, stream: np.random.Generator, draws: int = DRAWS) -> Floats:
    """(draws,) AUCs under permuted membership; abstentions are left out.

    Ranks do not change when labels do, so each draw is a sum over people. A person with m member and h other images on
    both sides adds m r + e m h / (m + h) D to the rank sum of the members: r is the person's mean rank, D the mean rank
    of the member images minus that of the others, e = +1 or -1 by lot. For m = h that is exactly the swap of the two
    sides; for other counts it swaps the difference and leaves the composition of the sample as it is.
    """
    people = _People.of(judged.answered)
    return np.concatenate([people.draw(stream, size) for size in chunk_sizes(draws, len(people.both))])


def redrawn_aucs(judged: Sample, probability: Floats, stream: np.random.Generator, draws: int = DRAWS) -> Floats:
    """(draws,) overlap-weighted AUCs when every person's side is drawn again with that person's own probability.

    Where nobody drew lots, people are not exchangeable; given the probability to be a member they are, as far as it
    holds all that decides (Rosenbaum and Rubin 1983). Each draw weighs members by 1 - p and the others by p, as the
    audit does. Draws with nobody on a side are left out.

    Args:
        judged: no abstentions, nobody on both sides.
        probability: (n,) to be a member, in (0, 1), the same for all images of a person.
        stream: draws the sides.
        draws: how often.
    """
    order = np.argsort(judged.scores, kind="stable")
    below, up_to = rank_bounds(judged.scores[order])
    person, people = judged.person[order], len(judged.side_of_person())
    chance = np.zeros(people)
    chance[judged.person] = probability
    found = []
    for size in chunk_sizes(draws, max(len(judged), people)):
        drawn = stream.random((people, size)) < chance[:, None]
        inside, outside = np.where(drawn, 1 - chance[:, None], 0.0).T, np.where(drawn, 0.0, chance[:, None]).T
        found += [
            _redrawn(one[person], other[person], below, up_to) for one, other in zip(inside, outside, strict=True)
        ]
    return np.array([auc for auc in found if auc is not None])


def _redrawn(inside: Floats, outside: Floats, below: Codes, up_to: Codes) -> float | None:
    """The AUC of units by weight, in the order of their scores; None where a side has none."""
    pairs = inside.sum() * outside.sum()
    return float(weighted_wins(inside, outside, below, up_to) / pairs) if pairs > 0 else None


def draws_for(attacks: int, least: int = DRAWS) -> int:
    """Permutations that can tell a leak when `attacks` share the error rate: at least `least`.

    The smallest p-value is 1 / (1 + draws), and Holm's first step multiplies it by the number of attacks: with 2,000
    draws and a hundred attacks nothing could ever be significant. So many bring it to a fifth of .05.
    """
    return max(least, round(_RESOLUTION * attacks / _ALPHA))


def p_value(observed: float, null: Floats, *, crossfit: bool = True) -> float:
    """One-sided p-value of an AUC: (1 + number of draws at least as large) / (1 + draws).

    Args:
        observed: the AUC.
        null: (draws,) from `null_aucs`.
        crossfit: the scores come from models that were fitted on the other folds of the same sample. Permuting labels
            after that takes the models as given and misses half of the variance (see `intervals`), so the draws are
            spread by sqrt(2) about their mean. Measured without leak, 40 + 40 people, at a nominal 5 %: false alarms in
            6-10 % without and 1-4 % with the spread (1, 5 and 30 features).
    """
    spread = null.mean() + (null - null.mean()) * (CROSSFIT if crossfit else 1.0)
    return float((1 + np.count_nonzero(spread >= observed - _ROUNDING)) / (1 + len(null)))


def null_error(null: Floats, *, crossfit: bool = True) -> float:
    """The standard error of the AUC where there is no leak; 0 where no permutation moves it."""
    spread = float(null.std())
    return spread * (CROSSFIT if crossfit else 1.0) if spread > _ROUNDING else 0.0


@dataclass(frozen=True)
class _People:
    """What a draw needs of the people; images are looked at once, not in every draw.

    Attributes:
        both: (people,) who stands on both sides.
        images: (people,) how many.
        kept: (people,) the rank sum that each brings to the member side.
        flipped: (people,) the part of it that a swap of sides turns round.
        labels: (k,) 1 = member, of those who stand on one side.
        folds: where each fold's people stand among those; a fold is that of a person's first image.
        among_both: how many member images people with both sides have.
        total: how many images there are.
    """

    both: Bools
    images: Codes
    kept: Floats
    flipped: Floats
    labels: Floats
    folds: tuple[Codes, ...]
    among_both: float
    total: int

    @classmethod
    def of(cls, judged: Sample) -> "_People":
        both, images = judged.side_of_person() == 3, np.bincount(judged.person)
        members = np.asarray(np.bincount(judged.person, weights=judged.member), dtype=np.float64)
        kept, flipped = _rank_shares(judged, images, members)
        first = np.unique(judged.person, return_index=True)[1][~both]
        fold = judged.fold[first]
        folds = tuple(np.flatnonzero(fold == code) for code in np.unique(fold))
        labels = judged.member[first].astype(np.float64)
        return cls(both, images, kept, flipped, labels, folds, float(members[both].sum()), len(judged))

    def draw(self, stream: np.random.Generator, draws: int) -> Floats:
        """(draws,) AUCs."""
        labels = self._permuted(stream, draws)
        signs = 1.0 - 2.0 * stream.integers(0, 2, size=(draws, int(self.both.sum())))
        members = labels @ self.images[~self.both] + self.among_both
        rank_sum = labels @ self.kept[~self.both] + self.kept[self.both].sum() + signs @ self.flipped[self.both]
        aucs: Floats = (rank_sum - members * (members + 1) / 2) / (members * (self.total - members))
        return aucs

    def _permuted(self, stream: np.random.Generator, draws: int) -> Floats:
        """(draws, k) the labels, shuffled among the people of one fold."""
        labels = np.tile(self.labels, (draws, 1))
        for columns in self.folds:
            labels[:, columns] = stream.permuted(labels[:, columns], axis=1)
        return labels


def _rank_shares(judged: Sample, images: Codes, members: Floats) -> tuple[Floats, Floats]:
    """(people,) the rank sum that a person brings to the member side, and the part of it that a swap turns round."""
    ranks = midranks(judged.scores)
    total = np.bincount(judged.person, weights=ranks)
    inside = np.bincount(judged.person, weights=ranks * judged.member)
    composed = members * total / images
    both = (members > 0) & (members < images)
    return np.where(both, composed, total), np.where(both, inside - composed, 0.0)
