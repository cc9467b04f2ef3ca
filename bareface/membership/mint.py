"""A small network that reads pooled activations.

What it tests:
Whether anything in the activations, not only their distance to a mean, tells training images from others.

What the attacker needs:
The backbone's inside, and some true members of this very backbone (partial) or people who are known not to be members
(nonmembers). Shadows are of no use: two networks have no axes in common, so it abstains.

How it works:
What enters each BatchNorm layer, averaged over positions and standardised by the running statistics, goes through a
fixed random matrix to 32 numbers a layer; image and flip are averaged. A network with one hidden layer reads them all.

Known limits:
Hundreds of numbers learn from few members: the penalty is high, and with fewer than some hundred known members the
simpler distances are better. Where members and others come from different sources it learns the source: the blind
baseline and the foreign model tell.

Reference:
DeAlcala et al., Is my Data in your AI Model? Membership Inference Test (MINT), arXiv 2402.09225; its perceptron on
pooled activations, with the random projection in place of choosing layers.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.attack_model import Shape
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace
from bareface.vocabulary import Knowledge


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Mint(FeatureAttack):
    """Pooled activations of all layers.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "mint"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.POOLED})
    useless: ClassVar[frozenset[Knowledge]] = frozenset({"shadow"})

    model: Shape = "mlp"
    penalty: Annotated[float, Field(gt=0)] = 30.0
    flip: Flip = "mean"

    def features(self, trace: Trace) -> Features:
        """(n, layers x 32) numbers, for each view unless they are averaged."""
        return views(trace.channels[Channel.POOLED], self.flip)
