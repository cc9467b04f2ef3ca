"""One photo: who is on it, how it was taken, and where each pixel lies on the body, the head and the face."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bareface.synthetic.parameters import Identity, Nuisance, decode

NECK = 0.55  # the height about which a head tilts


class Paint(NamedTuple):
    """A colour, (n, 3 or 1, 1 or h, 1 or w), and how much of it each pixel takes, (n, 1, h, w) in [0, 1]."""

    colour: Tensor
    amount: Tensor


@dataclass(frozen=True)
class Light:
    """One distant lamp and some light from everywhere.

    Attributes:
        x, y, z: (n, 1, 1, 1) unit vector towards the lamp.
        hard: the lamp's share.
    """

    x: Tensor
    y: Tensor
    z: Tensor
    hard: Tensor

    def on(self, u: Tensor, v: Tensor) -> Tensor:
        """Brightness of a dome at (u, v), where the unit circle is its rim."""
        out = (1.05 - u * u - v * v).clamp_(min=0.06).sqrt_()
        facing = (u * self.x + v * self.y + out * self.z).clamp_(min=0)
        return facing.mul_(1.3 * self.hard).add_(1 - self.hard)


@dataclass(frozen=True)
class Shot:
    """n photos seen through a window; lengths are in half image heights, x to the right, y down.

    Attributes:
        people, photos: the latents behind `who` and `how`.
        lamp: the light.
        size: of the whole picture, in pixels.
        pixel: (n, 1, 1, 1) width of a pixel, which is how soft an edge is.
        frame_x, frame_y: (n or 1, 1, 1, w) and (n or 1, 1, h, 1) the picture itself, from -1 to 1.
        body_x, body_y: the same, moved and scaled with the person.
        x, y: (n, 1, h, w) tilted with the head about the neck; the outline of the head lives here.
        face_x, face_y: (n, 1, h, w) turned with the head; eyes, nose and mouth live here.
    """

    people: Tensor
    photos: Tensor
    who: Identity
    how: Nuisance
    lamp: Light
    size: int
    pixel: Tensor
    frame_x: Tensor
    frame_y: Tensor
    body_x: Tensor
    body_y: Tensor
    x: Tensor
    y: Tensor
    face_x: Tensor
    face_y: Tensor

    def some(self, rows: Tensor) -> "Shot":
        """The photos of some rows."""
        latents = self.people[rows], self.photos[rows]
        frame = (axis.expand(len(self.people), -1, -1, -1)[rows] for axis in (self.frame_x, self.frame_y))
        return _seen(latents, decode(Identity, latents[0]), decode(Nuisance, latents[1]), self.size, *frame)


def whole(people: Tensor, photos: Tensor, size: int) -> Shot:
    """Photos of `size` x `size` pixels, from identity and nuisance latents."""
    middle = pixel_middles(torch.arange(size, dtype=photos.dtype, device=photos.device), size)
    frame = middle.reshape(1, 1, 1, -1), middle.reshape(1, 1, -1, 1)
    return _seen((people, photos), decode(Identity, people), decode(Nuisance, photos), size, *frame)


def pixel_middles(number: Tensor, size: int) -> Tensor:
    """Where the middles of pixels lie, from -1 to 1."""
    return (2 * number + 1) / size - 1


def _seen(
    latents: tuple[Tensor, Tensor], who: Identity, how: Nuisance, size: int, frame_x: Tensor, frame_y: Tensor
) -> Shot:
    body_x, body_y = (frame_x - how.shift_x) / how.scale, (frame_y - how.shift_y) / how.scale
    x, y = _turned(body_x, body_y - NECK, how.roll)
    y = y + NECK
    # The middle of a face is nearer to the camera than its rim and moves further when the head turns.
    depth = 1.1 / (1 + 0.6 * (x / who.head_width).square() + y * y)
    face_x, face_y = x - how.yaw * depth, y - how.pitch * depth
    where = (frame_x, frame_y, body_x, body_y, x, y, face_x, face_y)
    return Shot(*latents, who, how, _light(how), size, 2.2 / size / how.scale, *where)


def _turned(x: Tensor, y: Tensor, half_tangent: Tensor) -> tuple[Tensor, Tensor]:
    square = half_tangent * half_tangent
    cosine, sine = (1 - square) / (1 + square), 2 * half_tangent / (1 + square)
    return cosine * x + sine * y, cosine * y - sine * x


def _light(how: Nuisance) -> Light:
    reach = torch.sqrt(1 + how.light_x * how.light_x + how.light_y * how.light_y)
    return Light(how.light_x / reach, how.light_y / reach, 1 / reach, how.light_hard)


@dataclass(frozen=True)
class Occluder:
    """A rectangle of every picture, of one size but at its own place.

    Attributes:
        shot: the photos seen through it.
        index: (n, 1, h * w) its pixels in the flattened pictures.
    """

    shot: Shot
    index: Tensor

    def cut(self, picture: Tensor) -> Tensor:
        """The pixels of the window: (n, c, h, w)."""
        flat = picture.flatten(2).gather(2, self.index.expand(-1, picture.shape[1], -1))
        return flat.reshape(*picture.shape[:2], *self.shot.x.shape[2:])

    def put(self, picture: Tensor, patch: Tensor) -> Tensor:
        """The picture with the pixels of the window replaced."""
        index = self.index.expand(-1, picture.shape[1], -1)
        return picture.flatten(2).scatter(2, index, patch.flatten(2)).reshape(picture.shape)


def window(shot: Shot, face_y: Tensor, half_width: float, half_height: float) -> Occluder:
    """A window about the point (0, face_y) of every face, as large as the nearest face needs."""
    size, how = shot.size, shot.how
    depth = 1.1 / (1 + face_y * face_y)
    x, y = _turned(how.yaw * depth, face_y + how.pitch * depth - NECK, -how.roll)
    rows, top = _span(y * how.scale + how.scale * NECK + how.shift_y, half_height, size)
    columns, left = _span(x * how.scale + how.shift_x, half_width, size)
    down = top + torch.arange(rows, device=top.device).reshape(1, 1, -1, 1)
    right = left + torch.arange(columns, device=top.device).reshape(1, 1, 1, -1)
    frame = (pixel_middles(number.to(shot.x.dtype), size) for number in (right, down))
    part = _seen((shot.people, shot.photos), shot.who, how, size, *frame)
    return Occluder(part, (down * size + right).flatten(2))


def _span(middle: Tensor, half: float, size: int) -> tuple[int, Tensor]:
    count = min(size, int(half * size) + 2)
    first = ((middle.detach() + 1) * (size / 2) - count / 2).floor().clamp(0, size - count)
    return count, first.long()
