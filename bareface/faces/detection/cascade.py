"""MTCNN: proposals over a pyramid, refined twice, with five landmarks.

Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", IEEE
Signal Processing Letters 23 (10), 2016. Thresholds, overlaps and the pyramid's step are those of the authors' code.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bareface.faces.detection.boxes import moved, squares, suppress
from bareface.faces.detection.networks import O_SIDE, P_SIDE, P_STRIDE, R_SIDE, Networks

Floats = NDArray[np.float64]

PROPOSED, REFINED, SURE = 0.6, 0.7, 0.7
STEP = 0.709
_ONE_LEVEL, _BETWEEN = 0.5, 0.7


@dataclass(frozen=True)
class Faces:
    """The faces on a picture, the surest first.

    Attributes:
        boxes: (n, 4) left, top, right, bottom, counted from the picture's edge.
        landmarks: (n, 5, 2) x and y of eyes, nose and corners of the mouth, counted likewise.
        scores: (n,) probabilities.
    """

    boxes: Floats
    landmarks: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def scaled(self, factor: Floats) -> "Faces":
        """The same faces on the picture at another size: x and y times (2,) factors."""
        return Faces(self.boxes * np.tile(factor, 2), self.landmarks * factor, self.scores)


NOBODY = Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))


def faces_on(image: Image.Image, networks: Networks, smallest: float) -> Faces:
    """All faces on a picture whose box has at least `smallest` pixels, 12 or more.

    Args:
        image: RGB.
        networks: that look.
        smallest: in pixels of `image`.
    """
    boxes = _proposed(image, networks, smallest)
    if not len(boxes):
        return NOBODY
    boxes = _refined(image, networks, boxes)
    return _finished(image, networks, boxes) if len(boxes) else NOBODY


def _proposed(image: Image.Image, networks: Networks, smallest: float) -> Floats:
    """(n, 4) squares around what may be a face, from every level of the pyramid."""
    levels = [_level(image, networks, size) for size in _pyramid(image.size, P_SIDE / smallest)]
    found = np.concatenate([np.empty((0, 9)), *levels])
    found = found[suppress(found[:, :4], found[:, 8], _BETWEEN)]
    return squares(moved(found[:, :4], found[:, 4:8]))


def _pyramid(size: tuple[int, int], scale: float) -> list[tuple[int, int]]:
    """Widths and heights, each level smaller by `STEP`, down to the last that the network can look at."""
    sizes = []
    while min(size) * scale >= P_SIDE:
        sizes.append((ceil(size[0] * scale), ceil(size[1] * scale)))
        scale *= STEP
    return sizes


def _level(image: Image.Image, networks: Networks, size: tuple[int, int]) -> Floats:
    """(n, 9) boxes of proposals at one size, in pixels of `image`, with their moves and probabilities."""
    pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))[None]
    probability, moves = networks.propose(pixels)
    row, column = np.nonzero(probability[0] > PROPOSED)
    corner = P_STRIDE * np.stack([column, row], axis=1)
    shrunk = np.divide(size, image.size)
    told = np.column_stack(
        [corner / shrunk, (corner + P_SIDE) / shrunk, moves[0, row, column], probability[0][row, column]]
    )
    return told[suppress(told[:, :4], told[:, 8], _ONE_LEVEL)]


def _refined(image: Image.Image, networks: Networks, boxes: Floats) -> Floats:
    probability, moves = networks.refine(patches(image, boxes, R_SIDE))
    kept = probability > REFINED
    boxes, moves, scores = boxes[kept], moves[kept], probability[kept]
    best = suppress(boxes, scores, _BETWEEN)
    return squares(moved(boxes[best], moves[best]))


def _finished(image: Image.Image, networks: Networks, boxes: Floats) -> Faces:
    probability, moves, points = networks.finish(patches(image, boxes, O_SIDE))
    kept = probability > SURE
    boxes, moves, points, scores = boxes[kept], moves[kept], points[kept], probability[kept]
    landmarks = boxes[:, None, :2] + points * (boxes[:, 2:] - boxes[:, :2])[:, None]
    boxes = moved(boxes, moves)
    best = suppress(boxes, scores, _BETWEEN, of_smaller=True)
    return Faces(boxes[best], landmarks[best], scores[best])


def patches(image: Image.Image, boxes: Floats, side: int) -> NDArray[np.uint8]:
    """(n, side, side, 3) the parts of an RGB picture that lie in boxes (n, 4), each at one size; outside is black."""
    cut = np.empty((len(boxes), side, side, 3), np.uint8)
    for number, (left, top, right, bottom) in enumerate(boxes.tolist()):
        x, y = floor(left), floor(top)
        part = image.crop((x, y, max(ceil(right), x + 1), max(ceil(bottom), y + 1)))
        within = (left - x, top - y, right - x, bottom - y)
        cut[number] = np.asarray(part.resize((side, side), Image.Resampling.BILINEAR, box=within))
    return cut
