"""Where the five points of an aligned face lie: eyes, nose, corners of the mouth.

Left and right are those of the picture. A 112 x 112 crop less 8 columns on each side is the 112 x 96 crop, so one set
of aligned images serves both kinds of nets.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

NAMES = ("left eye", "right eye", "nose", "left corner of the mouth", "right corner of the mouth")
# InsightFace, `python-package/insightface/utils/face_align.py`.
ARCFACE_SIDE = 112
ARCFACE_POINTS = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


@dataclass(frozen=True)
class AlignmentTemplate:
    """Size of an aligned face, and where its points lie.

    Attributes:
        height, width: of the image, in pixels.
        points: (5, 2) x and y in pixels; whole numbers are the centres of pixels, as in OpenCV.
    """

    height: int
    width: int
    points: NDArray[np.float64]


def _arcface(cut: float) -> AlignmentTemplate:
    points = np.array(ARCFACE_POINTS) - [cut, 0]
    return AlignmentTemplate(ARCFACE_SIDE, ARCFACE_SIDE - int(2 * cut), points)


TEMPLATES = MappingProxyType({"112x112": _arcface(0), "112x96": _arcface(8)})
