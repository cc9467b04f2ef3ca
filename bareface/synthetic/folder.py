"""Synthetic faces as a folder of PNG files, and as a contact sheet."""

import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from bareface.errors import UsageError
from bareface.storage.files import write_bytes
from bareface.synthetic.people import SyntheticFaces


def write_folder(
    out: Path,
    *,
    people: int,
    images: int,
    size: int,
    seed: int,
    first_identity: int = 0,
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Write `out/p00000/000.png` and so on: a folder for each identity number, a file for each image number.

    Args:
        report: called after each person with the images written and the images wanted.

    Raises:
        UsageError: there is something in `out` already, or nothing is asked for.
        RunError: the disk is full or `out` cannot be written.
    """
    _check(out, people, images)
    faces = SyntheticFaces(seed, size)
    for person in range(people):
        identity = first_identity + person
        photos = faces.render(np.full(images, identity), np.arange(images))
        for number, photo in enumerate(photos):
            write_bytes(out / f"p{identity:05d}" / f"{number:03d}.png", _png(photo))
        if report is not None:
            report((person + 1) * images, people * images)


def write_folder_once(
    out: Path,
    *,
    people: int,
    images: int,
    size: int,
    seed: int,
    first_identity: int = 0,
    report: Callable[[int, int], None] | None = None,
) -> None:
    """As `write_folder`, unless `out` is there; it is whole or absent, also after a rendering that was cut short."""
    if out.exists():
        return
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    write_folder(part, people=people, images=images, size=size, seed=seed, first_identity=first_identity, report=report)
    part.rename(out)


def sheet(faces: SyntheticFaces, *, people: int = 10, images: int = 10, first_identity: int = 0) -> Image.Image:
    """A contact sheet: a row for each person, a column for each photo."""
    identity = np.repeat(np.arange(first_identity, first_identity + people), images)
    photos = faces.render(identity, np.tile(np.arange(images), people))
    rows = photos.reshape(people, images, *photos.shape[1:]).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
    return _image(rows)


def _check(out: Path, people: int, images: int) -> None:
    if people < 1 or images < 1:
        raise UsageError("write_folder", got=f"{people} people, {images} images", expected="at least one of each")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(str(out), got="something that is there already", expected="a new or an empty folder")


def _image(photo: Tensor) -> Image.Image:
    return Image.fromarray(photo.permute(1, 2, 0).numpy())


def _png(photo: Tensor) -> bytes:
    buffer = BytesIO()
    _image(photo).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
