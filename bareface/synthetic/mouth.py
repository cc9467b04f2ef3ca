"""Nose, mouth and the marks on the cheeks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bareface.synthetic import palette
from bareface.synthetic.shapes import cover, disc, glow, ramp, step, wave
from bareface.synthetic.shot import Paint, Shot

HALF_WIDTH, HALF_HEIGHT, MIDDLE = 0.52, 0.55, 0.02  # the window that holds them, about the tip of the nose


@dataclass(frozen=True)
class Mouth:
    """Where the lips are.

    Attributes:
        bow: 1 at the middle of the mouth, 0 at its corners.
        beyond: distance sideways from the corners, negative between them.
        top, gap_top, gap_bottom, bottom: heights of the edges of the lips.
    """

    bow: Tensor
    beyond: Tensor
    top: Tensor
    gap_top: Tensor
    gap_bottom: Tensor
    bottom: Tensor


def mouth(shot: Shot) -> Mouth:
    """The mouth as this expression holds it."""
    who, how = shot.who, shot.how
    half = who.mouth_width * (1 + 0.22 * how.smile)
    t = shot.face_x / half
    line = who.eye_height + who.nose_length + who.mouth_drop - 0.055 * how.smile * (t * t - 0.3)
    bow = (1 - t * t).clamp(min=0)
    gap = 0.075 * how.mouth_open.clamp(min=0) * bow + 0.004
    thin = (1 - 0.25 * how.smile.clamp(min=0)) * bow
    gap_top, gap_bottom = line - 0.3 * gap, line + 0.7 * gap
    cupid = 1 - 0.30 * glow((t / 0.28).square())
    top, bottom = gap_top - who.lip_upper * cupid * thin, gap_bottom + who.lip_lower * thin
    return Mouth(bow, shot.face_x.abs() - half, top, gap_top, gap_bottom, bottom)


def lips(shot: Shot, m: Mouth) -> list[Paint]:
    """Lips, the dark between them, and teeth."""
    y = shot.face_y
    whole = torch.maximum(torch.maximum(m.top - y, y - m.bottom), m.beyond)
    gap = torch.maximum(torch.maximum(m.gap_top - y, y - m.gap_bottom), m.beyond)
    teeth = torch.maximum(gap + 0.004, y - m.gap_top - 0.040 * m.bow)
    shine = 0.15 * glow(2 * ((y - m.gap_bottom) / 0.03 - 0.6).square()) - 0.18 * ramp(m.gap_top - y, 0.0, 0.01)
    return [
        Paint(shot.who.lips * (1 + shine), cover(whole, shot.pixel)),
        Paint(palette.rgb(y, 0.25, 0.07, 0.07), 0.9 * cover(gap, shot.pixel)),
        Paint(palette.rgb(y, 0.95, 0.93, 0.89), cover(teeth, shot.pixel) * ramp(shot.how.mouth_open, 0.1, 0.25)),
    ]


def relief(shot: Shot, m: Mouth) -> Tensor:
    """Brightness that the nose, the smile lines and the hollow under the lip add to the skin or take from it."""
    who = shot.who
    hollow = glow((shot.face_x / 0.10).square() + ((shot.face_y - m.bottom - 0.035) / 0.03).square())
    below = shot.face_y - who.eye_height - who.nose_length
    path = shot.face_x.abs() - who.nose_width - 0.03 - 0.45 * below.clamp(min=0)
    smile = glow((path / 0.03).square()) * glow(((below - 0.06) / 0.12).square())
    deep = (0.10 + 0.22 * ramp(who.age, 0.45, 1.0)) * (0.4 + 0.6 * shot.how.smile.clamp(min=0))
    return _bridge(shot) + _tip(shot) - deep * smile - 0.16 * hollow


def _bridge(shot: Shot) -> Tensor:
    who, lamp = shot.who, shot.lamp
    down = (shot.face_y - who.eye_height) / who.nose_length
    x = shot.face_x - 0.30 * shot.how.yaw * down.clamp(0, 1)
    u = x / (who.nose_width * (0.45 + 0.35 * down.clamp(0, 1)))
    flank = 1.1 * lamp.x * lamp.hard * u * glow(0.22 * u * u)
    edge = 0.11 * glow(((u.abs() - 1.25) / 0.75).square())
    return who.nose_bridge * glow(0.55 * (2 * down - 1.15).square()) * (flank - edge + 0.13 * glow(1.6 * u * u))


def _nose(shot: Shot) -> tuple[Tensor, Tensor]:
    """From the tip of the nose, which moves furthest when the head turns."""
    who, how = shot.who, shot.how
    return shot.face_x - 0.30 * how.yaw, shot.face_y - who.eye_height - who.nose_length - 0.3 * how.pitch


def _tip(shot: Shot) -> Tensor:
    x, y = _nose(shot)
    width = shot.who.nose_width
    ball = glow((x / (0.75 * width)).square() + ((y + 0.03) / 0.06).square())
    u, v = (x.abs() - 0.72 * width) / (0.42 * width), (y + 0.004) / 0.036
    wing = cover((disc(u, v).abs() - 0.18) * 0.036, 1.3 * shot.pixel) * ramp(u + 0.5 * v, -0.3, 0.5)
    under = glow((x / (1.25 * width)).square() + ((y - 0.034) / 0.032).square())
    return 0.20 * ball - 0.34 * wing - 0.34 * under


def nostrils(shot: Shot) -> Paint:
    """Two dark ovals under the tip of the nose."""
    x, y = _nose(shot)
    width = shot.who.nose_width
    hole = disc((x.abs() - 0.42 * width) / (0.24 * width), (y - 0.012 + 0.15 * x.abs()) / 0.011) * 0.011
    return Paint(0.28 * shot.who.skin, 0.8 * cover(hole, shot.pixel))


def marks(shot: Shot) -> list[Paint]:
    """Blush, freckles and a mole."""
    who = shot.who
    colour = who.skin
    below = shot.face_y - who.eye_height
    cheek = glow(((shot.face_x.abs() - 0.20) / 0.14).square() + ((below - 0.21) / 0.12).square())
    mole = disc((shot.face_x - who.mole_x) / 0.015, (shot.face_y - who.mole_y) / 0.015) * 0.015
    return [
        Paint(colour * palette.rgb(colour, 1.0, 0.55, 0.52), cheek * (0.12 + 0.38 * who.blush)),
        Paint(colour * palette.rgb(colour, 0.72, 0.58, 0.50), 0.75 * _freckles(shot, below)),
        Paint(0.35 * colour, cover(mole, shot.pixel) * step(who.mole, 0.68)),
    ]


def _freckles(shot: Shot, below: Tensor) -> Tensor:
    who = shot.who
    x, y = shot.face_x, shot.face_y
    bend_x, bend_y = 0.3 * wave(4.3 * y + 9 * who.mole_x), 0.3 * wave(3.7 * x + 9 * who.mole_y)
    spots = wave(15 * x + 5 * y + bend_x) * wave(16 * y - 6 * x + bend_y) + 0.3 * wave(2.9 * x + 3.3 * y)
    spread = glow(0.8 * (x / 0.30).square() + ((below - 0.18) / 0.15).square())
    worn = ramp(who.freckles, 0.82, 0.88) * ramp(who.tone, 0.75, 0.4)
    return cover(0.55 - spots, 25 * shot.pixel) * spread * worn
