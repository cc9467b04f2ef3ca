"""Public faces as the other classes of a margin loss, so that it needs neither head nor label."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bareface.errors import UsageError
from bareface.faces.source import Images
from bareface.targets.target import Target

# Of the four scales 4, 16, 32, 64 the smallest told most about a target trained on real faces (docs/results.md).
SCALE = 4.0
MARGIN = 0.5
_BATCH = 32
# arccos has no slope at ±1, where identical views of an image meet their centroid.
_NEARLY_ONE = 1 - 1e-6


@dataclass(frozen=True, eq=False)
class PublicDirections:
    """Where public faces lie.

    Attributes:
        direction: (k, d) embeddings of unit length.
    """

    direction: Tensor

    @property
    def sha256(self) -> str:
        """Fingerprint of the numbers."""
        return hashlib.sha256(self.direction.cpu().numpy().tobytes()).hexdigest()

    def margin_loss(self, embedding: Tensor) -> Tensor:
        """(v n, d) embeddings of n images, view after view, to (n,) losses: ArcFace with a pseudo-centroid.

        −log softmax of s cos(θ + m) against s cos to every stranger, where θ is the angle between a view and the mean
        direction of the image's v = 2 views, held fixed; the mean over the views.
        """
        view = torch.stack(functional.normalize(embedding).chunk(2))
        centroid = functional.normalize(view.mean(0), dim=-1).detach()
        cosine = (view * centroid).sum(-1).clamp(-_NEARLY_ONE, _NEARLY_ONE)
        own = torch.cos(torch.acos(cosine) + MARGIN)
        others = view @ self.direction.to(view).T
        logits = SCALE * torch.cat([own[..., None], others], dim=-1)
        return -logits.log_softmax(-1)[..., 0].mean(0)


def negative_classes(target: Target, images: Images) -> PublicDirections:
    """What a backbone says of public faces.

    Raises:
        UsageError: there are none.
    """
    if not len(images):
        raise UsageError("public images", got="0", expected="at least 1 to keep away from")
    edges = [*range(0, len(images), _BATCH), len(images)]
    with torch.inference_mode():
        told = [target.embed(images.load(np.arange(a, b)).to(target.device)).float() for a, b in pairwise(edges)]
        direction = functional.normalize(torch.cat(told))
    return PublicDirections(torch.from_numpy(direction.cpu().numpy().copy()))
