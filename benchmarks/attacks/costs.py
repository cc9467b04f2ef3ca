"""What an attack asks of a target for each photo, in bare forward passes of one image, measured side by side."""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from statistics import median

import numpy as np
import torch

from bareface.auditing.images import images_for, public_images
from bareface.faces.source import ArrayImages, Images
from bareface.membership.base import Attack
from bareface.probing.backbone import batch_size
from bareface.probing.kinds import estimate_of, prober_of, strangers_of
from bareface.probing.prober import Batch
from bareface.rosters.roster import Roster
from bareface.targets.target import Target
from bareface.trace import Channel
from bareface.vocabulary import Role

ROUNDS = 3
PUBLIC = 32
SEED = 7


def costs(target: Target, roster: Roster, attacks: Sequence[Attack], references: int) -> dict[str, float]:
    """Passes for each photo, by the attack's title; an attack that asks reference models, too, pays for each.

    What is asked once in an audit (statistics of public faces, a gallery, fitting) is not in it.
    """
    rows = roster.rows(Role.MEMBER)[: batch_size(target.spec, target.device)]
    images = ArrayImages(images_for(target, roster.take(rows)).load(np.arange(len(rows))))
    public = ArrayImages(public_images(target, roster, SEED)[0].load(np.arange(PUBLIC)))
    ratio = {channels: _ratio(target, channels, images, public) for channels in {a.reads() for a in attacks}}
    models = {attack.title(): 1 + references * ("references" in attack.beside) for attack in attacks}
    return {attack.title(): models[attack.title()] * ratio[attack.reads()] for attack in attacks}


def _ratio(target: Target, channels: frozenset[Channel], images: ArrayImages, public: Images) -> float:
    """Median over rounds of the time to ask for channels to that of a bare pass of the same images."""
    estimate = estimate_of(target, public) if Channel.ESTIMATED_DISTANCE in channels else None
    others = strangers_of(target, public) if Channel.MARGIN_GRADIENT in channels else None
    prober = prober_of(target, [""] * len(images), [""] * len(images), channels, estimate, others)
    rows = np.arange(len(images))
    batch = Batch(rows.astype(str), images, rows)
    bare = replace(target, module=deepcopy(target.module))  # the target itself may be watched meanwhile
    with prober.asked() as ask:
        return median(_seconds(lambda: ask(batch)) / _bare(bare, images) for _ in range(1 + ROUNDS))


def _bare(target: Target, images: ArrayImages) -> float:
    with torch.inference_mode():
        return _seconds(lambda: target.embed(images.pixels.to(target.device)).cpu())


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
