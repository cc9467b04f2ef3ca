"""How hard an image would pull at the weights if training met it as a class of its own.

What it tests:
Whether the backbone has been fitted to the image: its views lie close together and away from other people already,
so a margin loss has little left to pull at.

What the attacker needs:
The weights, and that the backbone can be differentiated (white box; no ONNX graph); some faces of other people (public
ones, else auxiliary, else rendered); either some true members (partial), a shadow backbone (shadow), or people who are
known not to be members (nonmembers). No label, no head.

How it works:
The mean direction of the image's and its mirror image's embedding is its class (a pseudo-centroid), public faces are
all other classes, and the loss is ArcFace's with s = 4, m = .5. For each convolution and linear map the logarithm of
the norm of this one image's gradient goes through the attack model.

Known limits:
With larger scales the public faces drown the image's own pull, and less is seen. Read it beside the blind baseline
and the foreign model. Costs about as much as five views.

Reference:
Per-sample gradient norms of Nasr, Shokri, Houmansadr (arXiv 1812.00910), with the margin loss of ArcFace (arXiv
1801.07698) on a pseudo-centroid in the place of the class that is not released.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class MarginGradient(FeatureAttack):
    """Log norms of one image's gradient of a margin loss.

    Attributes:
        penalty: as of every attack model.
    """

    name: ClassVar[str] = "margin-gradient"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.MARGIN_GRADIENT})

    penalty: Annotated[float, Field(gt=0)] = 10.0

    def features(self, trace: Trace) -> Features:
        """(n, layers) log norms."""
        norms = xp.exact(trace.channels[Channel.MARGIN_GRADIENT])
        return norms.reshape(len(norms), -1)
