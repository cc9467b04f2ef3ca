"""Whether two models are one network, whatever their files are called and however they are fed."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bareface.targets.answering import AnsweringTarget
from bareface.targets.kinds import Auditable
from bareface.targets.target import Target

_SAME = 0.999


def same_network(one: Auditable, other: Auditable) -> bool:
    """Whether two models are one network: equal fingerprints, or, where both can be asked with noise, the same answers.

    The answers also tell when it was wrapped, renamed, folded, cast to half precision or given another input spec (not
    of a target that only answers, whose input nobody else can choose).
    """
    if not (isinstance(one, Target) and isinstance(other, Target)):
        return one.sha256 == other.sha256
    if one.without_head().sha256 == other.without_head().sha256:
        return True
    if (one.spec.height, one.spec.width) != (other.spec.height, other.spec.width):
        return False
    if isinstance(one, AnsweringTarget) or isinstance(other, AnsweringTarget):
        first, second = (_about_bytes(target) for target in (one, other))
    elif one.spec.channels != other.spec.channels:
        return False
    else:
        first, second = (_about_noise(target) for target in (one, other))
    if first.shape != second.shape:
        return False
    # Centred: networks that answer noise with nearly one vector each are not thereby the same.
    first, second = (normalize(e - e.mean(dim=0), dim=1) for e in (first, second))
    return bool(((first * second).sum(dim=1) > _SAME).all())


@torch.inference_mode()
def _about_noise(target: Target) -> Tensor:
    """(4, d) what a backbone embeds of normal noise in place of its normalised input."""
    shape = (4, target.spec.channels, target.spec.height, target.spec.width)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return target.embed_normalised(noise.to(target.device)).float().cpu()


@torch.inference_mode()
def _about_bytes(target: Target) -> Tensor:
    """(4, d) what a target embeds of images of noise, for one that is asked from outside."""
    shape = (4, 3, target.spec.height, target.spec.width)
    noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return target.embed(noise.to(target.device)).float().cpu()
