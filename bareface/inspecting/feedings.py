"""The ways in which face backbones are fed: channel orders and normalisations, as the zoos have them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bareface.settings.spec import ChannelOrder, ImageSpec

# (whose, mean, std) on the 0..255 scale, for the channels in the order red, green, blue.
_CONVENTIONS: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...] = (
    ("InsightFace, AdaFace, CVLFace, TreB1eN, face.evoLVe", (127.5,), (127.5,)),
    ("MagFace, plain [0, 1]", (0.0,), (255.0,)),
    ("ImageNet: foamliu, torchvision, timm", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    ("plain [-0.5, 0.5]", (127.5,), (255.0,)),
    ("0..255, normalised inside the net", (0.0,), (1.0,)),
    ("VGGFace2 in Caffe", (131.0912, 103.8827, 91.4953), (1.0,)),
)
_WHITENING = "FaceNet before 2018"
# Two normalisations whose pixels differ by less than this share of their range are one: (x - 127.5) / 127.5 or / 128.
_SAME = 0.01
# Mean difference of red and blue, in levels of 0..255, below which a swap of the two changes nothing.
_COLOURLESS = 2.0


@dataclass(frozen=True)
class Feeding:
    """A way of making a backbone's input of an image.

    Attributes:
        spec: size, channel order and normalisation.
        project: whose way it is.
        whitened: each image by its own mean and standard deviation instead.
    """

    spec: ImageSpec
    project: str
    whitened: bool = False

    def normalise(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) uint8 RGB to the (n, channels, h, w) float32 that the backbone takes."""
        pixels = self.spec.normalise(images)
        if not self.whitened:
            return pixels
        mean, std = (pixels.mean((1, 2, 3), keepdim=True), pixels.std((1, 2, 3), keepdim=True))
        return (pixels - mean) / std.clamp_min(pixels[0].numel() ** -0.5)

    def is_like(self, other: "Feeding") -> bool:
        """Whether both make the same input, to within one part in a hundred."""
        if (self.spec.order, self.whitened) != (other.spec.order, other.whitened):
            return False
        return self.whitened or bool(
            (self._ends() - other._ends()).abs().max() < _SAME * self._ends().diff().abs().min()
        )

    def _ends(self) -> Tensor:
        """(3 or 1, 2) what black and white become."""
        images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
        return self.spec.normalise(images).flatten(1).T

    def __str__(self) -> str:
        if self.whitened:
            return f"{self.spec.order}, each image by its own mean and deviation"
        return str(self.spec).partition(" ")[2]


def feedings(declared: ImageSpec, *, orders: tuple[ChannelOrder, ...]) -> tuple[Feeding, ...]:
    """The declared way, then every other known one in each of the orders, none twice."""
    known = [Feeding(_spec(declared, order, m, s), project) for order in orders for project, m, s in _CONVENTIONS]
    plain = [replace(declared, order=order, mean=(0.0,), std=(1.0,)) for order in orders]
    whitened = [Feeding(spec, _WHITENING, whitened=True) for spec in plain]
    ways = [Feeding(declared, "as declared")]
    for way in (*known, *whitened):
        if not any(way.is_like(other) for other in ways):
            ways.append(way)
    return tuple(ways)


def orders_of(spec: ImageSpec, images: Tensor) -> tuple[ChannelOrder, ...]:
    """The channel orders that these (n, 3, h, w) uint8 RGB images can tell apart, the declared one first."""
    if spec.order == "GRAY" or is_colourless(images):
        return (spec.order,)
    return ("RGB", "BGR") if spec.order == "RGB" else ("BGR", "RGB")


def is_colourless(images: Tensor) -> bool:
    """Whether red and blue are so alike that swapping them changes nothing."""
    return float((images[:, 0].float() - images[:, 2].float()).abs().mean()) < _COLOURLESS


def _spec(declared: ImageSpec, order: ChannelOrder, mean: tuple[float, ...], std: tuple[float, ...]) -> ImageSpec:
    return replace(declared, order=order, mean=_for(order, mean), std=_for(order, std))


def _for(order: ChannelOrder, values: tuple[float, ...]) -> tuple[float, ...]:
    """One number for each channel in the net's order; for grey nets the mean of them."""
    if len(values) == 1 or order == "RGB":
        return values
    return values[::-1] if order == "BGR" else (round(sum(values) / len(values), 3),)
