"""How much of an image's embedding survives when parts of the face are covered.

What it tests:
Whether the backbone still recognises an image it was trained on when eyes, nose, mouth, a half of the face or some
patches are covered; what is remembered needs fewer parts.

What the attacker needs:
Only answers (black box), one for each covered part, and either some true members (partial), a shadow backbone
(shadow), or people who are known not to be members (nonmembers).

How it works:
artanh of the cosine between the embeddings of the image and of the image with one part covered, for every part, and
of those between parts; the profile goes through the attack model.

Known limits:
Faces turned to one side lose more when that side is covered: read it beside the blind baseline and the foreign model.
Covering does not follow the landmarks of the face; pictures are taken as aligned.

Reference:
The response to parts of PartCrop, arXiv 2404.02462, with parts covered instead of cut out and embeddings in the place
of feature maps.
"""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.bank_features import cosine_matrix, covered
from bareface.membership.engine.features import fisher
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class PartResponse(FeatureAttack):
    """Cosines to the image with a part covered.

    Attributes:
        penalty: as of every attack model.
    """

    name: ClassVar[str] = "part-response"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.VIEW_COSINES})

    penalty: Annotated[float, Field(gt=0)] = 10.0

    def features(self, trace: Trace) -> Features:
        """(n, parts + pairs of parts) Fisher-transformed cosines."""
        parts, cosines = covered(trace), cosine_matrix(trace)
        rows, columns = np.triu_indices(len(parts), 1)
        between = cosines[:, parts][:, :, parts][:, rows, columns]
        return fisher(xp.concat([cosines[:, 0, parts], between], axis=1))
