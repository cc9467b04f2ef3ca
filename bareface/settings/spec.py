"""What pixels a backbone expects."""

import math
import re
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

from pydantic import Field

from bareface.errors import UsageError
from bareface.settings.closed import closed

if TYPE_CHECKING:
    from torch import Tensor

ChannelOrder = Literal["RGB", "BGR", "GRAY"]
LARGEST_SIDE = 4096

_Side = Annotated[int, Field(gt=0, le=LARGEST_SIDE)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@closed
class ImageSpec:
    """Size, channel order and normalisation of a backbone's input: x -> (x - mean) / std with x in 0..255.

    Attributes:
        height, width: of the input, in pixels.
        order: channel order; `GRAY` is one channel, the ITU-R 601 luma.
        mean, std: on the 0..255 scale, one number for all channels or one for each.

    Raises:
        UsageError: a side is not 1 to 4096 pixels, a number is not finite, a std is not above 0, or there are neither
            one nor as many numbers as channels.
    """

    height: _Side
    width: _Side
    order: ChannelOrder = "RGB"
    mean: tuple[_Finite, ...] = (127.5,)
    std: tuple[_Positive, ...] = (127.5,)

    def __post_init__(self) -> None:
        if not {len(self.mean), len(self.std)} <= {1, self.channels}:
            raise ValueError(f"mean and std: give one number, or {self.channels} of them for {self.order}")

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return 1 if self.order == "GRAY" else 3

    def normalise(self, images: "Tensor") -> "Tensor":
        """(n, 3, h, w) uint8 RGB to the (n, channels, h, w) float32 that the backbone takes."""
        pixels = images.float()
        if self.order == "BGR":
            pixels = pixels.flip(1)
        elif self.order == "GRAY":
            luma = pixels.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
            pixels = (pixels * luma).sum(1, keepdim=True)
        mean, std = (pixels.new_tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std

    def __str__(self) -> str:
        mean, std = (" ".join(f"{v:g}" for v in values) for values in (self.mean, self.std))
        return f"{self.height}x{self.width} {self.order}, (x - {mean}) / {std}"


GIVEN = "it was given with the model"
USUAL_INPUT = ImageSpec(112, 112)
"""What most face recognisers take; stands in where a target does not say."""

_NUMBERS = r"(-?[\d.eE+-]+(?: -?[\d.eE+-]+)*)"
_SPEC = re.compile(rf"(\d+)x(\d+)(?: (RGB|BGR|GRAY))?(?:,? *\(x - {_NUMBERS}\) */ *{_NUMBERS})?")
_SHORT = re.compile(rf"(\d+)x(\d+)(?::(RGB|BGR|GRAY))?(?::{_NUMBERS}/{_NUMBERS})?")


def spec_of(given: ImageSpec | str | None) -> ImageSpec | None:
    """An input that is given as such or in words; None stays None.

    Raises:
        UsageError: as `parse_spec`.
    """
    return parse_spec(given) if isinstance(given, str) else given


def parse_spec(text: str) -> ImageSpec:
    """The input that a text names, written as bareface prints it, `112x96 BGR, (x - 127.5) / 128`, or in short,
    `112x96:BGR:127.5/128`.

    Channel order and normalisation may be left out; they are RGB and (x - 127.5) / 127.5 then.

    Raises:
        UsageError: it is written in another way, or a number is out of range.
    """
    found = _SPEC.fullmatch(text.strip()) or _SHORT.fullmatch(text.strip())
    expected = (
        "HEIGHTxWIDTH RGB|BGR|GRAY, (x - mean) / std, as in '112x96 BGR, (x - 127.5) / 128' or '112x96:BGR:127.5/128'"
    )
    if found is None:
        raise UsageError("spec", got=repr(text[:200]), expected=expected)
    height, width, order, *numbers = found.groups()
    order = cast(ChannelOrder, order or "RGB")
    assert order in get_args(ChannelOrder)
    try:
        mean, std = (tuple(float(one) for one in (said or "127.5").split()) for said in numbers)
        channels = 1 if order == "GRAY" else 3
        fits = all(len(values) in (1, channels) for values in (mean, std))
        sound = all(math.isfinite(value) for value in (*mean, *std)) and min(std) > 0
    except ValueError:
        fits = sound = False
    if not (fits and sound and 0 < int(height) <= LARGEST_SIDE and 0 < int(width) <= LARGEST_SIDE):
        expected = f"sides of 1 to {LARGEST_SIDE}, one mean and std or one for each channel, std above 0"
        raise UsageError("spec", got=repr(text[:200]), expected=expected)
    return ImageSpec(int(height), int(width), order, mean, std)
