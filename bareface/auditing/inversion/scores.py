"""What the attack itself thinks of every arm: its own score, and that of attack models that took no part."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.auditing.inversion.arms import ArmResult
from bareface.auditing.inversion.attacker import Attacker, held_out_models, rows_in_memory
from bareface.auditing.inversion.audited import Audited
from bareface.auditing.inversion.settings import InversionSettings
from bareface.inversion.objectives.base import Objective
from bareface.inversion.view_sampler import ViewSampler
from bareface.records.inversion import ArmName, Transfer
from bareface.stats.inversion.transfer import transfer

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One arm by the attack's own measure.

    Attributes:
        score: mean of the objective over the images as they are.
        transfer: how far it rises over the base arm, here and on models that took no part.
    """

    score: float
    transfer: Transfer


def scored(
    scene: ViewSampler,
    arms: Mapping[ArmName, ArmResult],
    attacker: Attacker,
    objective: Objective,
    audited: Audited,
    terms: InversionSettings,
) -> dict[ArmName, Scored]:
    """Every arm by the real attacker's objective; rises are over the base arm, image by image."""
    kept = held_out_models(audited, terms)
    other = None if kept is None else attacker.membership(kept)
    real = (np.empty(0), np.empty(0)) if kept is None else audited.real_logits(kept)
    own = {name: _scores(scene, attacker, objective, made) for name, made in arms.items()}
    held = {} if other is None else {name: _scores(scene, attacker, other, made) for name, made in arms.items()}
    return {
        name: Scored(
            float(own[name].mean()),
            transfer((own[name], own["base"]), (held[name], held["base"]) if held else None, *real),
        )
        for name in arms
    }


@torch.no_grad()
def _scores(scene: ViewSampler, attacker: Attacker, objective: Objective, made: ArmResult) -> Vector:
    chunk = rows_in_memory(attacker.network, 2 * scene.siblings, 64)
    parts = []
    for begin in range(0, len(made.latents), chunk):
        part = made.latents[begin : begin + chunk]
        parts.append(objective.score(scene.plainly(part, range(begin, begin + len(part)))).double().cpu())
    return torch.cat(parts).numpy()
