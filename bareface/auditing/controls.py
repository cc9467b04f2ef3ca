"""Models that an audit asks beside the target: with other running statistics, with fresh weights."""

import numpy as np
import torch

from bareface.auditing.images import PublicFaces
from bareface.faces.source import Images, SomeImages
from bareface.probing.taps import batchnorm_layers
from bareface.settings.spec import USUAL_INPUT
from bareface.streams import seed_for
from bareface.targets.build import build
from bareface.targets.kinds import Auditable
from bareface.targets.target import Target
from bareface.targets.untrained_copy import untrained_copy
from bareface.training.recalibrate import estimate_statistics

STAND_IN = "ir-tiny"
ENOUGH_FOR_FRESH = 128


def bn_swap(target: Auditable, public: PublicFaces) -> tuple[Target, str] | None:
    """The target with its running statistics re-estimated on public images, and what those were.

    None where it has no BatchNorm layer with running statistics, or none that could be exchanged.
    """
    if not isinstance(target, Target) or not batchnorm_layers(target.module):
        return None
    images, what = public.of(target)
    return estimate_statistics(target, images), what


def untrained(target: Target, public: PublicFaces) -> Target:
    """A copy of the target with fresh weights, its running statistics estimated on public images."""
    twin = untrained_copy(target, seed_for(public.seed, "untrained"))
    if not batchnorm_layers(twin.module):
        return twin
    return estimate_statistics(twin, _few(public.of(target)[0]))


def stand_in(target: Auditable, public: PublicFaces) -> Target:
    """A small backbone with fresh weights, for targets of which no copy can be drawn afresh."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_for(public.seed, "stand-in"))
        module = build(STAND_IN, spec=USUAL_INPUT, embedding_size=target.embedding_size)
    fresh = Target(f"{STAND_IN} (untrained)", STAND_IN, module, USUAL_INPUT)
    return estimate_statistics(fresh, _few(public.of(fresh)[0]))


def _few(images: Images) -> Images:
    """Images from all over the list, enough for networks that cannot see people whatever their statistics are."""
    if len(images) <= ENOUGH_FOR_FRESH:
        return images
    return SomeImages(images, np.linspace(0, len(images) - 1, ENOUGH_FOR_FRESH).astype(np.intp))
