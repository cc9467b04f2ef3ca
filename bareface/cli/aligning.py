"""`bareface align`: photos to aligned faces."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from bareface.cli.manners import Stages
from bareface.errors import RosterError, TargetError, UsageError
from bareface.faces.aligning import (
    Detector,
    Unaligned,
    align_folder,
    detect_and_align,
    photos_in,
    read_landmarks,
)
from bareface.faces.decode import printable
from bareface.faces.template import TEMPLATES
from bareface.registry import tried
from bareface.rosters.image_folders import pictures_below, refuse_links
from bareface.storage.columns import write_csv

REJECTS = "unaligned.csv"


def run_align(
    photos: Path, folder: Path, landmarks: Path | None, detector: str | None, size: str, *, links: bool = False
) -> str:
    """Align all photos and say how many there are; those that could not be aligned are listed in `unaligned.csv`.

    Raises:
        BarefaceError: the call, the table or the detector is unusable, or no photo could be aligned.
    """
    total, results = _begun(photos, folder, landmarks, detector, size, links)
    failed: list[Unaligned] = []
    with Stages() as stages:
        for done, result in enumerate(results, start=1):
            failed += [result] if result else []
            stages("aligning", done, total)
    if failed:
        names, reasons = [printable(one.image) for one in failed], [one.reason for one in failed]
        write_csv(folder / REJECTS, {"image": names, "reason": reasons})
    if len(failed) == total:
        got = f"none of {total:,} photos aligned, most often because of: {_commonest(failed)}"
        raise RosterError(str(photos), got=got, expected="faces", hint=f"reading {folder / REJECTS}")
    said = f"{total - len(failed):,} faces of {size} pixels in {folder}"
    return said + (f"\n{len(failed):,} photos were not aligned, see {folder / REJECTS}" if failed else "")


def _begun(
    photos: Path, folder: Path, landmarks: Path | None, detector: str | None, size: str, links: bool
) -> tuple[int, Iterator[Unaligned | None]]:
    """How many photos there are, and their alignment."""
    template = TEMPLATES[size]
    if (landmarks is None) == (detector is None):
        got = "both landmarks and a detector" if landmarks else "neither landmarks nor a detector"
        raise UsageError("bareface align", got=got, expected="one of --landmarks FILE and --detector MODULE:FACTORY")
    if landmarks is not None:
        points = read_landmarks(landmarks)
        _refuse_links(photos, points, links)
        return len(points), align_folder(photos, folder, points, template)
    found = pictures_below(photos)
    for kind, count in found.ignored.items():
        typer.echo(f"left aside: {count:,} {kind}", err=True)
    names = photos_in(photos, found)
    _refuse_links(photos, names, links)
    return len(names), detect_and_align(photos, folder, names, template, _detector(str(detector)))


def _refuse_links(photos: Path, names: Iterable[str], links: bool) -> None:
    if not links:
        refuse_links(photos, names, photos)


def _detector(reference: str) -> Detector:
    from bareface.targets.factory import PATTERN, call_factory, shortly

    if not PATTERN.fullmatch(reference):
        raise UsageError("--detector", got=repr(reference), expected="package.module:factory")
    made = call_factory(reference)
    if not callable(made):
        got = f"a {type(made).__name__} returned"
        raise TargetError(reference, got=got, expected="a function from an image to five landmarks, or None")

    def asked(image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        def points() -> NDArray[np.float64] | None:
            found = made(image)
            return None if found is None else np.asarray(found, dtype=np.float64)

        landmarks, error = tried(points)
        if error is not None:
            raise TargetError(reference, got=shortly(error), expected="five landmarks of an image, or None") from error
        return landmarks

    return asked


def _commonest(failed: list[Unaligned]) -> str:
    return Counter(one.reason for one in failed).most_common(1)[0][0]
