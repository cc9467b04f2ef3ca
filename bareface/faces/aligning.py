"""Folders of photos made into folders of aligned faces, by landmarks from a table or from a detector."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bareface.errors import BarefaceError, RosterError, UsageError
from bareface.faces.contents import Contents
from bareface.faces.decode import DecodedImage, thread_count
from bareface.faces.detection.finder import Finder
from bareface.faces.photos import CutFace, cut_out, found_and_cut, photo_of
from bareface.faces.template import AlignmentTemplate
from bareface.rosters.image_folders import FolderListing, pictures_below
from bareface.storage.columns import read_rows, refuse_ragged, refuse_strays
from bareface.storage.files import write_bytes
from bareface.storage.places import real_path
from bareface.untrusted.regular import is_file, what_lies_at

_CELLS, _BLOCK = 11, 256


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    Attributes:
        image: path relative to the folder of photos.
        reason: why no face was made of it; empty where one was.
        faces: how many there are on it, where somebody looked.
    """

    image: str
    reason: str = ""
    faces: int = 1


def read_landmarks(path: Path) -> dict[str, NDArray[np.float64]]:
    """Five landmarks for each image: rows of `image, x, y, x, y, ...` in a CSV file, with or without a line of names.

    Raises:
        RosterError: the file is missing or damaged, an image stands in it twice or leaves its folder, or a landmark is
            no number.
    """
    rows = read_rows(path) if is_file(path) else []
    start = 2 if rows and _is_header(rows[0]) else 1
    rows = rows[start - 1 :]
    if not rows:
        got = "no rows" if is_file(path) else what_lies_at(path)
        raise RosterError(str(path), got=got, expected="a CSV of image and ten numbers: x and y of five landmarks")
    refuse_ragged(path, rows, _CELLS, first=start)
    refuse_strays(path, (row[0] for row in rows), "the folder of photos", first=start)
    landmarks = {row[0]: _landmarks(path, line, row[1:]) for line, row in enumerate(rows, start=start)}
    if len(landmarks) < len(rows):
        got = f"{len(rows) - len(landmarks)} images listed more than once"
        raise RosterError(str(path), got=got, expected="every image once", hint="keeping one face of each photo")
    return landmarks


def photos_in(folder: Path, found: FolderListing | None = None) -> tuple[str, ...]:
    """The images anywhere below a folder, by path relative to it, sorted.

    Args:
        folder: of photos.
        found: what lies there, if somebody looked already.

    Raises:
        RosterError: there are none.
    """
    images = (found or pictures_below(folder)).images
    if not images:
        got = "no images" if folder.is_dir() else "no such folder"
        raise RosterError(str(folder), got=got, expected="a folder with photos in it")
    return images


def align_folder(
    folder: Path, out: Path, landmarks: Mapping[str, NDArray[np.float64]], template: AlignmentTemplate
) -> Iterator[Outcome]:
    """Align listed photos, each into a PNG file of the same name below `out`.

    Args:
        folder: of the photos.
        out: another folder, for the faces.
        landmarks: (5, 2) pixels of each photo, whatever its size.
        template: where they shall lie.

    Raises:
        UsageError: `out` is the folder of the photos, or two photos would become one file.
        RunError: a file cannot be written.
    """

    def cut(photo: DecodedImage, name: str) -> CutFace:
        return CutFace(cut_out(photo.image, (landmarks[name] + 0.5) / photo.shrunk - 0.5, template), 1)

    return _each(folder, out, landmarks, cut)


def detect_and_align(
    folder: Path, out: Path, photos: Iterable[str], template: AlignmentTemplate, finder: Finder
) -> Iterator[Outcome]:
    """As `align_folder`, with landmarks from a finder; tiny faces are not aligned."""

    def cut(photo: DecodedImage, name: str) -> CutFace:
        return found_and_cut(photo.image, name, finder, template)

    return _each(folder, out, photos, cut)


def _each(
    folder: Path, out: Path, photos: Iterable[str], cut: Callable[[DecodedImage, str], CutFace]
) -> Iterator[Outcome]:
    reader = Contents()
    made = _targets(folder, out, photos)

    def one(name: str) -> Outcome:
        try:
            cut_face = cut(photo_of(reader.read(folder / name), name), name)
        except (UsageError, RosterError) as error:
            return Outcome(name, f"{error.got}; expected {error.expected}")
        except BarefaceError as error:
            return Outcome(name, f"{error.got}. Try: {error.hint}" if error.hint else error.got)
        write_bytes(made[name], png_of(cut_face.face))
        return Outcome(name, faces=cut_face.faces)

    names = iter(made)
    with ThreadPoolExecutor(thread_count()) as pool:
        while block := list(islice(names, _BLOCK)):
            yield from pool.map(one, block)


def _targets(folder: Path, out: Path, photos: Iterable[str]) -> dict[str, Path]:
    """Where each photo goes."""
    if real_path(folder) == real_path(out):
        raise UsageError(str(out), got="the folder of the photos", expected="another folder for the aligned faces")
    targets = {name: out / Path(name).with_suffix(".png") for name in photos}
    taken = {target: name for name, target in targets.items()}
    clash = next((name for name, target in targets.items() if taken[target] != name), None)
    if clash is not None:
        got = f"{clash!r} and {taken[targets[clash]]!r}, which would become one file"
        raise UsageError(str(folder), got=got, expected="photos that differ in more than their suffix")
    return targets


def png_of(pixels: NDArray[np.uint8], texts: PngInfo | None = None) -> bytes:
    """An image (h, w, 3) uint8 RGB as a PNG file, with texts beside it."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", pnginfo=texts)
    return buffer.getvalue()


def _is_header(row: list[str]) -> bool:
    return len(row) == _CELLS and all(_number_or_none(cell) is None for cell in row[1:])


def _landmarks(path: Path, line: int, cells: list[str]) -> NDArray[np.float64]:
    numbers = [_number_or_none(cell) for cell in cells]
    strange = next((cell for cell, number in zip(cells, numbers, strict=True) if number is None), None)
    if strange is not None:
        raise RosterError(f"{path}, line {line}", got=f"the landmark {strange!r}", expected="a number of pixels")
    return np.array(numbers, dtype=np.float64).reshape(5, 2)


def _number_or_none(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
