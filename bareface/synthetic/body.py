"""The head, ears, neck, shoulders and clothes."""

import torch
from torch import Tensor

from bareface.synthetic import palette
from bareface.synthetic.shapes import cover, disc, glow, mix, ramp, squircle, step, wave
from bareface.synthetic.shot import Paint, Shot


def outline(shot: Shot) -> Tensor:
    """Distance to the outline of the head without hair."""
    who = shot.who
    low = ramp(shot.y, 0.0, 0.6)
    turned = shot.x - shot.how.yaw * (0.15 + 0.35 * low)
    u = turned / (who.head_width * (1 + who.jaw * low * low))
    v = (shot.y - 0.3 * shot.how.pitch) * torch.where(shot.y < 0, 1 / who.head_top, 1 / who.chin)
    return squircle(u, v, torch.where(shot.y < 0, 0.35, who.jaw_square * low)) * who.head_width


def dome(shot: Shot) -> Tensor:
    """Brightness of the face as a smooth dome."""
    return shot.lamp.on(shot.x / (shot.who.head_width * 1.08), shot.y / 0.68)


def skin(shot: Shot, shade: Tensor) -> Tensor:
    """Skin under some brightness; shadows on it are red rather than grey."""
    colour = shot.who.skin
    glowing = palette.rgb(colour, 0.22, 0.06, 0.07) * colour
    return ((colour - glowing) * shade).add_(glowing)


def face(shot: Shot, shade: Tensor) -> Paint:
    """The bare face and the ears; turning the head hides one ear and shows the other."""
    who, how = shot.who, shot.how
    out = shot.x.abs() - who.head_width - who.ear_out + 0.32 * shot.x.sign() * how.yaw
    v = (shot.y - who.eye_height - 0.07 - 0.6 * how.pitch) / who.ear_size
    u = out / (who.ear_size * 0.62) + 0.35 * v * v.abs()
    ear = cover(disc(u, v) * (0.62 * who.ear_size), shot.pixel)
    inside = cover(outline(shot), shot.pixel)
    hollow = 0.95 - 0.30 * glow((1.5 * u).square() + (1.3 * v).square())
    return Paint(skin(shot, shade * mix(hollow, torch.ones_like(out), inside)), torch.maximum(ear, inside))


def neck(shot: Shot) -> Paint:
    """The neck and the slope to the shoulders, in the shadow of the chin."""
    who = shot.who
    flare = 0.9 * ramp(shot.body_y, 0.45, 0.95).square()
    distance = torch.maximum(shot.body_x.abs() - who.neck_width * (0.95 + flare), 0.2 - shot.body_y)
    chin = disc(shot.x / (who.head_width * 0.85), (shot.y - 0.12) / who.chin) + 0.15 * shot.how.light_y
    shade = shot.lamp.on(shot.body_x / (who.neck_width * 1.5), 0.3 * shot.body_y) * (1 - 0.38 * cover(chin, 0.30))
    return Paint(skin(shot, shade), cover(distance, shot.pixel))


def clothes(shot: Shot) -> Paint:
    """What is worn below the shoulders and outside the neckline: plain or striped, with a hem."""
    how, x, y = shot.how, shot.body_x, shot.body_y
    opening = disc(x / (shot.who.neck_width * 1.12), (y - 0.66) / (0.06 + how.neckline)) * 0.12
    distance = torch.maximum((0.70 + 0.42 * x * x - y) * 0.85, -opening)
    plain = palette.surroundings(how.clothes_hue, how.clothes_light, how.clothes_colourful)
    stripe = cover(wave(y * 6 + 0.3 * x * x), 14 * shot.pixel) * step(how.stripes, 0.78)
    fold = 1 - 0.25 * x * x + 0.10 * wave(x * 1.7 + 0.3)
    hem = 1 - 0.25 * cover((distance + 0.02).abs() - 0.012, shot.pixel)
    shade = fold * hem * shot.lamp.on(x / 1.2, 0.2 * y)
    return Paint(mix(plain, 1.05 - plain, 0.6 * stripe) * shade, cover(distance, shot.pixel))
