"""Hair on the head: a dome, a column that falls from it, a bun, and the line where the face begins."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bareface.synthetic.parameters import Identity
from bareface.synthetic.shapes import cover, disc, glow, mix, ramp, squircle, step, switch, wave
from bareface.synthetic.shot import Paint, Shot


@dataclass(frozen=True)
class Hair:
    """All hair of the head, before the face is cut out of it.

    Attributes:
        shape: distance to its outline.
        colour: (n, 3, h, w) with strands, shine and light.
        amount: (n, 1, 1, 1), 0 for a shaven head.
    """

    shape: Tensor
    colour: Tensor
    amount: Tensor


def under_hat(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 1 where a knitted hat presses the hair down."""
    return switch(shot.how.occluder, 0.75, 0.80)


def long(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 0 for hair above the ears, 1 for hair to the shoulders; rarely long above a beard or in a bun."""
    who = shot.who
    return ramp(who.hair_length - 0.35 * ramp(who.beard, 0.5, 0.7) - _up(shot), 0.28, 0.62)


def hair(shot: Shot) -> Hair:
    """The hair of every person, bald or not."""
    who = shot.who
    half = who.head_width + who.hair_side
    x, y = shot.x + 0.25 * shot.how.yaw, shot.y + 0.10
    top = squircle(x / half, y / (who.head_top - 0.10 + who.hair_top * (1 - under_hat(shot))), who.hair_round) * half
    short = who.hair_side * ramp(y, -0.1, 0.18) * ramp(long(shot), 0.15, 0.0)
    flare = 0.10 * half * long(shot) * ramp(y, 0, 1)
    ends = 0.14 + 0.95 * long(shot) - 0.25 * x * x + 0.012 * wave(7 * x)
    column = torch.maximum(x.abs() - half - flare + short, y - ends)
    shape = torch.minimum(torch.where(y < 0, top, column), _bun(shot)) - _curls(who, x, y)
    shaven = step(who.bald + 0.12 * who.age - 0.06 * ramp(who.beard, 0.5, 0.2), 0.95)
    return Hair(shape, _colour(shot, half), 1 - shaven)


def _curls(who: Identity, x: Tensor, y: Tensor) -> Tensor:
    """How far curls stand out from the outline."""
    bumps = wave(5.1 * x + 0.25 * wave(1.7 * y)) * wave(5.3 * y + 0.25 * wave(2.3 * x))
    return 0.03 * ramp(who.hair_curl, 0.55, 1.0) * bumps


def _up(shot: Shot) -> Tensor:
    """(n, 1, 1, 1): 1 for hair in a bun, which few people with a beard wear."""
    return step(shot.who.bun - 0.12 * ramp(shot.who.beard, 0.4, 0.7), 0.80)


def _bun(shot: Shot) -> Tensor:
    who = shot.who
    missing = 1 - _up(shot) * (1 - under_hat(shot))
    return disc(shot.x / 0.17, (shot.y + who.head_top + who.hair_top + 0.05) / 0.15) * 0.15 + 2 * missing


def _colour(shot: Shot, half: Tensor) -> Tensor:
    curly = ramp(shot.who.hair_curl, 0.45, 0.75)
    strands = _strands(shot)
    texture = mix(strands, _coils(shot), curly)
    band = glow(((shot.y + 0.40 + 0.35 * shot.x.square() - 0.05 * strands) / 0.13).square()) * (1 - 0.7 * curly)
    shade = shot.lamp.on(shot.x / (1.15 * half), shot.y + 0.1) * (0.92 + 0.16 * texture)
    colour = shot.who.hair
    shine = band.mul_(shot.lamp.hard).add_(0.10 * texture * texture)
    return (colour * shade).add_((0.10 + 0.18 * colour) * shine)


def _strands(shot: Shot) -> Tensor:
    """Locks and finer strands that fan out from above the crown."""
    fan = (shot.x - 0.12 * shot.who.hair_part) / (shot.y + 1.25).clamp(min=0.3)
    lock = wave(4.3 * fan + 0.2 * wave(0.9 * shot.y) + shot.who.hair_part)
    fine = (1 - 14 * shot.pixel).clamp(0, 1)
    return 0.45 * lock + 0.35 * wave(13.1 * fan + 0.3 * lock) + 0.35 * fine * wave(31 * fan + 0.5 * lock)


def _coils(shot: Shot) -> Tensor:
    x, y = shot.x, shot.y
    bend = wave(3.1 * y + 1.3 * x)
    return wave(8.7 * x + 0.5 * bend) * wave(8.1 * y + 0.5 * wave(3.7 * x - y)) + 0.3 * bend


def _hairline(shot: Shot) -> Tensor:
    """Height where the face begins under the hair: swept from a part, or a straight fringe; lower at the temples."""
    who = shot.who
    side = shot.face_x / who.head_width
    t = side.square()
    part = shot.face_x - 0.24 * who.hair_part
    swept = who.hairline + who.hair_sweep * part.abs() * (1 - 0.5 * part.sign() * who.hair_part.sign())
    # Not t.sqrt(): its slope has no value in the middle of the face.
    bare = glow(((side.abs() - 0.55) / 0.35).square()) * ramp(long(shot), 0.5, 0.0)
    swept = torch.minimum(swept - 0.14 * who.recede.square() * bare, who.eye_height - 0.07)
    jagged = 0.018 * wave(9 * shot.face_x + who.hair_part) + 0.012 * wave(17 * shot.face_x)
    fringe = who.eye_height - who.brow_gap - 0.055 + 0.10 * t + jagged
    loose = long(shot) * ramp(who.tuck, 0.6, 0.3)
    return mix(swept, fringe, step(who.fringe, 0.72)) + (0.42 + 1.6 * loose) * t.square().square()


def cap(shot: Shot, hair: Hair) -> Tensor:
    """Distance to the hair in front of the head."""
    return torch.maximum(hair.shape, 0.8 * (shot.face_y - _hairline(shot)))


def behind(shot: Shot, hair: Hair) -> Paint:
    """The hair behind the neck."""
    return Paint(0.62 * hair.colour, cover(hair.shape, shot.pixel) * hair.amount)


def falling(shot: Shot, hair: Hair) -> Paint:
    """The hair that hangs before the shoulders."""
    distance = torch.maximum(hair.shape, 0.80 * shot.who.head_width - 0.10 * shot.y - shot.x.abs())
    return Paint(hair.colour, cover(distance, shot.pixel) * hair.amount)
