"""Length of the embedding before it is normalised.

What it tests:
Whether training images have longer (or shorter) embeddings than images that were not in training.

What the attacker needs:
The raw embedding, before normalisation, and either some true members (partial) or a shadow backbone (shadow).

How it works:
The logarithm of the norm of the embedding of the image and of its flip; the fit decides which direction speaks for
membership.

Known limits:
The norm of face embeddings follows image quality (MagFace, AdaFace): the blind baseline tells how much.

Reference:
The norm likelihood of LpLA, arXiv 2506.05743.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.features import Flip, log_length, views
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class EmbeddingNorm(FeatureAttack):
    """Log norms.

    Attributes:
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "embedding-norm"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    memory: ClassVar[Literal[-1, 0, 1]] = 1

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views) log norms."""
        return views(log_length(xp.exact(trace.channels[Channel.EMBEDDING])), self.flip)
