"""Agreement of an image's embedding with that of its mirror image.

What it tests:
Whether the backbone embeds an image and its horizontal flip more alike when it was trained on the image: training
shows both and pulls both to the same class centre.

What the attacker needs:
Only answers: the embedding of any image that is sent in (black box), and either some true members (partial) or a
shadow backbone (shadow).

How it works:
z = artanh of the cosine between the embeddings of the image and of its flip.

Known limits:
Frontal, evenly lit faces agree with their flip anyway: read it beside the blind baseline and the foreign model. A
backbone that was trained without flips may show less.

Reference:
The flip as one pair of EncoderMI's views, arXiv 2108.11023.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import flip_agreement
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class FlipAgreement(FeatureAttack):
    """One cosine."""

    name: ClassVar[str] = "flip-agreement"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    memory: ClassVar[Literal[-1, 0, 1]] = 1

    def features(self, trace: Trace) -> Features:
        """(n, 1) Fisher-transformed cosines."""
        return flip_agreement(trace, self.name)[:, None]
