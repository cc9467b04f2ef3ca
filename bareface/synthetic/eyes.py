"""Eyes, lids and brows; both at once, folded onto the right half of the face."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bareface.synthetic import palette
from bareface.synthetic.shapes import cover, disc, glow, mix, ramp, wave
from bareface.synthetic.shot import Paint, Shot

HALF_WIDTH, HALF_HEIGHT, MIDDLE = 0.60, 0.42, -0.08  # the window that holds them, about the height of the eyes


@dataclass(frozen=True)
class Eyes:
    """Where the lids are.

    Attributes:
        side: -1 on the left half of the face, 1 on the right.
        dx, dy: from the middle of the eye, outwards and down, along its tilt.
        bow: 1 at the middle of the lids, 0 at their corners.
        upper, lower: height of the lids.
    """

    side: Tensor
    dx: Tensor
    dy: Tensor
    bow: Tensor
    upper: Tensor
    lower: Tensor


def eyes(shot: Shot) -> Eyes:
    """The eyes as this expression holds them: smiling narrows, blinking closes."""
    who, how = shot.who, shot.how
    dx = shot.face_x.abs() - who.eye_spacing
    dy = shot.face_y - who.eye_height + who.eye_tilt * dx
    bow = (1 - (dx / who.eye_width).square()).clamp(min=0)
    happy = how.smile.clamp(min=0)
    opened = (1.45 * ramp(how.eyelid, -0.2, 0.05) - 0.45) * (1 - 0.18 * happy)
    lower = 0.75 * who.eye_open * (1 - 0.15 * happy)
    return Eyes(shot.face_x.sign(), dx, dy, bow, -who.eye_open * opened * bow, lower * bow)


def relief(shot: Shot, e: Eyes) -> Tensor:
    """Brightness that sockets, creases, bags and a wrinkled forehead take from the skin."""
    who = shot.who
    old = ramp(who.age, 0.45, 1.0)
    socket = 0.16 * glow((e.dx / 0.15).square() + ((e.dy + 0.03) / 0.11).square())
    lid = (e.dy - e.upper + (0.008 + 0.016 * who.eye_crease) * e.bow + 0.004).abs() - 0.004
    crease = cover(torch.maximum(lid, e.dx.abs() - who.eye_width), shot.pixel) * ramp(who.eye_crease, 0.2, 0.4)
    bag = glow((e.dx / 0.09).square() + ((e.dy - 0.085) / 0.03).square())
    lines = glow(4 * (wave(shot.face_y * 11 + 1.2 * shot.face_x.square()) - 1).square())
    forehead = lines * glow((shot.face_x / 0.24).square() + ((shot.face_y - who.eye_height + 0.30) / 0.12).square())
    return -(socket + 0.28 * crease + (0.05 + 0.14 * old) * bag + 0.30 * old * forehead)


def eyeballs(shot: Shot, e: Eyes) -> list[Paint]:
    """White, iris with a dark rim, pupil and glint."""
    who, how = shot.who, shot.how
    beyond = e.dx.abs() - who.eye_width
    inside = cover(torch.maximum(torch.maximum(e.upper - e.dy, e.dy - e.lower), beyond), shot.pixel)
    shadow = 1 - 0.45 * (1 - (e.dy - e.upper) / 0.05).clamp(0, 1)
    radius = 0.275 * who.eye_width + 0.5 * who.eye_open
    x, y = e.dx - how.gaze_x * e.side, e.dy - how.gaze_y + 0.15 * who.eye_open
    ball = disc(x / radius, y / radius) * radius
    glint = disc((x * e.side + 0.011) / 0.011, (y + 0.013) / 0.011) * 0.011
    colour = palette.iris(who.eye_colour, who.tone) * shadow
    return [
        Paint(palette.rgb(x, 0.96, 0.95, 0.93) * shadow, inside),
        Paint(0.55 * colour, cover(ball, shot.pixel) * inside),
        Paint(colour * (1.25 + 0.5 * y / radius), cover(ball + 0.008, shot.pixel) * inside),
        Paint(palette.rgb(x, 0.06, 0.04, 0.05), cover(ball + 0.58 * radius, shot.pixel) * inside),
        Paint(palette.rgb(x, 1.0, 1.0, 1.0), 0.9 * cover(glint, shot.pixel) * inside),
    ]


def lashes(shot: Shot, e: Eyes) -> Paint:
    """The line of the upper lid, longer and thicker for people who wear it so."""
    who = shot.who
    worn = ramp(who.beard, 0.55, 0.2)
    beyond = e.dx.abs() - who.eye_width
    thick = (0.006 + 0.009 * worn) * (0.55 + 0.45 * e.dx / who.eye_width)
    stroke = (e.dy - e.upper + 0.10 * beyond.clamp(min=0)).abs() - thick
    wing = torch.where(e.dx > 0, 0.02 + 0.14 * worn, 0 * worn) * who.eye_width
    dark = mix(palette.rgb(e.dx, 0.06, 0.04, 0.05), 0.5 * who.hair, 0.5)
    return Paint(dark, 0.9 * cover(torch.maximum(stroke, beyond - wing), shot.pixel))


def brows(shot: Shot, e: Eyes) -> Paint:
    """A tapering arch of hair over each eye."""
    who, how = shot.who, shot.how
    t = (shot.face_x.abs() - who.eye_spacing * 1.04) / (who.eye_width * 1.25)
    rise = who.brow_gap + how.brow_raise + how.brow_skew * e.side + who.brow_arch * (1 - (t - 0.3).square())
    middle = who.eye_height - rise + 0.10 * who.brow_slope * t
    thick = who.brow_thickness * (1 - 0.55 * ramp(t, -0.2, 1.1))
    stroke = torch.maximum((shot.face_y - middle).abs() - thick, (t.abs() - 1) * who.eye_width)
    colour = mix(0.75 * who.hair, 0.45 * who.skin, 0.35)
    return Paint(colour, 0.88 * cover(stroke, 1.5 * shot.pixel))
