"""The contact sheet of an inversion: faces, for its owner, only when asked."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.auditing.inversion.conduct import Inversion
from bareface.auditing.inversion.judging import ArmImages, Ruling
from bareface.auditing.pseudonyms import pseudonyms
from bareface.auditing.traces import candidates
from bareface.faces.images import RosterImages
from bareface.records.inversion import ArmName
from bareface.report.contact_sheet import Match, Pixels, Reconstruction, contact_sheet

SHOWN: tuple[tuple[ArmName, int], ...] = (("optimised", 24), ("base", 8), ("oracle", 8))


def write_sheet(inversion: Inversion, folder: Path) -> Path:
    """Write faces beside the photos that the primary judge finds nearest, and return the file's path.

    Whoever calls this was asked for faces.

    Raises:
        RunError: the folder cannot be written.
    """
    names = _names(inversion)
    shown = [
        _reconstruction(inversion, arm, row, names)
        for arm, most in SHOWN
        if arm in inversion.faces
        for row in range(min(most, len(inversion.faces[arm].pixels)))
    ]
    title = f"{inversion.record.title}: what was made and whom it resembles, before {inversion.record.judges[0].name}"
    return contact_sheet(folder, title, shown, sensitive=True)


def _reconstruction(inversion: Inversion, arm: ArmName, row: int, names: dict[str, str]) -> Reconstruction:
    faces: ArmImages = inversion.faces[arm]
    caption = f"{arm} {row + 1}, from start {faces.start[row]}"
    return Reconstruction(_pixels(faces.pixels[row]), caption, _matches(inversion, arm, row, names))


def _matches(inversion: Inversion, arm: ArmName, row: int, names: dict[str, str]) -> tuple[Match, ...]:
    """The nearest two training people and the nearest decoy, nearest first."""
    primary: Ruling = inversion.rulings[0]
    people, cosine = inversion.galleries.people, primary.seen[arm].values[row]
    inside, outside = np.argsort(-cosine[:people])[:2], people + np.argsort(-cosine[people:])[:1]
    columns = sorted([*inside.tolist(), *outside.tolist()], key=lambda column: -cosine[column])
    return tuple(_match(inversion, int(column), float(cosine[column]), names) for column in columns)


def _match(inversion: Inversion, column: int, cosine: float, names: dict[str, str]) -> Match:
    galleries = inversion.galleries
    rows, number = galleries.rows, column % galleries.people
    photo = (rows.training if column < galleries.people else rows.decoy)[number, 0]
    side = "training" if column < galleries.people else "decoy"
    return Match(_photo(inversion, photo), f"{side}, {names[str(galleries.roster.subject[photo])]}", cosine)


def _photo(inversion: Inversion, row: np.intp) -> Pixels:
    side = inversion.faces["base"].pixels.shape[-1]
    return _as_rows(RosterImages(inversion.galleries.roster, side, side).load(np.array([row]))[0])


def _pixels(image: Tensor) -> Pixels:
    return _as_rows((image * 255).round().to(torch.uint8))


def _as_rows(image: Tensor) -> Pixels:
    pixels: NDArray[np.uint8] = image.permute(1, 2, 0).contiguous().numpy()
    return pixels


def _names(inversion: Inversion) -> dict[str, str]:
    """The pseudonyms of the audit."""
    people, _ = candidates(inversion.audited.examination)
    return pseudonyms(people.subject, inversion.audited.seed)
