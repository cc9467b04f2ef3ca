"""Largest cosine to a class centre: what the classification layer would leak.

What it tests:
Whether an image lies nearer to one of the class centres that training left behind than images that were not in
training. It is the ceiling that headless attacks are compared with.

What the attacker needs:
The classification head, which a deployed backbone does not carry; and either some true members (partial) or a shadow
backbone with its head (shadow).

How it works:
The largest cosine of the embedding to a row of the head's weight, for the image and for its flip.

Known limits:
Only for a model whose head was kept or left in the file. No identity is claimed: the largest over all classes is used.

Reference:
The head-based comparison of arXiv 2401.13719; the largest posterior of Salem et al., arXiv 1806.01246.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class ClassCentre(FeatureAttack):
    """The largest cosine.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "class-centre"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.CLASS_COSINE})
    memory: ClassVar[Literal[-1, 0, 1]] = 1

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views) largest cosines."""
        return views(trace.channels[Channel.CLASS_COSINE], self.flip)
