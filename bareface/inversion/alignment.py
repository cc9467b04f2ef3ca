"""Which part of a generator's image a recogniser wants to see."""

from dataclasses import dataclass

from bareface.faces.template import ARCFACE_POINTS, ARCFACE_SIDE


@dataclass(frozen=True)
class CropWindow:
    """A rectangle in fractions of the image; the whole image is (0, 0, 1, 1)."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0


WHOLE = CropWindow()


def window_for(alignment: str) -> CropWindow:
    """The window of a generator's images that shows the face as in an ArcFace crop: `ffhq`, or the whole image."""
    return _ffhq() if alignment == "ffhq" else WHOLE


def _ffhq() -> CropWindow:
    """The crop that FFHQ's rule makes around ArcFace's template, seen from within; its tilt of 0.3 degrees is dropped.

    The rule (Karras et al., arXiv 1710.10196, appendix C): a square around a point a tenth of the way from the eyes
    to the mouth, its side 4 eye distances or 3.6 eye-to-mouth distances, whichever is more.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = ARCFACE_POINTS
    eyes, mouth = _middle(left_eye, right_eye), _middle(left_mouth, right_mouth)
    side = max(4.0 * _distance(left_eye, right_eye), 3.6 * _distance(eyes, mouth))
    corner = [eye + 0.1 * (lip - eye) - side / 2 for eye, lip in zip(eyes, mouth, strict=True)]
    return CropWindow(-corner[0] / side, -corner[1] / side, ARCFACE_SIDE / side, ARCFACE_SIDE / side)


def _middle(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)
