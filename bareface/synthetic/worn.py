"""Glasses and hats, and things that come between a face and the camera."""

import torch
from torch import Tensor

from bareface.synthetic import hair, palette
from bareface.synthetic.shapes import cover, disc, glow, length, ramp, squircle, step, switch, wave
from bareface.synthetic.shot import Paint, Shot


def sunglasses(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 1 where dark glasses are worn; they belong to the photo, not to the person."""
    return switch(shot.how.occluder, 0.90, 0.96)


def spectacles(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 1 where clear glasses are worn; they belong to the person, who sometimes takes them off."""
    return step(shot.who.glasses, 0.72) * step(shot.how.bare, 0.12)


def glasses(shot: Shot) -> list[Paint]:
    """Lenses and frames."""
    who, own, dark = shot.who, spectacles(shot), sunglasses(shot)
    x, y = shot.face_x.abs() - 1.03 * who.eye_spacing, shot.face_y - who.eye_height - 0.015
    u, v = x / who.glasses_size, y / (0.80 * who.glasses_size)
    lens = squircle(u, v, 0.9 * who.glasses_square) * 0.85 * who.glasses_size
    glare = glow(((u + 0.8 * v - 0.5) / 0.35).square())
    tint = 0.93 * dark + own * (1 - dark) * (0.05 + 0.12 * glare)
    colour = palette.along(palette.FRAME, who.glasses_colour) * (1 - dark)
    return [
        Paint(0.93 - 0.85 * dark + 0.12 * glare, cover(lens, shot.pixel) * tint),
        Paint(
            colour, cover(torch.minimum(lens.abs() - 0.010, _bars(shot, x, y)), shot.pixel) * torch.maximum(own, dark)
        ),
    ]


def _bars(shot: Shot, x: Tensor, y: Tensor) -> Tensor:
    """Distance to the bridge and the arms."""
    who = shot.who
    inner = shot.face_x.abs() - 1.03 * who.eye_spacing + who.glasses_size
    bridge = torch.maximum((y + 0.03 + 0.25 * shot.face_x.square()).abs() - 0.009, inner)
    sides = torch.maximum(who.glasses_size - x, shot.x.abs() - who.head_width)
    return torch.minimum(bridge, torch.maximum((y + 0.03).abs() - 0.010, sides))


def hat(shot: Shot) -> list[Paint]:
    """A knitted hat down to the brows, with a turned-up brim."""
    who, how = shot.who, shot.how
    brim = who.eye_height - who.brow_gap - 0.05 + 0.25 * shot.face_x.square() + 0.03 * how.occluder_y
    half = who.head_width + 0.035 + 0.4 * who.hair_side
    dome = disc(shot.x / half, (shot.y + 0.10) / (who.head_top - 0.02)) * half
    knit = wave(13 * shot.x) * wave(12 * shot.face_y + 0.5 * wave(13 * shot.x))
    rolled = cover(brim - 0.13 - shot.face_y, shot.pixel)
    shade = (1 - 0.5 * shot.x.square() / half) * (1 + 0.12 * knit) * (0.8 + 0.2 * rolled)
    colour = palette.surroundings(1 - how.clothes_hue, 0.9 - 0.7 * how.clothes_light, how.clothes_colourful)
    return [Paint(colour * shade, cover(torch.maximum(dome, shot.face_y - brim), shot.pixel) * hair.under_hat(shot))]


def has_hand(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 1 where a hand is held before the face."""
    return switch(shot.how.occluder, 0.85, 0.90)


def hand(shot: Shot) -> list[Paint]:
    """Four fingers, a palm and a wrist."""
    how = shot.how
    side = 2 * step(how.occluder_x, -0.001) - 1
    x = (shot.body_x * side - 0.24 - 0.12 * how.occluder_x.abs()) / 1.2
    y = (shot.body_y - 0.42 + 0.20 * how.occluder_y - 0.25 * x) / 1.2
    across = x - ((x / 0.085 - 0.5).round().clamp(-2, 1) + 0.5) * 0.085
    finger = length(across, (y + 0.20 - 1.8 * (x + 0.02).square()).clamp(max=0)) - 0.040
    fingers = torch.maximum(torch.maximum(finger, y - 0.3), x.abs() - 0.18)
    palm = disc(x / 0.19, (y - 0.20) / 0.24) * 0.19
    wrist = torch.maximum(x.abs() - 0.12, 0.2 - y)
    shade = 0.95 - 0.33 * ramp(across.abs(), 0.015, 0.045) * ramp(y, 0.10, -0.02)
    whole = torch.minimum(torch.minimum(fingers, palm), wrist)
    return [Paint(shot.who.skin * shade, cover(whole, shot.pixel) * has_hand(shot))]


def has_microphone(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 1 where a microphone is held before the mouth."""
    return switch(shot.how.occluder, 0.80, 0.85)


def microphone(shot: Shot) -> list[Paint]:
    """A ball of wire mesh on a stick."""
    how, there = shot.how, has_microphone(shot)
    x, y = shot.body_x - 0.22 * how.occluder_x, shot.body_y - 0.50 - 0.08 * how.occluder_y
    stick = torch.maximum((x - 0.12 * (y - 0.1) * how.occluder_x.sign()).abs() - 0.055, 0.08 - y)
    shine = glow(((x + 0.04) / 0.09).square() + ((y + 0.05) / 0.08).square())
    mesh = 0.22 + 0.10 * wave(22 * (x + y)) * wave(22 * (x - y)) + 0.25 * shine
    grey = palette.rgb(x, 1.0, 1.0, 1.06)
    ball = disc(x / 0.13, y / 0.15) * 0.13
    return [
        Paint(0.12 * grey, cover(stick, shot.pixel) * there),
        Paint(grey * mesh, cover(ball, shot.pixel) * there),
    ]
