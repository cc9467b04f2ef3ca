"""Stubble, goatees and full beards."""

import torch
from torch import Tensor

from bareface.synthetic.body import dome, outline
from bareface.synthetic.mouth import mouth
from bareface.synthetic.shapes import cover, disc, mix, ramp, step, wave
from bareface.synthetic.shot import Paint, Shot


def has_beard(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): above 0 where stubble or more grows."""
    return ramp(shot.who.beard, 0.66, 0.69)


def beard(shot: Shot) -> list[Paint]:
    """What grows, darker and denser the stronger the trait."""
    who = shot.who
    strength = ramp(who.beard, 0.68, 0.84)
    bristle = wave(21 * shot.face_x + 0.6 * wave(5 * shot.face_y)) * wave(13 * shot.face_y)
    colour = mix(0.80 * who.hair, 0.5 * who.skin, 0.35 * (1 - strength))
    amount = cover(_grown(shot), 0.03) * (0.30 * has_beard(shot) + 0.62 * strength)
    return [Paint(colour * (1 + 0.14 * bristle) * dome(shot), amount)]


def _grown(shot: Shot) -> Tensor:
    """Distance to the region where hair grows: chin and cheeks, upper lip, and below the chin."""
    who, m = shot.who, mouth(shot)
    t = shot.face_x.abs() / who.head_width
    full = ramp(who.beard_width, 0.35, 0.65)
    edge = m.top + 0.02 - 0.85 * (t - 0.30).clamp(min=0).square()
    tuft = disc(t / (0.42 + 2 * full), (shot.face_y - m.gap_top - 0.10) / (0.17 + full)) * 0.16
    lip = torch.maximum((shot.face_y - m.top + 0.002).abs() - 0.026, shot.face_x.abs() - 1.15 * who.mouth_width)
    shaved = 2 * (1 - step(who.moustache, 0.25))
    region = torch.minimum(torch.maximum(edge - shot.face_y, tuft), lip + shaved)
    below = disc(shot.x / (0.80 * who.head_width), (shot.y - 0.55 * who.chin) / (0.45 * who.chin + who.beard_length))
    hanging = 0.3 * below + 1 - step(who.beard, 0.80) * step(who.beard_width, 0.5)
    return torch.maximum(region, torch.minimum(outline(shot) - 0.015, hanging))
