"""Whether two models are one network, whatever their files are called and however they are fed."""

import torch
from torch.nn.functional import normalize

from bareface.targets.kinds import Auditable
from bareface.targets.target import Target

_SAME = 0.999


def same_network(one: Auditable, other: Auditable) -> bool:
    """Whether two models are one network: equal fingerprints, or, where both can be asked with noise, the same answers.

    The answers also tell when it was wrapped, renamed, folded, cast to half precision or given another input spec.
    """
    if not (isinstance(one, Target) and isinstance(other, Target)):
        return one.sha256 == other.sha256
    if one.without_head().sha256 == other.without_head().sha256:
        return True
    shape = (one.spec.channels, one.spec.height, one.spec.width)
    if shape != (other.spec.channels, other.spec.height, other.spec.width):
        return False
    noise = torch.randn((4, *shape), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        first, second = (t.embed_normalised(noise.to(t.device)).float().cpu() for t in (one, other))
    if first.shape != second.shape:
        return False
    # Centred: networks that answer noise with nearly one vector each are not thereby the same.
    first, second = (normalize(e - e.mean(dim=0), dim=1) for e in (first, second))
    return bool(((first * second).sum(dim=1) > _SAME).all())
