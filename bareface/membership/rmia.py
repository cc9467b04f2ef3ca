"""Whether an image's posterior rose more than those of strangers, against reference models.

What it tests:
Whether the target is surer of an image than reference models are, compared with how much surer it is of other people's
images. There is no classification head: one is made of public people.

What the attacker needs:
Public people as a gallery, reference models that were not trained on the image (an audit's shadows), and only answers
(black box); beside them some true members (partial), the shadows' own (shadow), or people who are known not to be
members (nonmembers), for the direction and the threshold.

How it works:
The pseudo-head is softmax(κ cosine) over the gallery and the image itself: p_θ(x) is the posterior of the image's own
mirror image (`own`), or of the nearest public person (`nearest`), always without the image's own person in the gallery.
p(x) = ½[(1 + a) mean p_θ'(x) + 1 − a] over references that were not trained on x. The score is the share of public
images z with [p_θ(x) / p(x)] / [p_θ(z) / p(z)] ≥ γ.

Known limits:
The gallery stands for the target's classes; with few public people it is a coarse head. Likelihoods of softmax heads
were meant: nothing says that the pseudo-head's are calibrated.

Reference:
Zarifzadeh et al., RMIA, ICML 2024, arXiv 2312.03262 (offline form); the pseudo-head is ours.
"""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Beside, FeatureAttack, Features
from bareface.membership.engine.features import direction, mean_of
from bareface.membership.engine.gallery import Centres, gallery_of, own_log_posterior
from bareface.membership.families.calibrated import Positive
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]

# More strangers move the share by less than a fiftieth.
MOST_STRANGERS = 500


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Rmia(FeatureAttack):
    """The share of strangers whose ratio is smaller.

    Attributes:
        posterior: of the image's own mirror image, or of the nearest public person.
        kappa: scale κ of the pseudo-head.
        gamma: by how much the ratio must exceed the stranger's.
        a: how much larger posteriors of members are than of others; 1 = p(x) is the references' mean.
    """

    name: ClassVar[str] = "rmia"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    beside: ClassVar[frozenset[Beside]] = frozenset({"references", "gallery"})

    posterior: Literal["own", "nearest"] = "own"
    kappa: Positive = 4.0
    gamma: Positive = 1.0
    a: Annotated[float, Field(ge=0, le=1)] = 0.3

    def features(self, trace: Trace) -> Features:
        """(n, 1) shares."""
        others = [one.trace for one in trace.references]
        images = self._log_ratio(trace, others, np.array([~one.member for one in trace.references]))
        known = [self._strangers(one) for one in (trace, *others)]
        strangers = self._log_ratio(known[0], known[1:], np.ones((len(others), len(known[0])), dtype=bool))
        return share_exceeded(images, strangers, float(np.log(self.gamma)))[:, None]

    def _strangers(self, trace: Trace) -> Trace:
        """Some of the gallery, with all of it beside them; the same images for every model."""
        gallery = gallery_of(trace, self.name)
        return replace(gallery.take(np.argsort(gallery.image)[:MOST_STRANGERS]), gallery=gallery)

    def _log_ratio(self, trace: Trace, references: list[Trace], unseen: NDArray[np.bool_]) -> Array:
        """(n,) log p_θ(x) − log p(x)."""
        if not references:
            raise Abstained(
                self.name, got="no reference model", expected="other models beside the target", hint="shadow settings"
            )
        told = np.stack([np.exp(self._log_posterior(one)) for one in references])
        mean = mean_of(np.where(unseen, told, np.nan))
        return self._log_posterior(trace) - np.log(0.5 * ((1 + self.a) * mean + 1 - self.a))

    def _log_posterior(self, trace: Trace) -> Array:
        if self.posterior == "own":
            return own_log_posterior(trace, self.name, self.kappa)
        centres = Centres.of(gallery_of(trace, self.name))
        return centres.each(direction(trace), trace.photo_set, self._of_nearest)

    def _of_nearest(self, cosine: Array) -> Array:
        most = cosine.max(1, keepdims=True)
        return np.asarray(-np.log(np.exp(self.kappa * (cosine - most)).sum(1)))


def share_exceeded(values: Array, others: Array, by: float) -> Array:
    """(n,) share of the others that each value exceeds by so much at least; NaN where it is unknown."""
    known = np.sort(others[~np.isnan(others)])
    share = np.searchsorted(known, values - by, side="right") / max(1, len(known))
    return np.where(np.isnan(values), np.nan, share)
