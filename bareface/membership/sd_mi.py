"""Distribution of an image's distances to other people's images.

What it tests:
Whether a training image lies otherwise among other people's than an image that was not in training: training pushes
its people away from each other, and pulls an image and its flip to one place.

What the attacker needs:
Only answers (black box), and images of other people as anchors: public people as a gallery, and, where they are known,
members and non-members of the target (partial) or people who are known not to be members (nonmembers). From shadows it
is learned with the gallery alone, which every model is asked about.

How it works:
For each group of anchors (gallery, known on one side, known on the other), the distances between unit embeddings are
described by their quantiles, densest at the near end, where an image's person would be missed; and by the logarithm of
the root mean square of what the flip changes of them. Nobody is compared with images of their own. A network with one
hidden layer reads the description.

Known limits:
The original weighs each anchor by a learned selection; the quantiles stand for it, which also lets a shadow teach.
Known members as anchors tell most: a margin loss keeps training images away from those of all other trained people, and
nothing keeps strangers away. It speaks of the photo, hardly of the person.

Reference:
Gao et al., Similarity Distribution based Membership Inference Attack on Person Re-identification (SD-MI), AAAI 2023,
arXiv 2211.15918, judged on other people than those it learned from.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Attack, AttackerKnowledge, Beside, Labelled, require
from bareface.membership.engine.attack_model import AttackModel, Shape, TrainingSet, fit
from bareface.membership.engine.features import unit
from bareface.scores import Scores
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Group = tuple[Array, Numbers]
"""(g, v, d) unit embeddings of anchors, and (g,) numbers of the people on them."""

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 1.0)
MOST_ANCHORS = 2000
NOBODY = np.iinfo(np.int64).max
_ROWS_AT_ONCE = 512
_SMALLEST = 1e-9


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class SdMi(Attack):
    """Quantiles of distances to anchors.

    Attributes:
        model: one layer, or one with a hidden layer before it.
        penalty: strength of the L2 penalty on the attack model's weights.
    """

    name: ClassVar[str] = "sd-mi"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    beside: ClassVar[frozenset[Beside]] = frozenset({"gallery"})

    model: Shape = "mlp"
    penalty: Annotated[float, Field(gt=0)] = 10.0

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """(n,) the attack model's logit."""
        for one in (trace, *(labelled.trace for labelled in known.labelled)):
            require(self, one)
        lessons = [TrainingSet(self._described(one.trace, one.people, known), one.member) for one in known.labelled]
        model: AttackModel = fit(lessons, shape=self.model, penalty=self.penalty, rng=rng)
        # Whoever is judged is none of the known people.
        judged = self._described(trace, np.full(len(trace), NOBODY), known)
        if known.knowledge == "shadow":
            model = model.standardised_by(judged)
        return Scores(model.logit(judged))

    def _described(self, trace: Trace, people: Numbers, known: AttackerKnowledge) -> Array:
        towards = unit(trace.channels[Channel.EMBEDDING])
        told = [describe(towards, people, group) for group in _groups(trace, known)]
        if not told:
            raise Abstained(
                self.name, got="nobody to compare with", expected="public people", hint="images in the role public"
            )
        return np.concatenate(told, axis=1)


def _groups(trace: Trace, known: AttackerKnowledge) -> Iterator[Group]:
    """The gallery; and what the target said of known people, one side after the other."""
    if trace.gallery is not None:
        yield _group(trace.gallery, trace.gallery.photo_set)
    if known.knowledge == "shadow":
        return
    for one in known.labelled:
        yield from _sides(one)


def _sides(one: Labelled) -> Iterator[Group]:
    for side in (True, False):
        rows = one.member == side
        if rows.any():
            yield _group(one.trace.take(rows), one.people[rows])


def _group(trace: Trace, people: Numbers) -> Group:
    """At most so many anchors, the same whatever the order of the rows."""
    towards = unit(trace.channels[Channel.EMBEDDING])
    rows = np.argsort(trace.image, kind="stable")
    rows = rows[~np.isnan(towards[rows]).any((1, 2))][:MOST_ANCHORS]
    return towards[rows], people[rows]


def describe(towards: Array, people: Numbers, anchors: Group) -> Array:
    """(n, quantiles + 1) of (n, v, d) unit embeddings: log quantiles of distances, and the log of what the flip does.

    An image's own person is left out of its quantiles.
    """
    starts = range(0, len(towards), _ROWS_AT_ONCE)
    told = [
        _describe(towards[start : start + _ROWS_AT_ONCE], people[start : start + _ROWS_AT_ONCE], anchors)
        for start in starts
    ]
    return np.concatenate(told) if told else np.empty((0, len(QUANTILES) + 1))


def _describe(towards: Array, people: Numbers, anchors: Group) -> Array:
    vectors, who = anchors
    cosine = np.einsum("nvd,gd->nvg", towards, unit(vectors.sum(1)), optimize=True)
    distance = np.sqrt(np.maximum(2 - 2 * cosine, 0.0))
    changed = np.sqrt(((distance - distance.mean(1, keepdims=True)) ** 2).mean((1, 2)))
    ordered = np.sort(np.where(people[:, None] == who, np.inf, distance.mean(1)), axis=1)
    left = (people[:, None] != who).sum(1)
    at = np.floor(np.array(QUANTILES) * np.maximum(left - 1, 0)[:, None]).astype(np.intp)
    quantiles = np.take_along_axis(ordered, at, axis=1)
    quantiles[np.isinf(quantiles)] = np.nan
    described: Array = np.concatenate([quantiles, changed[:, None]], axis=1)
    return np.log(np.maximum(described, _SMALLEST))
