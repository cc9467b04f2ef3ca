"""A network that reads the head's largest posteriors.

What it tests:
Whether the shape of the largest posteriors, not only the very largest, tells training images from others.

What the attacker needs:
The classification head, which a deployed backbone does not carry; and shadow backbones with their heads (shadow, the
papers' setting), some true members (partial), or people who are known not to be members (nonmembers).

How it works:
The logits log p − log(1 − p) of the `top` largest posteriors, in order, for the image and its flip, go through a
network with one hidden layer. It is fitted on shadows, whose members the attacker knows, and applied to the target.

Known limits:
Only for a model whose head was kept. One network for all classes: the one for each class of Shokri et al. would need
shadows that know the target's people. Sorted posteriors say nothing of which class they are.

Reference:
Shokri et al., S&P 2017, arXiv 1610.05820; attack 1 of Salem et al., arXiv 1806.01246 (one shadow, top three).
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.attack_model import Shape
from bareface.membership.engine.posteriors import likeliest_logit, logit, top_log_posteriors
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class ShadowPosterior(FeatureAttack):
    """Logits of the largest posteriors.

    Attributes:
        top: how many of them.
    """

    name: ClassVar[str] = "shadow-posterior"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.TOP_COSINES, Channel.POSTERIOR})

    model: Shape = "mlp"
    top: Annotated[int, Field(ge=1, le=8)] = 3

    def features(self, trace: Trace) -> Features:
        """(n, views x top) logits, of all classes where there are fewer."""
        others = logit(top_log_posteriors(trace)[..., 1 : self.top])
        told = xp.concat([likeliest_logit(trace)[..., None], others], axis=-1)
        return told.reshape(len(told), -1)
