"""Agreement of an image's embedding with those of two dozen altered views of it.

What it tests:
Whether the backbone embeds the image and its altered views (mirrored, cropped, shifted, turned, relit, blurred,
noisy, compressed, partly covered) more alike when it was trained on the image.

What the attacker needs:
Only answers: the embedding of any image that is sent in (black box), one for each view, and either some true members
(partial), a shadow backbone (shadow), or people who are known not to be members (nonmembers).

How it works:
artanh of the cosines between the embeddings of views. `anchored`, the learned form, gives each view a weight for its
cosine with the image and one for that with the mirror image; `pairs` gives every pair of views one; `vector` forgets
which views they are and sorts the cosines of all pairs (EncoderMI-V); `set` sees only their mean, deviation and
quantiles (EncoderMI-S, with a summary in the place of its network of sets); `threshold` sees only their mean
(EncoderMI-T).

Known limits:
Frontal, sharp, evenly lit faces agree with their views anyway: read it beside the blind baseline and the foreign
model. Costs a pass for each view. An endpoint that answers the same for alike pictures hides it.

Reference:
EncoderMI: Liu, Jia, Qu, Gong, arXiv 2108.11023.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.bank_features import anchored, moments_and_quantiles
from bareface.membership.engine.features import fisher, views
from bareface.trace import Channel, Trace

Form = Literal["anchored", "pairs", "vector", "set", "threshold"]


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class ViewAgreement(FeatureAttack):
    """Cosines between all views.

    Attributes:
        form: what the attack model sees of the cosines.
        penalty: as of every attack model; cosines that go together want a strong one.
    """

    name: ClassVar[str] = "view-agreement"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.VIEW_COSINES})

    form: Form = "anchored"
    penalty: Annotated[float, Field(gt=0)] = 30.0

    def features(self, trace: Trace) -> Features:
        """(n, f) Fisher-transformed cosines, or what is left of them."""
        if self.form == "anchored":
            return anchored(trace)
        cosines = fisher(xp.exact(trace.channels[Channel.VIEW_COSINES]))
        if self.form == "vector":
            return xp.sort(cosines, 1)
        if self.form == "set":
            return moments_and_quantiles(cosines)
        if self.form == "threshold":
            return views(cosines, "mean")
        return cosines
