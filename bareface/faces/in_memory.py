"""Images that a Python program holds: a data set of images and labels, written to files, since a record names files.

The convention is that of torch's map-style data sets: a length, and an item (image, label) for each number below it.
The label is who is on the image.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bareface.errors import RosterError
from bareface.faces.aligning import png_of
from bareface.registry import shortly, tried
from bareface.rosters.roster import Roster
from bareface.storage.files import write_bytes
from bareface.untrusted.regular import is_file

_ITEM = "pairs of a PIL image, or a uint8 array (height, width, 3) in RGB, and a label"
_AS_DECODED = "the data set without its transform; bareface resizes and normalises as the spec says"


class LabelledImages(Protocol):
    """Numbered pairs of an image and who is on it: a torch `Dataset`, a list of pairs."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, number: int, /) -> Any:
        """(image, label): a PIL image or (h, w, 3) uint8 RGB, and a whole number or a text."""


def written_people(
    dataset: LabelledImages, role: str, folder: Path, report: Callable[[int, int], None] | None = None
) -> Roster:
    """The people of a data set, all in one role; their images are written to `folder/<number>.png`, as they are.

    Args:
        dataset: is asked for one item after another, and for the first one twice.
        role: what the images were to the target.
        folder: files in it that hold the same image already stay as they are.
        report: called after each image with how many are written, and of how many.

    Raises:
        RosterError: it is none, is empty, fails, gives other items or other images each time.
    """
    where = f"the {role} people"
    count = _length(dataset, where)
    first, again = (_item(dataset, 0, where)[0] for _ in range(2))
    if first != again:
        got, hint = "another image for number 0 when it was asked again", "the data set without random augmentation"
        raise RosterError(where, got=got, expected="the same image every time", hint=hint)
    names, people = [], []
    for number in range(count):
        content, person = _item(dataset, number, where)
        names.append(f"{number:07}.png")
        people.append(person)
        _keep(folder / names[-1], content)
        if report is not None:
            report(number + 1, count)
    return Roster(folder.absolute(), tuple(names), np.array(people), np.full(count, role))


def _length(dataset: LabelledImages, where: str) -> int:
    expected = "a folder, a pack, a roster, paths of images, or a data set with a length and items by number"
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise RosterError(where, got=f"a {type(dataset).__name__}", expected=expected)
    count = len(dataset)
    if not count:
        raise RosterError(where, got=f"an empty {type(dataset).__name__}", expected="at least one image")
    return count


def _item(dataset: LabelledImages, number: int, where: str) -> tuple[bytes, str]:
    """One image as a PNG file, and who is on it."""
    item, error = tried(lambda: dataset[number])
    if error is not None:
        raise RosterError(where, got=f"{shortly(error)} for number {number}", expected=_ITEM) from error
    if not (isinstance(item, tuple | list) and len(item) == 2):
        raise RosterError(where, got=f"a {type(item).__name__} for number {number}", expected=_ITEM)
    return png_of(_pixels(item[0], number, where)), _person(item[1], number, where)


def _pixels(image: object, number: int, where: str) -> NDArray[np.uint8]:
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        return image
    shape, dtype = getattr(image, "shape", None), getattr(image, "dtype", "")
    told = "" if shape is None else f" of {dtype} {tuple(shape)}"
    got = f"a {type(image).__name__}{told} as image {number}"
    raise RosterError(where, got=got, expected=_ITEM, hint=_AS_DECODED)


def _person(label: Any, number: int, where: str) -> str:
    """The label as the name of a person; numbers of NumPy and torch are numbers."""
    plain = label.item() if hasattr(label, "item") and getattr(label, "ndim", 0) == 0 else label
    if isinstance(plain, bool) or not isinstance(plain, int | str) or plain == "":
        got, expected = f"the label {label!r} for image {number}", "who is on it: a whole number or a text"
        raise RosterError(where, got=got, expected=expected)
    return str(plain)


def _keep(path: Path, content: bytes) -> None:
    if not (is_file(path) and path.read_bytes() == content):
        write_bytes(path, content, private=True)
