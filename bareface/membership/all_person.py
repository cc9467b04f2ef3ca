"""Everything that a person's photos give, in one learned stack.

What it tests:
Whether all that the other attacks on a set of photos see, taken together, tells a person who was in training from one
who was not.

What the attacker needs:
The raw embeddings of exactly k photos of each person; whatever else there is makes it stronger: BatchNorm buffers, a
gallery of public people, models that never saw the person, training images of other people. Either some true members
(partial), a shadow backbone (shadow), or people who are known not to be members (nonmembers).

How it works:
Families of features: compactness; mean direction; SLMIA-SR's 24 within the set; margin to strangers; likeness as
pictures; mean, least and largest over the set of one-image signals (norm, agreement with the flip, nearest
stranger); the means of these and of the cosines beside what models say that do not know the person; means over the set
of BatchNorm distances. Each family has its own regularised fit. One more reads what they say of people they did not
learn from; its penalty is chosen by cross-validation within what is known, in folds that share no person.

Known limits:
As good as what is known is large: with a few dozen people the single attacks may do better. A family that more than a
tenth of the sets lacks is left out. It inherits the limits of all it reads: look at the controls.

Reference:
Stacked generalisation: Wolpert, Neural Networks 5 (1992); the families' references stand on their own pages.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, AttackerKnowledge, Beside, Labelled, require
from bareface.membership.engine.features import direction, fisher, flip_agreement, log_length
from bareface.membership.engine.gallery import nearest_stranger
from bareface.membership.engine.stacking import Families, LabelledFamilies, fit_stack
from bareface.membership.families.photo_sets import Array, OnSets, Sets, pairwise, sets_of, spread
from bareface.membership.mean_direction import MeanDirection, beside_gallery
from bareface.membership.similarity_residual import likeness, of_others
from bareface.membership.slmia import within
from bareface.membership.stranger_margin import margins
from bareface.scores import Scores
from bareface.trace import Channel, Trace

SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class AllPerson(OnSets):
    """A stack.

    Attributes:
        k: photos in a set.
    """

    name: ClassVar[str] = "all-person"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    uses: ClassVar[frozenset[Channel]] = frozenset({Channel.BN_DISTANCE_VARIANCE, Channel.PICTURE})
    beside: ClassVar[frozenset[Beside]] = frozenset({"references", "gallery", "trained"})

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """(n,) the stack's logit of each photo's set."""
        sets, lessons = sets_of(trace, self.k), [self._known(one) for one in known.labelled]
        judged = self._families(trace, sets)
        logit = fit_stack(lessons, judged, rng).logit(judged, own_scale=known.knowledge == "shadow")
        return Scores(spread(logit[:, None], sets, len(trace))[:, 0])

    def _known(self, one: Labelled) -> LabelledFamilies:
        sets = sets_of(one.trace, self.k)
        return LabelledFamilies(self._families(one.trace, sets), one.member[sets[:, 0]], one.people[sets[:, 0]])

    def _families(self, trace: Trace, sets: Sets) -> Families:
        require(self, trace)
        return Families(dict(families(trace, sets)))


def families(trace: Trace, sets: Sets) -> Iterator[tuple[str, Array]]:
    """The features of each set, by family; those that the trace gives."""
    k = sets.shape[1]
    yield "compactness", quantiles(pairwise(direction(trace), sets))
    yield "similarities", within(direction(trace)[sets])
    yield "direction", MeanDirection(k=k).of_sets(trace, sets)
    yield "signals", np.concatenate([of_set(signal, sets) for signal in signals(trace)], axis=1)
    if trace.references:
        others = of_others(trace, sets, summary)
        yield "beside others", np.concatenate([summary(trace, sets), others], axis=1)
    if trace.gallery is not None and len(trace.gallery):
        yield "margin", quantiles(margins(trace, sets, AllPerson.name))
    if Channel.PICTURE in trace.channels:
        yield "likeness", likeness(trace, sets)[:, [0, 2]]
    if Channel.BN_DISTANCE_VARIANCE in trace.channels:
        distance = trace.channels[Channel.BN_DISTANCE_VARIANCE].astype(np.float64).mean(1)
        yield "distances", np.log(np.maximum(distance, SMALLEST))[sets].mean(1)


def signals(trace: Trace) -> Iterator[Array]:
    """(n,) each signal of one image that the trace gives: norm, agreement with the flip, nearest stranger."""
    yield log_length(trace.channels[Channel.EMBEDDING][:, 0].astype(np.float64))
    if "flip" in trace.views:
        yield flip_agreement(trace, AllPerson.name)
    if trace.gallery is not None and len(trace.gallery):
        yield fisher(nearest_stranger(trace, AllPerson.name))


def summary(trace: Trace, sets: Sets) -> Array:
    """(m, f) what is comparable between models: mean signals, mean cosine, and the numbers of the mean direction."""
    told = [signal[sets].mean(1) for signal in signals(trace)]
    told += [pairwise(direction(trace), sets).mean(1), *beside_gallery(trace, sets)]
    return np.stack(told, axis=1)


def of_set(signal: Array, sets: Sets) -> Array:
    """(n,) to (m, 3): mean, least and largest over each set."""
    values = signal[sets]
    return np.stack([values.mean(1), values.min(1), values.max(1)], axis=1)


def quantiles(values: Array) -> Array:
    """(m, v) to (m, 6): mean, least, quartiles, largest."""
    return np.column_stack([values.mean(1), np.quantile(values, (0.0, 0.25, 0.5, 0.75, 1.0), axis=1).T])
