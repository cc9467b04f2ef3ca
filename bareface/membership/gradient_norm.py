"""How hard an image would still pull at the weights, layer by layer, with no label.

What it tests:
Whether the backbone has been fitted to the image: after training on it, the loss of its views against each other is
low and flat, and its gradient short.

What the attacker needs:
The weights, and that the backbone can be differentiated (white box; no ONNX graph); either some true members
(partial), a shadow backbone (shadow), or people who are known not to be members (nonmembers). No label, no head.

How it works:
The loss is 1 − cos(f(x), f(view of x)), for the mirror image and for a crop. For each convolution and linear map the
logarithm of the norm of this one image's gradient goes through the attack model.

Known limits:
The loss is small where a face looks the same mirrored anyway: read it beside the blind baseline and the foreign
model. Costs about as much as ten views.

Reference:
Per-sample gradient norms of Nasr, Shokri, Houmansadr (arXiv 1812.00910), with a loss that needs no label.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class GradientNorm(FeatureAttack):
    """Log norms of one image's gradient.

    Attributes:
        penalty: as of every attack model.
    """

    name: ClassVar[str] = "gradient-norm"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.GRADIENT_NORM})
    memory: ClassVar[Literal[-1, 0, 1]] = -1

    penalty: Annotated[float, Field(gt=0)] = 10.0

    def features(self, trace: Trace) -> Features:
        """(n, losses x layers) log norms."""
        norms = xp.exact(trace.channels[Channel.GRADIENT_NORM])
        return norms.reshape(len(norms), -1)
