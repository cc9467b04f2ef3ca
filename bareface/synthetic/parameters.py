"""What makes a person, and what makes one photo of a person.

Both are decoded from latents that are standard normal by design: column k of a latent is squashed to [0, 1] and
spread over the range of field k. The squash is algebraic, not a sigmoid, because square roots and quotients are
rounded the same way wherever an element lies in memory; so a face has the same bytes in every batch.
"""

# ruff: noqa: RUF009  (`between` makes a field, it is not a default)

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from bareface.synthetic import palette
from bareface.synthetic.shapes import ramp

P = TypeVar("P", "Identity", "Nuisance")


def between(low: float, high: float) -> Any:
    """A field that a latent column fills with values from `low` to `high`, nearly uniformly."""
    return field(metadata={"low": low, "high": high})


@dataclass(frozen=True)
class Identity:
    """The traits of n people, each (n, 1, 1, 1). Lengths are in half image heights; switches are 0 to 1."""

    # skull
    head_width: Tensor = between(0.365, 0.455)
    head_top: Tensor = between(0.57, 0.66)
    chin: Tensor = between(0.50, 0.61)
    jaw: Tensor = between(-0.34, 0.02)  # width of the jaw relative to the cheeks
    jaw_square: Tensor = between(0.0, 0.75)
    ear_size: Tensor = between(0.075, 0.125)
    ear_out: Tensor = between(0.0, 0.035)
    neck_width: Tensor = between(0.17, 0.27)
    # skin
    tone: Tensor = between(0.0, 1.0)
    undertone: Tensor = between(-1.0, 1.0)
    blush: Tensor = between(0.0, 1.0)
    age: Tensor = between(0.0, 1.0)
    freckles: Tensor = between(0.0, 1.0)
    mole: Tensor = between(0.0, 1.0)
    mole_x: Tensor = between(-0.24, 0.24)
    mole_y: Tensor = between(0.08, 0.42)
    # hair
    hair_colour: Tensor = between(0.0, 1.0)
    hair_length: Tensor = between(0.0, 1.0)
    hair_top: Tensor = between(0.03, 0.16)
    hair_side: Tensor = between(0.015, 0.12)
    hair_curl: Tensor = between(0.0, 1.0)
    hair_round: Tensor = between(0.0, 0.65)  # a flat top rather than a pointed one
    hair_part: Tensor = between(-1.0, 1.0)
    hair_sweep: Tensor = between(0.0, 0.75)  # how steeply the hairline falls away from the part
    hairline: Tensor = between(-0.53, -0.38)
    fringe: Tensor = between(0.0, 1.0)
    recede: Tensor = between(0.0, 1.0)
    bald: Tensor = between(0.0, 1.0)
    bun: Tensor = between(0.0, 1.0)
    tuck: Tensor = between(0.0, 1.0)  # long hair behind the ears
    # brows and eyes
    brow_gap: Tensor = between(0.095, 0.155)
    brow_thickness: Tensor = between(0.010, 0.030)
    brow_arch: Tensor = between(0.0, 0.055)
    brow_slope: Tensor = between(-0.12, 0.32)
    eye_height: Tensor = between(-0.11, -0.02)
    eye_spacing: Tensor = between(0.145, 0.20)
    eye_width: Tensor = between(0.078, 0.110)
    eye_open: Tensor = between(0.034, 0.068)
    eye_tilt: Tensor = between(-0.18, 0.24)
    eye_colour: Tensor = between(0.0, 1.0)
    eye_crease: Tensor = between(0.0, 1.0)
    # nose and mouth
    nose_length: Tensor = between(0.19, 0.30)
    nose_width: Tensor = between(0.055, 0.110)
    nose_bridge: Tensor = between(0.2, 1.0)
    mouth_drop: Tensor = between(0.10, 0.16)
    mouth_width: Tensor = between(0.105, 0.185)
    lip_upper: Tensor = between(0.012, 0.042)
    lip_lower: Tensor = between(0.020, 0.055)
    lip_colour: Tensor = between(0.0, 1.0)
    # what is grown or worn
    beard: Tensor = between(0.0, 1.0)  # low: long lashes; high: a beard
    beard_width: Tensor = between(0.0, 1.0)
    beard_length: Tensor = between(-0.05, 0.12)
    moustache: Tensor = between(0.0, 1.0)
    glasses: Tensor = between(0.0, 1.0)
    glasses_square: Tensor = between(0.0, 1.0)
    glasses_size: Tensor = between(0.105, 0.145)
    glasses_colour: Tensor = between(0.0, 1.0)

    @cached_property
    def skin(self) -> Tensor:
        """(n, 3, 1, 1) skin in full light."""
        return palette.skin(self.tone, self.undertone)

    @cached_property
    def hair(self) -> Tensor:
        """(n, 3, 1, 1) hair in full light, greyer with age."""
        return palette.hair(self.hair_colour, self.tone, 0.9 * ramp(self.age, 0.78, 0.94))

    @cached_property
    def lips(self) -> Tensor:
        """(n, 3, 1, 1) lips; red ones go with long lashes."""
        return palette.lips(self.skin, 0.30 + 0.45 * self.lip_colour * ramp(self.beard, 0.5, 0.35))


@dataclass(frozen=True)
class Nuisance:
    """How n photos were taken, each (n, 1, 1, 1)."""

    # pose
    roll: Tensor = between(-0.11, 0.11)  # tangent of half the angle
    scale: Tensor = between(1.05, 1.28)
    shift_x: Tensor = between(-0.09, 0.09)
    shift_y: Tensor = between(-0.07, 0.07)
    yaw: Tensor = between(-0.17, 0.17)  # how far the middle of the face moves sideways
    pitch: Tensor = between(-0.08, 0.08)
    # light and camera
    light_x: Tensor = between(-1.5, 1.5)
    light_y: Tensor = between(-1.2, 0.4)
    light_hard: Tensor = between(0.15, 0.85)
    warmth: Tensor = between(-0.13, 0.13)
    exposure: Tensor = between(0.80, 1.28)
    contrast: Tensor = between(0.82, 1.22)
    blur: Tensor = between(-0.004, 0.008)  # standard deviation in image heights
    noise: Tensor = between(0.003, 0.030)
    # expression
    smile: Tensor = between(-0.45, 1.0)
    mouth_open: Tensor = between(-0.9, 1.0)
    brow_raise: Tensor = between(-0.022, 0.045)
    brow_skew: Tensor = between(-0.012, 0.012)
    eyelid: Tensor = between(-0.2, 1.0)  # 1: wide open
    gaze_x: Tensor = between(-0.030, 0.030)
    gaze_y: Tensor = between(-0.012, 0.012)
    # surroundings
    back_hue: Tensor = between(0.0, 1.0)
    back_light: Tensor = between(0.12, 0.92)
    back_colourful: Tensor = between(0.0, 0.5)
    back_slant_x: Tensor = between(-0.35, 0.35)
    back_slant_y: Tensor = between(-0.35, 0.35)
    back_other: Tensor = between(0.12, 0.95)
    back_spot: Tensor = between(-0.4, 1.0)
    clothes_hue: Tensor = between(0.0, 1.0)
    clothes_light: Tensor = between(0.10, 0.90)
    clothes_colourful: Tensor = between(0.0, 0.65)
    neckline: Tensor = between(0.03, 0.22)
    stripes: Tensor = between(0.0, 1.0)
    # now and then
    occluder: Tensor = between(0.0, 1.0)
    occluder_x: Tensor = between(-1.0, 1.0)
    occluder_y: Tensor = between(-1.0, 1.0)
    bare: Tensor = between(0.0, 1.0)  # glasses taken off


IDENTITY_SIZE = len(fields(Identity))
NUISANCE_SIZE = len(fields(Nuisance))


def decode(kind: type[P], latent: Tensor) -> P:
    """The parameters that a latent (n, IDENTITY_SIZE or NUISANCE_SIZE) stands for; differentiable, always in range."""
    low, high = (latent.new_tensor([f.metadata[end] for f in fields(kind)]) for end in ("low", "high"))
    values = low + (high - low) * (0.5 + 0.5 * latent / torch.sqrt(1 + latent * latent))
    return kind(*values[:, :, None, None, None].unbind(1))
