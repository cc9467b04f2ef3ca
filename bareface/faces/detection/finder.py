"""Which face of a photo is meant, and where its landmarks are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from bareface.errors import UsageError
from bareface.faces.detection.cascade import NOBODY, Faces, faces_on
from bareface.faces.detection.networks import Networks, load_networks
from bareface.registry import shortly, tried
from bareface.vocabulary import FaceChoice

Floats = NDArray[np.float64]
CENTRAL: FaceChoice = "central"

# First faces that fill a good part of a photo, then small ones: longer side of the thumbnail, share of it that the
# smallest face takes. A face of fewer pixels than `LEAST` is not looked for.
_LOOKS = ((640, 1 / 12), (1280, 1 / 40))
LEAST = 20.0
FIVE = "five landmarks (5, 2), or None where there is no face"


@dataclass(frozen=True)
class FoundFace:
    """The face that is meant.

    Attributes:
        landmarks: (5, 2) x and y in pixels of the photo; whole numbers are the centres of pixels.
        faces: how many there are on the photo.
    """

    landmarks: Floats
    faces: int = 1


Finder = Callable[[Image.Image], FoundFace | None]
"""From an upright RGB photo to the face that is meant; None = there is none."""


@dataclass(frozen=True)
class MtcnnFinder:
    """Looks for faces with MTCNN, on thumbnails: first for large ones, and for small ones where there are none.

    Attributes:
        networks: that look.
        choice: of several faces, the `largest`, or the `central` one: whose area is the largest less twice the square
            of its distance from the middle. So training sets of this field were cut from photos.
    """

    networks: Networks
    choice: FaceChoice = CENTRAL

    def __call__(self, photo: Image.Image) -> FoundFace | None:
        """The face that is meant; None = there is none."""
        faces = self.all_on(photo)
        if not len(faces):
            return None
        return FoundFace(faces.landmarks[chosen(faces, photo.size, self.choice)] - 0.5, len(faces))

    def all_on(self, photo: Image.Image) -> Faces:
        """Every face that is seen, in pixels counted from the photo's edge."""
        for longest, share in _LOOKS:
            thumbnail = _thumbnail(photo, longest)
            faces = faces_on(thumbnail, self.networks, max(LEAST, share * max(thumbnail.size)))
            if len(faces):
                return faces.scaled(np.divide(photo.size, thumbnail.size))
        return NOBODY


def finder_of(face: FaceChoice | None) -> MtcnnFinder:
    """Who finds faces on raw photos; face: which of several, None = the central one.

    Raises:
        UsageError: the extra `detect` is not installed.
    """
    return MtcnnFinder(load_networks(), face or CENTRAL)


def chosen(faces: Faces, size: tuple[int, int], choice: FaceChoice) -> int:
    """The number of the face that is meant, on a photo of a width and height; of equals the surest."""
    seen = np.clip(faces.boxes, 0, np.tile(size, 2))  # what lies beyond the edge makes nobody larger
    areas = (seen[:, 2:] - seen[:, :2]).prod(1)
    if choice == "largest":
        return int(areas.argmax())
    away = (faces.boxes[:, :2] + faces.boxes[:, 2:] - np.array(size)) / 2
    return int((areas - 2 * (away**2).sum(1)).argmax())


def _thumbnail(photo: Image.Image, longest: int) -> Image.Image:
    shrunk = longest / max(photo.size)
    if shrunk >= 1:
        return photo
    width, height = (max(1, round(side * shrunk)) for side in photo.size)
    return photo.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2)


Detector = Callable[[NDArray[np.uint8]], ArrayLike | None]
"""Somebody's own: from an image (h, w, 3) uint8 RGB to the five landmarks (5, 2) of a face on it, or None."""


@dataclass(frozen=True)
class OwnFinder:
    """Asks somebody's own detector, one photo at a time; a photo on which it fails has no face, and why is said.

    Attributes:
        detector: that is asked.
    """

    detector: Detector
    _turn: Lock = field(default_factory=Lock, repr=False, compare=False)

    def __call__(self, photo: Image.Image) -> FoundFace | None:
        """The face that it found; None = it found none.

        Raises:
            UsageError: it failed, or returned something else.
        """
        with self._turn:
            told, failed = tried(lambda: self.detector(np.asarray(photo)))
        if failed is not None:
            raise UsageError("detector", got=f"a detector that fails: {shortly(failed)}", expected=FIVE)
        if told is None:
            return None
        try:
            return FoundFace(np.asarray(told, dtype=np.float64))
        except (TypeError, ValueError):
            raise UsageError("detector", got=f"a {type(told).__name__}", expected=FIVE) from None
