"""Calm photos: the same people and the same light, but nothing before the face and the head held still.

A calm photo is an ordinary one whose latents were moved: each field named in `PARTS` uses a part of its range only,
all others are as they were. What a photo shows can so be said by its latents, and no photo is thrown away.
"""

from dataclasses import fields

import torch
from torch import Tensor

from bareface.synthetic.parameters import Nuisance

# From where to where in a field's range, 0 = its low end and 1 = its high end.
PARTS: dict[str, tuple[float, float]] = {
    "roll": (0.35, 0.65),
    "scale": (0.25, 0.75),
    "shift_x": (0.35, 0.65),
    "shift_y": (0.35, 0.65),
    "yaw": (0.35, 0.65),
    "pitch": (0.35, 0.65),
    "blur": (0.0, 0.4),  # up to a two-thousandth of the image height
    "noise": (0.0, 0.05),  # about one grey level
    "eyelid": (0.25, 1.0),  # no blinking
    "occluder": (0.0, 0.74),  # no hat, microphone, hand or sunglasses
    "bare": (0.15, 1.0),  # whoever wears glasses wears them
}
LARGEST = 0.9999  # of a squashed latent, so that the way back stays finite


def calm(photos: Tensor) -> Tensor:
    """(n, NUISANCE_SIZE) latents of ordinary photos to those of calm ones; differentiable."""
    parts = [PARTS.get(field.name, (0.0, 1.0)) for field in fields(Nuisance)]
    low, high = photos.new_tensor(parts).unbind(1)
    squashed = photos / torch.sqrt(1 + photos * photos)
    part = (low + high - 1 + (high - low) * squashed).clamp(-LARGEST, LARGEST)
    moved = part / torch.sqrt(1 - part * part)
    return torch.where(high - low < 1, moved, photos)
