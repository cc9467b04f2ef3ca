"""Colours of skin, hair, eyes, lips and surroundings: (n, 3, 1, 1) RGB in [0, 1]."""

import torch
from torch import Tensor

from bareface.synthetic.shapes import mix

SKIN = (
    (0.94, 0.80, 0.72),
    (0.91, 0.73, 0.62),
    (0.83, 0.63, 0.49),
    (0.69, 0.48, 0.35),
    (0.51, 0.34, 0.24),
    (0.37, 0.24, 0.17),
)
HAIR = (
    (0.07, 0.06, 0.07),
    (0.20, 0.12, 0.08),
    (0.34, 0.20, 0.11),
    (0.52, 0.24, 0.10),
    (0.72, 0.50, 0.24),
    (0.90, 0.77, 0.50),
)
IRIS = (
    (0.15, 0.08, 0.05),
    (0.33, 0.19, 0.09),
    (0.45, 0.35, 0.15),
    (0.33, 0.47, 0.29),
    (0.28, 0.50, 0.68),
    (0.50, 0.58, 0.63),
)
FRAME = (
    (0.06, 0.06, 0.08),
    (0.28, 0.15, 0.08),
    (0.45, 0.08, 0.12),
    (0.10, 0.20, 0.42),
    (0.70, 0.60, 0.38),
    (0.75, 0.76, 0.78),
)
HUES = (
    (0.95, 0.25, 0.20),
    (0.95, 0.75, 0.20),
    (0.30, 0.80, 0.30),
    (0.20, 0.75, 0.85),
    (0.30, 0.35, 0.95),
    (0.90, 0.30, 0.75),
)


def along(palette: tuple[tuple[float, ...], ...], position: Tensor) -> Tensor:
    """The colour at a position in [0, 1] along a palette, between neighbours in proportion."""
    colours = position.new_tensor(palette)
    steps = torch.arange(len(palette), dtype=position.dtype, device=position.device)
    weight = (1 - (position.reshape(-1, 1) * (len(palette) - 1) - steps).abs()).clamp(min=0)
    return (weight[:, :, None] * colours).sum(1)[:, :, None, None]


def rgb(like: Tensor, red: float, green: float, blue: float) -> Tensor:
    """One colour for every photo: (1, 3, 1, 1), where `like` lives."""
    return like.new_tensor([red, green, blue]).reshape(1, 3, 1, 1)


def skin(tone: Tensor, undertone: Tensor) -> Tensor:
    """Skin in full light, from pale (0) to dark (1), from cool (-1) to warm (1)."""
    return along(SKIN, tone) + undertone * rgb(tone, 0.010, -0.004, -0.030)


def hair(colour: Tensor, tone: Tensor, grey: Tensor) -> Tensor:
    """Hair from black (0) to blond (1), darker on darker skin."""
    natural = along(HAIR, colour * (1 - 0.85 * tone))
    return mix(natural, rgb(natural, 0.70, 0.69, 0.69) * (0.75 + 0.25 * colour), grey)


def iris(colour: Tensor, tone: Tensor) -> Tensor:
    """Iris from brown (0) to grey (1), mostly brown on darker skin."""
    return along(IRIS, colour * (1 - 0.7 * tone))


def lips(skin: Tensor, red: Tensor) -> Tensor:
    """Lips: skin with more red in it."""
    return mix(skin * 0.92, rgb(skin, 0.72, 0.16, 0.22) * (0.45 + 0.55 * skin[:, :1]), red)


def surroundings(hue: Tensor, light: Tensor, colourful: Tensor) -> Tensor:
    """A background or a piece of clothing of some hue, lightness and saturation."""
    return light * (1 + colourful * (1.3 * along(HUES, hue) - 1))
