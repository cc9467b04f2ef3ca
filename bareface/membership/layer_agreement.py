"""Agreement of the image with altered views of it, layer by layer.

What it tests:
At which depth of the backbone the views of an image become alike, and whether that happens earlier and more for
images that it was trained on.

What the attacker needs:
The backbone with its BatchNorm buffers (white box), and either some true members (partial), a shadow backbone
(shadow), or people who are known not to be members (nonmembers).

How it works:
For each BatchNorm layer, the channels of what enters it, averaged over positions and standardised by the running
statistics, of the image and of a view. artanh of their cosine, layer by layer, goes through the attack model: for the
mirror image (`flip`), or besides the mean and the deviation over the other views of the bank (`all`), which tells
more where members are known and carries over less from shadows.

Known limits:
The first layers see the picture itself: what they say is about its symmetry and sharpness. A backbone whose BatchNorm
was folded has no such layers. Costs a pass for each view.

Reference:
The views of EncoderMI (arXiv 2108.11023) at the layers of MINT (arXiv 2402.09225).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.features import fisher
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class LayerAgreement(FeatureAttack):
    """Cosines layer by layer.

    Attributes:
        views: the mirror image alone, or all.
        penalty: as of every attack model.
    """

    name: ClassVar[str] = "layer-agreement"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.LAYER_AGREEMENT})
    memory: ClassVar[Literal[-1, 0, 1]] = 1

    views: Literal["flip", "all"] = "flip"
    penalty: Annotated[float, Field(gt=0)] = 10.0

    def features(self, trace: Trace) -> Features:
        """(n, l) the mirror image's cosines, or (n, 3 l) with the mean and the deviation of the other views'."""
        cosines = fisher(xp.exact(trace.channels[Channel.LAYER_AGREEMENT]))
        if self.views == "flip":
            return cosines[:, 0]
        others = cosines[:, 1:]
        return xp.concat([cosines[:, 0], others.mean(1), xp.std(others, 1)], axis=1)
