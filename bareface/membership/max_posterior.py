"""Largest posterior of the classification head: how sure the model is.

What it tests:
Whether the head is surer of its likeliest class on training images than on others.

What the attacker needs:
The classification head, which a deployed backbone does not carry; and some true members (partial), a shadow backbone
with its head (shadow), or people who are known not to be members (nonmembers).

How it works:
The largest entry p of softmax(32 cosine), as log p − log(1 − p), for the image and for its flip. The threshold, or with
both views the line, is fitted on what is known.

Known limits:
Only for a model whose head was kept. No label is used. The scale 32 stands for that of training, which nobody states.

Reference:
Attack 3 of Salem et al., ML-Leaks, arXiv 1806.01246.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import Flip, views
from bareface.membership.engine.posteriors import likeliest_logit
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class MaxPosterior(FeatureAttack):
    """Logits of posteriors.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "max-posterior"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.POSTERIOR, Channel.TOP_COSINES})
    memory: ClassVar[Literal[-1, 0, 1]] = 1

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views) logits of the largest posterior."""
        return views(likeliest_logit(trace), self.flip)
