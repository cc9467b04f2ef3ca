"""The blind baseline: the same classifier on the same folds, on what anybody sees without the target.

If it tells members from non-members, the two sides differ as pictures, and an attack must beat it to show a leak.
"""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import direction
from bareface.membership.families.photo_sets import sets_of
from bareface.membership.subject_compactness import compactness
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class BlindBaseline(FeatureAttack):
    """Features of the picture and its file; with k, also how alike the k photos of a set are as pictures.

    Attributes:
        k: photos in a set, as the attack beside it has them; 0 = single images.
    """

    name: ClassVar[str] = "blind"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.BLIND, Channel.EMBEDDING})

    k: Annotated[int, Field(ge=0)] = 0

    def features(self, trace: Trace) -> Features:
        """(n, f) or (n, f + 4)."""
        seen = trace.channels[Channel.BLIND].astype(np.float64)
        if not self.k:
            return seen
        return np.concatenate([seen, compactness(direction(trace), sets_of(trace, self.k))], axis=1)


def blind_trace(image: NDArray[np.str_], features: NDArray[np.float32], thumbnail: NDArray[np.float32]) -> Trace:
    """A trace of pictures that no model has seen; the thumbnail stands in for the embedding."""
    channels = {Channel.BLIND: features, Channel.EMBEDDING: thumbnail[:, None, :]}
    return Trace(image, np.arange(len(image)), channels, views=("image",))
