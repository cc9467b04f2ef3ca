"""How much more alike a person's photos are to the target than to those who never saw them.

What it tests:
Whether photos that a person brings together lie nearer to each other in the target's embedding than one would expect
from how alike they are as pictures and to other models, which were trained on nobody of them.

What the attacker needs:
Only answers (black box), exactly k photos of each person, and better some models that never saw that person (a foreign
model, references, shadows); either some true members (partial), a shadow backbone (shadow), or people who are known not
to be members (nonmembers).

How it works:
s is the mean of artanh of the cosines between a set's photos. On known non-members s is regressed linearly on the same
mean over the models that were not trained on anybody in the set (each model's standardised, then averaged), and on the
mean likeness of the photos as 16 x 16 grey thumbnails. The score is s less what that predicts, in deviations.

Known limits:
Ten sets of known non-members are needed for each of the three slopes; with fewer it abstains. It removes what makes
sets of photos alike to everybody: one event, one pose. What another network finds in the person alone stays. Where no
model stands beside the target, the thumbnails alone must explain.

Reference:
The reference of image similarity in FACE-AUDITOR (Chen et al., USENIX Security 2023), as a regression.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, AttackerKnowledge, Beside, Labelled, refuse_few_units, require
from bareface.membership.engine.features import direction, mean_of, unit
from bareface.membership.families.photo_sets import Array, OnSets, Sets, pairwise, sets_of, spread
from bareface.scores import Scores
from bareface.trace import Channel, Reference, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class SimilarityResidual(OnSets):
    """One residual.

    Attributes:
        k: photos in a set.
    """

    name: ClassVar[str] = "similarity-residual"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING, Channel.PICTURE})
    beside: ClassVar[frozenset[Beside]] = frozenset({"references"})

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """(n,) residuals of each photo's set."""
        judged, lessons = self._told(trace), [self._told(one.trace) for one in known.labelled]
        used = np.logical_and.reduce([~np.isnan(told).all(0) for told in (judged, *lessons)])
        used[0] = True
        fitted = [
            _slopes(_standard(told, told)[:, used], one) for told, one in zip(lessons, known.labelled, strict=True)
        ]
        # Another network's cosines have another scale: each pool is measured against itself.
        standard = _standard(judged, judged if known.knowledge == "shadow" else lessons[0])[:, used]
        return Scores(residual(standard, np.mean(fitted, axis=0)))

    def _told(self, trace: Trace) -> Array:
        require(self, trace)
        sets = sets_of(trace, self.k)
        return spread(likeness(trace, sets), sets, len(trace))


def likeness(trace: Trace, sets: Sets) -> Array:
    """(m, 3) how alike the photos of each set are to the target, to models that know nobody in it, and as pictures."""
    own = pairwise(direction(trace), sets).mean(1)
    picture = pairwise(unit(trace.channels[Channel.PICTURE]), sets).mean(1)
    return np.stack([own, to_others(trace, sets), picture], axis=1)


def to_others(trace: Trace, sets: Sets) -> Array:
    """(m,) mean of the standardised likeness over the models that were not trained on anybody in the set; else NaN."""
    return of_others(trace, sets, lambda other, some: pairwise(direction(other), some).mean(1)[:, None])[:, 0]


def of_others(trace: Trace, sets: Sets, numbers: Callable[[Trace, Sets], Array]) -> Array:
    """(m, f) means of standardised numbers of sets over the models that were not trained on anybody in the set.

    Args:
        trace: with at least one reference; without, (m, 1) NaN.
        sets: (m, k) rows.
        numbers: (trace, sets) to (sets, f).
    """
    told = [_strange(one, sets, numbers) for one in trace.references] or [np.full((len(sets), 1), np.nan)]
    standard = np.stack([_standard(one, one) for one in told])
    return mean_of(standard)


def _strange(one: Reference, sets: Sets, numbers: Callable[[Trace, Sets], Array]) -> Array:
    """(m, f) a model's numbers; NaN for sets of somebody on whom it was trained."""
    strange = ~one.familiar[sets].any(1)
    some = numbers(one.trace, sets[strange])
    told = np.full((len(sets), some.shape[1]), np.nan)
    told[strange] = some
    return told


def residual(standard: Array, slopes: Array) -> Array:
    """(n, f) standardised likenesses and (f,) an intercept with slopes to (n,) the first less what they predict."""
    return np.asarray(standard[:, 0] - slopes[0] - standard[:, 1:] @ slopes[1:])


def _slopes(standard: Array, one: Labelled) -> Array:
    """(f,) least squares on known non-members."""
    whole = ~np.isnan(standard).any(1)
    if len(np.unique(one.member[whole])) < 2:
        raise Abstained(
            "similarity-residual", got="one side only", expected="known members and known non-members in sets"
        )
    rows = standard[whole & ~one.member]
    sets = np.unique(rows, axis=0)  # photos of a set share their numbers
    refuse_few_units("similarity-residual", rows.shape[1], len(sets), "sets of known non-members")
    design = np.c_[np.ones(len(rows)), rows[:, 1:]]
    return np.asarray(np.linalg.lstsq(design, rows[:, 0], rcond=None)[0])


def _standard(values: Array, pool: Array) -> Array:
    """Columns in deviations of a pool from its mean; a column that is nowhere known stays NaN."""
    known = ~np.isnan(pool)
    count = np.maximum(known.sum(0), 1)
    mean = np.nansum(pool, 0) / count
    scale = np.sqrt(np.nansum((pool - mean) ** 2, 0) / count)
    return np.asarray((values - mean) / np.where(scale > 0, scale, 1.0))
