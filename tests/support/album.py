"""Raw photos: rendered faces somewhere on a wall, as a camera would have them."""

from pathlib import Path

import numpy as np
from PIL import Image

from bareface.synthetic import SyntheticFaces

SIDE, WALL = 160, (400, 300)


def on_a_wall(*faces: tuple[np.ndarray, int, int]) -> Image.Image:
    """A photo of some (side, side, 3) faces, each with the place of its left upper corner."""
    photo = Image.new("RGB", WALL, (120, 130, 140))
    for face, left, top in faces:
        photo.paste(Image.fromarray(face), (left, top))
    return photo


def take_photos(paths: list[Path], person: np.ndarray, number: np.ndarray) -> None:
    """Write one photo to each path: which shot of which rendered person is on it."""
    pixels = SyntheticFaces(7, SIDE).render(person, number).permute(0, 2, 3, 1).numpy()
    room = WALL[0] - SIDE, WALL[1] - SIDE
    places = np.random.default_rng(0).integers((0, 0), room, (len(person), 2))
    for path, face, place in zip(paths, pixels, places, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        on_a_wall((face, *map(int, place))).save(path, quality=92)
