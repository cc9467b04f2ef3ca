"""One decoder and one way to resize, for every image of every side of an audit.

Membership signals live in fine detail, so members and non-members must come through the very same path: Pillow's
exact decoder, one crop, one filter. Photos of more pixels than `PIXEL_CAP` are read only where faces are cut out of
them (`bareface.faces.photos`), and there at a half, a quarter or an eighth of their size.

What you get are **the pixels a person sees**: the EXIF orientation is applied, transparent pixels are laid over
black (the padding of aligned face crops), 16-bit samples keep their high byte, grey and CMYK become RGB. Embedded
colour profiles are not applied, as in every face pipeline we know. Of a phone JPEG that carries further pictures
the first one counts; an animation has no first picture in that sense and is refused.

Bytes are untrusted. Only five formats are opened, HEIC among them where the extra `heif` is installed, each by its own
plugin after its signature was seen; size caps
are checked on the header; a truncated image is an error, never filled with grey. JPEG has no checksum: bytes that
were changed in its middle can decode without complaint.
"""

import os
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile

from bareface.errors import ImageError, UsageError
from bareface.faces.headers import format_of, is_animated, is_cut_off, webp_size
from bareface.faces.openers import OPENERS
from bareface.untrusted.regular import open_file

EXPECTED = "a JPEG, PNG, WebP or BMP file"
PIXEL_CAP = 16_000_000
BYTE_CAP = 64 * 2**20
_BEGINNING = 64
_MAY_TURN = frozenset({"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"})
_PILLOW_GIVES_UP = (
    *(SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, OSError, AttributeError, AssertionError),
    struct.error,
)
# Which warnings are heard is set for the whole process.
_QUIET = Lock()
_ALONE = Lock()


_UPRIGHT: Mapping[int, Image.Transpose] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)


def begins_as_picture(path: Path) -> bool:
    """Whether a file begins as those do that are opened here; nothing is decoded."""
    try:
        with open_file(path) as file:
            return format_of(file.read(_BEGINNING)) in OPENERS
    except OSError:
        return False


class Flaw(StrEnum):
    """Why an image file is unusable, in a few words that can be counted."""

    NOT_AN_IMAGE = "not an image"
    TRUNCATED = "truncated"
    TOO_LARGE = "too large"
    UNSUPPORTED = "unsupported format"
    UNREADABLE = "unreadable"
    NO_FACE = "no face found"
    TINY_FACE = "tiny face"


class FlawedImage(ImageError):
    """One image file is unusable, for one of a few kinds of reasons.

    Attributes:
        flaw: the kind.
        detail: the particulars, on one printable line.
    """

    def __init__(self, where: str, flaw: Flaw, detail: str, expected: str = EXPECTED, hint: str = "") -> None:
        self.flaw, self.detail = flaw, printable(detail)
        got = f"{flaw.value} ({self.detail})" if detail else flaw.value
        super().__init__(printable(where), got=got, expected=expected, hint=hint)


@dataclass(frozen=True)
class DecodedImage:
    """One image file, read once and decoded once.

    Attributes:
        image: upright RGB pixels.
        content: the bytes of the file.
        source: the file as Pillow opened it, for what its header says (format, mode, quantisation tables).
        shrunk: by how much both sides were divided, 1 where the image has its own size.
    """

    image: Image.Image
    content: bytes
    source: ImageFile
    shrunk: int = 1


def decode(path: Path, *, pixel_cap: int = PIXEL_CAP) -> Image.Image:
    """The upright RGB pixels of an image file, as a person sees them.

    Args:
        path: a JPEG, PNG, WebP or BMP file of at most 64 MiB; the content counts, not the suffix.
        pixel_cap: refuse images of more pixels (width x height) before decoding them.

    Raises:
        FlawedImage: an `ImageError` that says which kind of `Flaw` the file has.
    """
    return read_picture(path, pixel_cap=pixel_cap).image


def read_picture(path: Path, *, pixel_cap: int = PIXEL_CAP) -> DecodedImage:
    """The pixels of an image file as `decode` gives them, with its bytes and its header; raises the same."""
    return picture_of(read_file(path), str(path), pixel_cap=pixel_cap)


def picture_of(content: bytes, where: str, *, pixel_cap: int = PIXEL_CAP, shrink: bool = False) -> DecodedImage:
    """The pixels in the bytes of an image file, wherever they come from.

    Args:
        content: the bytes of a JPEG, PNG, WebP, BMP or HEIC file.
        where: what they are called in messages.
        pixel_cap: refuse images of more pixels (width x height) before decoding them.
        shrink: bring images of more pixels than `PIXEL_CAP` below it by halving them; JPEG decodes to that size.

    Raises:
        FlawedImage: an `ImageError` that says which kind of `Flaw` they have.
    """
    _check_bytes(where, len(content))
    try:
        source = _open(where, content, pixel_cap)
        factor = _halvings(*source.size) if shrink else 1
        image = _upright(_shrunk(source, factor) if factor > 1 else _rgb(source), source)
    except (FlawedImage, MemoryError):
        raise
    except Exception as error:  # decoders of hostile bytes raise nearly everything
        cut = is_cut_off(content, format_of(content)) or "truncat" in str(error).lower()
        flaw = Flaw.TRUNCATED if cut else Flaw.UNREADABLE
        raise FlawedImage(where, flaw, f"{type(error).__name__}: {error}"[:120]) from error
    return DecodedImage(image, content, source, factor)


def fit(image: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """The image at the size a model wants: the centre, cropped to the aspect ratio, then resized.

    The crop is made of whole pixels, so an image that only needs cropping keeps its pixels exactly. The resize is
    Pillow's bilinear filter, which averages when it shrinks (no aliasing).

    Args:
        image: an RGB image of any size.
        height: rows wanted.
        width: columns wanted.

    Returns:
        (height, width, 3) uint8.
    """
    box = _centre(image.width, image.height, height, width)
    if box != (0, 0, *image.size):
        image = image.crop(box)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)


def printable(text: str) -> str:
    """The text on one line, with control characters and undecodable bytes written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def thread_count() -> int:
    """Threads that decode at the same time: one for each core, at most eight."""
    return min(8, os.cpu_count() or 1)


def read_file(path: Path) -> bytes:
    """The bytes of a file that may be an image.

    Raises:
        FlawedImage: it cannot be read, is no file, or is larger than 64 MiB.
    """
    try:
        with open_file(path) as file:
            content = file.read(BYTE_CAP + 1)
    except (OSError, ValueError) as error:
        raise FlawedImage(str(path), Flaw.UNREADABLE, getattr(error, "strerror", None) or str(error)) from error
    _check_bytes(str(path), len(content))
    return content


def _check_bytes(where: str, count: int) -> None:
    if count > BYTE_CAP:
        raise FlawedImage(where, Flaw.TOO_LARGE, f"more than {BYTE_CAP >> 20} MiB", f"at most {BYTE_CAP >> 20} MiB")


def _open(where: str, content: bytes, pixel_cap: int) -> ImageFile:
    name = format_of(content)
    if name is None:
        detail = "no known signature" if content else "an empty file"
        raise FlawedImage(where, Flaw.NOT_AN_IMAGE, detail)
    if name not in OPENERS:
        raise FlawedImage(where, Flaw.UNSUPPORTED, name)
    if is_animated(content, name):
        raise FlawedImage(where, Flaw.UNSUPPORTED, f"animated {name}", "a still image")
    if name == "WEBP":  # its plugin sets aside memory for the whole canvas as soon as it opens
        _check_pixels(where, webp_size(content), pixel_cap)
    try:
        source = OPENERS[name](BytesIO(content))
    except UsageError as missing:
        detail = f"{name}, {missing.got}"
        raise FlawedImage(where, Flaw.UNSUPPORTED, detail, missing.expected, missing.hint) from None
    _check_pixels(where, source.size, pixel_cap)
    return source


def _shrunk(source: ImageFile, factor: int) -> Image.Image:
    """RGB pixels of a large image, both sides divided; one such image at a time, for they fill memory."""
    width, height = source.size
    with _ALONE:
        source.draft(None, (width // factor, height // factor))  # JPEG is decoded to this size, or twice it, ...
        source.load()
        left = round(factor * source.width / width)
        # As few copies of full size as can be: what can be averaged as it is becomes RGB afterwards.
        if source.mode in ("L", "LA", "RGB", "RGBA"):
            return _rgb(source.reduce(left))
        return _rgb(source).reduce(left)


def _halvings(width: int, height: int) -> int:
    """1, 2, 4, ...: the first by which both sides can be divided to leave few enough pixels."""
    factor = 1
    while (width // factor) * (height // factor) > PIXEL_CAP:
        factor *= 2
    return factor


def _check_pixels(where: str, size: tuple[int, int], cap: int) -> None:
    if size[0] * size[1] > cap:
        hint = "cutting the faces out: bareface align, or bareface audit --detect" if cap == PIXEL_CAP else ""
        raise FlawedImage(where, Flaw.TOO_LARGE, f"{size[0]} x {size[1]} pixels", f"at most {cap:,} pixels", hint)


def _rgb(source: Image.Image) -> Image.Image:
    source.load()
    if source.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(source) >> 8).astype(np.uint8)).convert("RGB")
    if not source.has_transparency_data:
        return source.convert("RGB")
    seen = source.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, (0, 0, 0, 255)), seen).convert("RGB")


def _upright(image: Image.Image, source: ImageFile) -> Image.Image:
    turn = _UPRIGHT.get(_orientation(source))
    return image if turn is None else image.transpose(turn)


def _orientation(source: ImageFile) -> Any:
    """What Pillow's `exif_transpose` goes by: everybody's pipeline turns what that turns, and nothing else.

    Any type of number in EXIF or XMP; upright where there is none, or where Pillow itself gives up on the block.
    """
    if _MAY_TURN.isdisjoint(source.info):
        return 1
    with _QUIET, warnings.catch_warnings(action="ignore"):  # of damaged blocks
        try:
            return source.getexif().get(ExifTags.Base.Orientation, 1)
        except _PILLOW_GIVES_UP:
            return 1


def _centre(width: int, height: int, rows: int, columns: int) -> tuple[int, int, int, int]:
    """The largest centred box (left, top, right, bottom) of whole pixels with about `columns` / `rows` as its shape."""
    crop_width = min(width, max(1, round(height * columns / rows)))
    crop_height = min(height, max(1, round(width * rows / columns)))
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height
