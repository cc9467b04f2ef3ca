"""Photos as cameras leave them: large, with a face somewhere on them that is cut out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bareface.faces.align import align, check_landmarks, similarity
from bareface.faces.decode import DecodedImage, Flaw, FlawedImage, picture_of
from bareface.faces.detection.finder import Finder
from bareface.faces.headers import format_of
from bareface.faces.template import AlignmentTemplate

JPEG_CAP, OTHER_CAP = 112_000_000, 50_000_000
"""Pixels. A JPEG is decoded to a fraction of its size; any other format is in memory as a whole first."""
MOST_ENLARGED = 3.0
"""A face that is enlarged more than this is tiny: its eyes are less than 12 pixels apart."""


@dataclass(frozen=True)
class CutFace:
    """The face that was cut out of a photo.

    Attributes:
        face: (height, width, 3) uint8 RGB, at the template.
        faces: how many faces there are on the photo.
    """

    face: NDArray[np.uint8]
    faces: int


def photo_of(content: bytes, where: str) -> DecodedImage:
    """The upright pixels of a photo, at most `PIXEL_CAP` of them: halved as often as that takes.

    Args:
        content: the bytes of a JPEG of up to 112 megapixels, or of a PNG, WebP, BMP or HEIC file of up to 50.
        where: what they are called in messages.

    Raises:
        FlawedImage: an `ImageError` that says which kind of `Flaw` they have.
    """
    cap = JPEG_CAP if format_of(content) == "JPEG" else OTHER_CAP
    return picture_of(content, where, pixel_cap=cap, shrink=True)


def found_and_cut(photo: Image.Image, where: str, finder: Finder, template: AlignmentTemplate) -> CutFace:
    """The face that a finder finds on an upright RGB photo.

    Raises:
        FlawedImage: there is none, or it is tiny.
        UsageError: the finder gave points that are no face.
    """
    found = finder(photo)
    if found is None:
        raise FlawedImage(where, Flaw.NO_FACE, "", "a photo with an upright face")
    enlarged = _scale(found.landmarks, template)
    if enlarged > MOST_ENLARGED:
        detail = f"to be enlarged {enlarged:.1f} times"
        raise FlawedImage(where, Flaw.TINY_FACE, detail, f"{MOST_ENLARGED:g} times at most")
    return CutFace(cut_out(photo, found.landmarks, template), found.faces)


def cut_out(photo: Image.Image, landmarks: NDArray[np.float64], template: AlignmentTemplate) -> NDArray[np.uint8]:
    """As `align`, but averaging where the face is large: the photo is divided by a whole number first.

    So a large photo gives what a smaller one of the same face gives, and fine detail does not alias.

    Raises:
        UsageError: the landmarks are no face.
    """
    factor = int(1 / _scale(landmarks, template))
    if factor < 2:
        return align(np.asarray(photo), landmarks, template)
    return align(np.asarray(photo.reduce(factor)), (landmarks + 0.5) / factor - 0.5, template)


def _scale(landmarks: NDArray[np.float64], template: AlignmentTemplate) -> float:
    check_landmarks(landmarks)
    return similarity(landmarks, template.points).scale
