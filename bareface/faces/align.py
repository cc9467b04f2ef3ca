"""Five-point alignment: the similarity that lays a face's landmarks onto a template, and the picture moved by it.

In the plane a rotation with a scale is one complex number, so the least-squares similarity (Umeyama, "Least-squares
estimation of transformation parameters between two point patterns", IEEE TPAMI 13 (4), 1991) has a closed form that
cannot reflect: with centred points z and w, a = sum(conj(z) w) / sum(|z|²).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bareface.errors import UsageError
from bareface.faces.template import NAMES, AlignmentTemplate

Floats = NDArray[np.float64]

# Five points of a head turned by 30, 60, 75 degrees miss the template by 4, 10, 13 pixels (root mean square), in a
# wrong order by 16 to 23.
WORST_MISFIT = 15.0
SMALLEST_SCALE, LARGEST_SCALE, FARTHEST = 0.01, 100.0, 1e5


@dataclass(frozen=True)
class Similarity:
    """x -> matrix (x, 1): a rotation, a scale, a shift.

    Attributes:
        matrix: (2, 3).
    """

    matrix: Floats

    def __call__(self, points: ArrayLike) -> Floats:
        """(n, 2) points moved."""
        values = np.asarray(points, dtype=np.float64)
        moved: Floats = values @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved

    @property
    def scale(self) -> float:
        """Length of what had length one."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def inverse(self) -> "Similarity":
        """The way back."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return Similarity(np.column_stack([linear, -linear @ self.matrix[:, 2]]))


def similarity(source: ArrayLike, target: ArrayLike) -> Similarity:
    """The similarity that brings `source` nearest to `target` in least squares.

    Args:
        source, target: (n, 2) finite points in the same order, n >= 2.

    Raises:
        UsageError: these are no such points, or all source points are one.
    """
    z, w = (_complex(points) for points in (source, target))
    if len(z) != len(w) or len(z) < 2:
        raise UsageError("similarity", got=f"{len(z)} and {len(w)} points", expected="equally many, two or more")
    centred, aim = z - z.mean(), w - w.mean()
    spread = float((np.abs(centred) ** 2).sum())
    if spread == 0:
        raise UsageError("similarity", got="points that are all the same", expected="points apart")
    turn = (centred.conj() * aim).sum() / spread
    shift = w.mean() - turn * z.mean()
    return Similarity(np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]))


def align(image: ArrayLike, landmarks: ArrayLike, template: AlignmentTemplate) -> NDArray[np.uint8]:
    """A face at the place and size that recognisers were trained on.

    Args:
        image: (h, w, 3) uint8 RGB.
        landmarks: (5, 2) x and y in pixels of `image`: left eye, right eye, nose, left and right corner of the mouth,
            left and right as in the picture.
        template: where they shall lie.

    Returns:
        (height, width, 3) uint8 RGB; black where the picture has nothing.

    Raises:
        UsageError: the landmarks are no five points of an upright or turned face seen from the front or the side.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    check_landmarks(points)
    found = similarity(points, template.points)
    misfit = float(np.sqrt(((found(points) - template.points) ** 2).sum(1).mean()))
    if misfit > WORST_MISFIT or not SMALLEST_SCALE < found.scale < LARGEST_SCALE:
        raise UsageError(
            "landmarks",
            got=f"points that miss the template by {misfit:.1f} pixels at scale {found.scale:.3g}",
            expected=f"{', '.join(NAMES)}, within {WORST_MISFIT:g} pixels",
            hint="checking their order, and that x comes before y",
        )
    return warp(np.asarray(image), found.inverse, template.height, template.width)


def warp(image: NDArray[np.uint8], back: Similarity, height: int, width: int) -> NDArray[np.uint8]:
    """An image sampled bilinearly; whatever lies outside it counts as black, also when it is mixed in at the border.

    As OpenCV's `warpAffine` with a constant border, so without averaging when it shrinks: recognisers were trained on
    crops made that way.

    Args:
        image: (h, w, c) uint8.
        back: from output pixels to image pixels, (x, y); whole numbers are the centres of pixels.
        height, width: of the output.
    """
    rows, columns = np.indices((height, width))
    x, y = back(np.stack([columns.ravel(), rows.ravel()], axis=1)).T
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = (x - left)[:, None], (y - top)[:, None]
    upper = _pixel(image, top, left) * (1 - right_share) + _pixel(image, top, left + 1) * right_share
    lower = _pixel(image, top + 1, left) * (1 - right_share) + _pixel(image, top + 1, left + 1) * right_share
    mixed = upper * (1 - low_share) + lower * low_share
    sampled: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8).reshape(height, width, image.shape[2])
    return sampled


def _pixel(image: NDArray[np.uint8], row: Floats, column: Floats) -> Floats:
    """(n, c) pixels; zero outside the image."""
    h, w = image.shape[:2]
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    at = np.where(inside, row, 0).astype(np.intp), np.where(inside, column, 0).astype(np.intp)
    return np.where(inside[:, None], image[at], 0).astype(np.float64)


def check_landmarks(points: Floats) -> None:
    """Raise a `UsageError` unless these are five points (5, 2) of a face that is not mirrored."""
    if points.shape != (5, 2) or not (np.abs(points) < FARTHEST).all():
        got = f"an array of shape {points.shape}" if points.shape != (5, 2) else "a landmark that is in no picture"
        raise UsageError("landmarks", got=got, expected="five points x, y in pixels")
    left_eye, right_eye, _, left_mouth, right_mouth = points
    across, down = right_eye - left_eye, (left_mouth + right_mouth - left_eye - right_eye) / 2
    if across[0] * down[1] - across[1] * down[0] <= 0:
        raise UsageError(
            "landmarks",
            got="a mirrored face",
            expected="left and right as in the picture",
            hint="exchanging the eyes, and the corners of the mouth",
        )


def _complex(points: ArrayLike) -> NDArray[np.complex128]:
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2 or not np.isfinite(values).all():
        got = f"an array of shape {values.shape}" if np.isfinite(values).all() else "coordinates that are no numbers"
        raise UsageError("similarity", got=got, expected="points (n, 2)")
    return values[:, 0] + 1j * values[:, 1]
