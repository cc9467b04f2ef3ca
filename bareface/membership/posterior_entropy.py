"""Entropy of the classification head's posterior: how undecided the model is.

What it tests:
Whether the head is less undecided on training images than on others.

What the attacker needs:
The classification head, which a deployed backbone does not carry; and some true members (partial), a shadow backbone
with its head (shadow), or people who are known not to be members (nonmembers).

How it works:
The logarithm of the entropy of softmax(32 cosine) over all classes, for the image and for its flip (`entropy`); or of
the modified entropy −(1 − p_y) log p_y − Σ_{i≠y} p_i log(1 − p_i), which also knows whether the model is right
(`modified`). No label is known here: the likeliest class stands in for y.

Known limits:
Only for a model whose head was kept. With the likeliest class for y the modified entropy loses its point, to tell the
confidently right from the confidently wrong.

Reference:
Salem et al., arXiv 1806.01246 (entropy); Song and Mittal, USENIX Security 2021, equation 8 (modified entropy).
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace

_SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class PosteriorEntropy(FeatureAttack):
    """Log entropies.

    Attributes:
        form: the plain entropy or the modified one.
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "posterior-entropy"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.POSTERIOR})
    memory: ClassVar[Literal[-1, 0, 1]] = -1

    form: Literal["entropy", "modified"] = "entropy"
    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views) logarithms of the entropy in nats."""
        column = 1 if self.form == "entropy" else 2
        return xp.log(xp.clip(views(trace.channels[Channel.POSTERIOR][..., column], self.flip), _SMALLEST))
