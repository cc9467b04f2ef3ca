"""Loss threshold: a member is whoever has a smaller loss than training images have on average.

What it tests:
Whether the classification loss of training images is smaller than that of others.

What the attacker needs:
The classification head, which a deployed backbone does not carry; and the mean loss of training images: from some true
members (partial), from a shadow's members (shadow), or for want of better from the images in question (nonmembers).

How it works:
The image's loss is −log p_y of softmax(32 cosine) without margin, averaged over the image and its flip. The score is
log (mean loss of the known members) − log loss: positive where the loss is below the threshold. Whoever asks does not
know which class is the person's: the image's likeliest class stands in for y (`likeliest`), or the class that all
photos of the person together find likeliest (`voted`).

Known limits:
Only for a model whose head was kept. With `likeliest` the order of images is that of the largest posterior; only the
threshold is another. Beyond the eight likeliest classes of an image the loss is a lower bound, that of the eighth.
A vote among few photos agrees more easily: where one side brings fewer a person, `voted` tells the sides apart a little
without any training (the foreign model shows it).

Reference:
Adversary 1 of Yeom et al., CSF 2018, arXiv 1709.01604.
"""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Attack, AttackerKnowledge, require
from bareface.membership.engine.posteriors import likeliest_logit, top_log_posteriors
from bareface.scores import Scores
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]

_SMALLEST = 1e-30


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Yeom(Attack):
    """The threshold on the loss.

    Attributes:
        label: what stands in for the unknown label.
    """

    name: ClassVar[str] = "yeom"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.TOP_COSINES, Channel.TOP_CLASSES, Channel.POSTERIOR})

    label: Literal["likeliest", "voted"] = "likeliest"

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """(n,) by how much the logarithm of the loss is below that of the known members' mean loss."""
        threshold = np.mean([self._members_loss(one.trace, one.member) for one in known.labelled])
        return Scores(np.log(np.maximum(threshold, _SMALLEST)) - np.log(np.maximum(self.loss(trace), _SMALLEST)))

    def loss(self, trace: Trace) -> Array:
        """(n,) losses in nats."""
        require(self, trace)
        log_p = top_log_posteriors(trace)
        log_p[..., 0] = -np.log1p(np.exp(-likeliest_logit(trace)))
        if self.label == "likeliest":
            return np.asarray(-log_p[..., 0].mean(1))
        return np.asarray(-_of_class(trace, log_p, _voted(trace)).mean(1))

    def _members_loss(self, trace: Trace, member: NDArray[np.bool_]) -> float:
        loss = self.loss(trace)
        if len(np.unique(member[~np.isnan(loss)])) < 2:
            raise Abstained(self.name, got="one side only", expected="known members and known non-members")
        return float(np.nanmean(loss[member]))


def _voted(trace: Trace) -> Array:
    """(n,) the class with the largest sum of cosines over all photos that were brought together with the image."""
    classes, cosine = (trace.channels[name] for name in (Channel.TOP_CLASSES, Channel.TOP_COSINES))
    told, voted = ~np.isnan(cosine).any((1, 2)), np.full(len(trace), np.nan)
    for photo_set in np.unique(trace.photo_set[told]):
        rows = np.flatnonzero(told & (trace.photo_set == photo_set))
        named, vote = np.unique(classes[rows], return_inverse=True)
        voted[rows] = named[np.bincount(vote.ravel(), cosine[rows].ravel().astype(np.float64)).argmax()]
    return voted


def _of_class(trace: Trace, log_p: Array, label: Array) -> Array:
    """(n, v) log posteriors of a class for each image; of the eighth where it is not among the eight likeliest."""
    right = trace.channels[Channel.TOP_CLASSES] == label[:, None, None]
    return np.where(right.any(-1), np.where(right, log_p, 0.0).sum(-1), log_p[..., -1])
