"""Reconstructions beside the training photos they come nearest to: a file of its own, marked sensitive.

No report calls this by itself. The page shows faces of people who may be real, so its name says so, only its owner may
read it, and it is never part of the report.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.report.clean import harmless
from bareface.report.html import template
from bareface.report.inversion_rows import signed
from bareface.storage.files import write_text

SHEET_FILE = "SENSITIVE-contact-sheet.html"

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Match:
    """A photo that a reconstruction comes near to.

    Attributes:
        pixels: (h, w, 3) uint8 RGB.
        caption: who or what it is.
        cosine: to the template, before the judge that is named in the sheet's title.
    """

    pixels: Pixels
    caption: str
    cosine: float


@dataclass(frozen=True)
class Reconstruction:
    """One generated face and what it comes nearest to.

    Attributes:
        pixels: (h, w, 3) uint8 RGB.
        caption: the arm and the start, or whatever tells them apart.
        matches: nearest first, training people and decoys.
    """

    pixels: Pixels
    caption: str
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class _Tile:
    source: str
    caption: str
    cosine: str


def contact_sheet(folder: Path, title: str, reconstructions: Sequence[Reconstruction], *, sensitive: bool) -> Path:
    """Write the sheet into a folder and return its path; call it only when its owner asked for faces.

    Args:
        folder: of the run.
        title: the sheet's heading.
        reconstructions: in the order in which they are shown.
        sensitive: True, said by whoever asked: these images may show real people.

    Raises:
        UsageError: nobody said so, or an image is no (h, w, 3) uint8 array.
        RunError: the folder cannot be written.
    """
    if not sensitive:
        raise UsageError(
            "contact_sheet",
            got="sensitive=False",
            expected="sensitive=True: the sheet shows faces",
            hint="the report without faces is render_inversion_html",
        )
    rows = [[_tile(r.pixels, r.caption, ""), *map(_matched, r.matches)] for r in reconstructions]
    path = folder / SHEET_FILE
    write_text(path, template("contact_sheet.html.j2").render(title=harmless(title), rows=rows), private=True)
    return path


def _matched(match: Match) -> _Tile:
    return _tile(match.pixels, match.caption, signed(match.cosine))


def _tile(pixels: Pixels, caption: str, cosine: str) -> _Tile:
    return _Tile(f"data:image/png;base64,{_png(pixels)}", harmless(caption), cosine)


def _png(pixels: Pixels) -> str:
    from PIL import Image

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        got = f"{pixels.dtype} of shape {pixels.shape}"
        raise UsageError("contact_sheet", got=got, expected="(h, w, 3) uint8 RGB")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
