"""Boxes around faces: (n, 4) left, top, right, bottom, in pixels counted from the edge of the picture."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def overlaps(box: Floats, others: Floats, *, of_smaller: bool = False) -> Floats:
    """(n,) the area that a box shares with each of others, as a share of their union, or of the smaller of the two."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(1)
    area, areas = (box[2:] - box[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(1)
    of = np.minimum(area, areas) if of_smaller else area + areas - shared
    share: Floats = np.divide(shared, of, out=np.zeros_like(shared), where=of > 0)
    return share


def suppress(boxes: Floats, scores: Floats, most: float, *, of_smaller: bool = False) -> NDArray[np.intp]:
    """Non-maximum suppression: the rows that are kept, best first.

    A box goes where it overlaps a better one that stays by more than `most`; of equal scores the earlier is the better.

    Args:
        boxes: (n, 4).
        scores: (n,), higher is better.
        most: overlap to put up with, in [0, 1].
        of_smaller: count the overlap as a share of the smaller box, so that a box inside another one goes.
    """
    left, kept = np.argsort(-scores, kind="stable"), list[int]()
    while len(left):
        best, left = int(left[0]), left[1:]
        kept.append(best)
        left = left[overlaps(boxes[best], boxes[left], of_smaller=of_smaller) <= most]
    return np.array(kept, dtype=np.intp)


def moved(boxes: Floats, shares: Floats) -> Floats:
    """Boxes with each edge moved by a share of the box's own width or height: bounding box regression.

    Args:
        boxes, shares: (n, 4).
    """
    size = boxes[:, 2:] - boxes[:, :2]
    edges: Floats = boxes + shares * np.concatenate([size, size], axis=1)
    return edges


def squares(boxes: Floats) -> Floats:
    """Around the same centres, with the longer side of each."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate([middle - half, middle + half], axis=1)
