"""How probable membership is for each person, judged without the target, and weights that make the two sides alike.

Where nobody drew lots, members and non-members may differ as people and as pictures, and an attack that reads any of it
looks like a leak. Whatever can be seen without the target is brought to one number a person, the probability to stand
on the member side; people with the same probability can be compared (Rosenbaum and Rubin, Biometrika 1983). Overlap
weights, 1 - p for a member and p for another, then make both sides the same population: the people who could have
stood on either (Li, Morgan and Zaslavsky, JASA 2018). If p comes from a logistic regression on a few numbers, the
weighted means of these numbers are equal on both sides, as near as its weak penalty allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bareface.stats.logistic import ridge_logistic
from bareface.stats.sample import Bools, Codes, Floats

INNER_FOLDS = 5
UNITS_PER_NUMBER = 5
"""So many people on the smaller side for each number that enters the last regression."""
COMPONENTS = 5
"""Principal components of the embedding that enter it. Few people do not teach a regression in hundreds of dimensions
who differs; age and sex are among the first components anyway, and those need no labels."""
# The first step may hold hundreds of correlated numbers; each group has the strength that read most on null and tilted
# splits of people (see benchmarks/validity).
RIDGE: Mapping[str, float] = {"pictures": 50.0, "embedding": 20.0, "scalars": 1.0}
_FARTHEST, _WEAK_RIDGE, _STEPS = 5.0, 0.01, 50


@dataclass(frozen=True)
class ToldApart:
    """What somebody without the target says of each unit, from models that never saw the unit's person.

    Attributes:
        names: of the groups of features.
        group: (u, g) a logit from each group alone; higher = more like the member side.
        together: (u,) the logit of a regression on those of the groups.
    """

    names: tuple[str, ...]
    group: Floats
    together: Floats


@dataclass(frozen=True)
class OverlapWeights:
    """Weights under which both sides are the same population.

    Attributes:
        probability: (u,) to stand on the member side.
        weight: (u,) 1 - p for members, p for the others.
    """

    probability: Floats
    weight: Floats

    @property
    def share(self) -> float:
        """How much of the sides overlaps: the mean of p (1 - p) over what it is where p is the same for all; 0..1."""
        p = self.probability
        return float((p * (1 - p)).mean() / (p.mean() * (1 - p.mean())))

    def effective(self, member: Bools) -> tuple[float, float]:
        """How many equally weighted units the member side and the other amount to.

        Kish's number, or the share that overlaps where that is less: weights that are all tiny are equal, too.
        """
        inside, outside = (
            min(effective_number(self.weight[side]), self.share * int(side.sum())) for side in (member, ~member)
        )
        return inside, outside


def effective_number(weight: Floats) -> float:
    """How many equal units give a mean as steady as these weighted ones: (sum w)² / sum w²; 0 without any."""
    total = float(weight.sum())
    return total**2 / float(np.square(weight).sum()) if total else 0.0


def told_apart(
    groups: Mapping[str, Floats],
    member: Bools,
    fold: Codes,
    stream: np.random.Generator,
    weight: Floats | None = None,
) -> ToldApart:
    """Cross-fitted logits of each group of features, stacked: three numbers are not drowned in two hundred.

    Args:
        groups: by name, (u, f) finite features of each unit.
        member: (u,) the side.
        fold: (u,) disjoint by person, each with both sides outside of it.
        stream: deals the inner folds.
        weight: (u,) how much a unit counts in the fits; None = alike.
    """
    counted = np.ones(len(member)) if weight is None else weight
    group, together = np.zeros((len(member), len(groups))), np.zeros(len(member))
    for number in np.unique(fold):
        here, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        inner = deal(member[others], INNER_FOLDS, stream)
        known, asked = np.zeros((len(others), len(groups))), np.zeros((len(here), len(groups)))
        for column, (name, values) in enumerate(groups.items()):
            ridge, mine, weigh = RIDGE[name], member[others], counted[others]
            known[:, column] = _crossfitted(values[others], mine, inner, weigh, ridge)
            asked[:, column] = _logits(values[others], mine, weigh, ridge, values[here])
        group[here] = asked
        together[here] = _stacked(known, member[others], counted[others], asked)
    return ToldApart(tuple(groups), group, together)


def overlap(numbers: Floats, member: Bools) -> OverlapWeights:
    """Overlap weights under which the means of a few numbers are the same on both sides, but for a weak penalty.

    The numbers come in the order of their importance; only one for each five units of the smaller side enters.

    Args:
        numbers: (u, c) finite.
        member: (u,) the side, somebody on each.
    """
    most = max(1, min(int(member.sum()), int((~member).sum())) // UNITS_PER_NUMBER)
    few = numbers[:, :most]
    probability = _expit(_shifted(_logits(few, member, np.ones(len(member)), _WEAK_RIDGE, few), member))
    return OverlapWeights(probability, np.where(member, 1 - probability, probability))


def components(values: Floats, count: int = COMPONENTS) -> Floats:
    """(u, c) the first principal components of (u, f) finite features; fewer where there are not as many."""
    centred = values - values.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    found: Floats = left[:, :count] * size[:count]
    return found


def deal(member: Bools, folds: int, stream: np.random.Generator) -> Codes:
    """(u,) folds, dealt out to each side separately."""
    fold = np.zeros(len(member), np.intp)
    for side in (True, False):
        rows = stream.permutation(np.flatnonzero(member == side))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def _crossfitted(values: Floats, member: Bools, fold: Codes, weight: Floats, ridge: float) -> Floats:
    logit = np.zeros(len(member))
    for number in np.unique(fold):
        here = fold == number
        logit[here] = _logits(values[~here], member[~here], weight[~here], ridge, values[here])
    return logit


def _stacked(known: Floats, member: Bools, weight: Floats, asked: Floats) -> Floats:
    """(m,) logits of a regression on the groups' logits with coefficients of at least 0.

    Where there is nothing to tell, cross-fitted logits go against membership by a little, since a held-out fold has
    what the others lack; a coefficient below 0 would turn that artefact into a signal (Breiman 1996, "Stacked
    Regressions").
    """
    used = np.arange(known.shape[1])
    while len(used):
        coefficients, intercept = _fitted(known[:, used], member, weight, 1.0)
        if (coefficients >= 0).all():
            logits: Floats = asked[:, used] @ coefficients + intercept
            return logits
        used = used[coefficients >= 0]
    return np.zeros(len(asked))


def _fitted(known: Floats, member: Bools, weight: Floats, ridge: float) -> tuple[Floats, float]:
    """Coefficients and intercept; all 0 where one side only is known."""
    if member.all() or not member.any():
        return np.zeros(known.shape[1]), 0.0
    return ridge_logistic(known, member, weight, ridge)


def _logits(known: Floats, member: Bools, weight: Floats, ridge: float, asked: Floats) -> Floats:
    """(m,) logits of asked units from a logistic regression on known ones, all columns in deviations."""
    centre, scale = known.mean(axis=0), known.std(axis=0)
    scale[scale == 0] = 1.0
    standard, wanted = (np.clip((x - centre) / scale, -_FARTHEST, _FARTHEST) for x in (known, asked))
    coefficients, intercept = _fitted(standard, member, weight, ridge)
    logits: Floats = wanted @ coefficients + intercept
    return logits


def _shifted(logits: Floats, member: Bools) -> Floats:
    """The logits moved so that the probabilities add up to the number of members (Newton's steps)."""
    moved = logits
    for _ in range(_STEPS):
        p = _expit(moved)
        moved = moved + (member.sum() - p.sum()) / max(float((p * (1 - p)).sum()), 1e-9)
    return moved


def _expit(x: Floats) -> Floats:
    from scipy.special import expit

    value: Floats = expit(x)
    return value
