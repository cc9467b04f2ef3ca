"""How much more alike the target finds two views of an image than models do that never saw it.

What it tests:
Whether the target aligned the views of an image beyond what the image's own looks account for: the definition of
memorisation for encoders without labels.

What the attacker needs:
Reference models that were not trained on the image (an audit's shadows), and only answers (black box); beside them some
true members (partial), the shadows' own (shadow), or people who are known not to be members (nonmembers), for the
direction and the threshold.

How it works:
d(x) is the mean distance between the unit embeddings of two views of the image: of the image and its flip (`flip`), or
of all pairs out of the bank of altered views (`bank`), which costs a pass for each. The score is the mean of d over the
references that were not trained on the image − d of the target.

Known limits:
With the flip as the only other view it is a single distance. Distances of two networks differ in scale; the fit on what
is known takes out what they have in common.

Reference:
Wang et al., Memorization in Self-Supervised Learning (SSLMem), ICLR 2024, arXiv 2401.12233, its definition 1 with unit
embeddings.
"""

from itertools import combinations
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Beside, FeatureAttack, Features, check_channels
from bareface.membership.engine.features import mean_of, unit
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Sslmem(FeatureAttack):
    """One difference of distances.

    Attributes:
        views: the image and its flip, or the bank of altered views.
    """

    name: ClassVar[str] = "sslmem"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    beside: ClassVar[frozenset[Beside]] = frozenset({"references"})

    views: Literal["flip", "bank"] = "flip"

    def reads(self) -> frozenset[Channel]:
        """Embeddings, or the cosines between the views of the bank."""
        return self.needs if self.views == "flip" else self.needs | {Channel.VIEW_COSINES}

    def features(self, trace: Trace) -> Features:
        """(n, 1) differences; NaN where every reference was trained on the image."""
        if not trace.references:
            raise Abstained(
                self.name, got="no reference model", expected="other models beside the target", hint="shadow settings"
            )
        told = [np.where(one.member, np.nan, self._disagreement(one.trace, "reference")) for one in trace.references]
        return (mean_of(np.stack(told)) - self._disagreement(trace, "target"))[:, None]

    def _disagreement(self, trace: Trace, whose: str) -> Array:
        check_channels(self.name, self.reads(), trace, whose)
        if self.views == "bank":
            return mean_chord(trace.channels[Channel.VIEW_COSINES].astype(np.float64))
        if len(trace.views) < 2:
            raise Abstained(
                self.name, got=f"a {whose} that gives the view {trace.views[0]} alone", expected="two views or more"
            )
        return disagreement(trace)


def disagreement(trace: Trace) -> Array:
    """(n,) mean distance between the unit embeddings of two views of an image, over all pairs of views."""
    towards = unit(trace.channels[Channel.EMBEDDING])
    pairs = combinations(range(towards.shape[1]), 2)
    return mean_chord(np.stack([(towards[:, a] * towards[:, b]).sum(1) for a, b in pairs], axis=1))


def mean_chord(cosine: Array) -> Array:
    """(n, pairs) cosines of unit vectors to (n,) means of their distances √(2 − 2 cosine)."""
    return np.asarray(np.sqrt(np.maximum(2 - 2 * cosine, 0.0)).mean(1))
