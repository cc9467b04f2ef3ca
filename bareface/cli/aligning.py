"""`bareface align`: photos to aligned faces."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from bareface.cli.manners import Stages
from bareface.errors import RosterError, TargetError, UsageError
from bareface.faces.aligning import Outcome, align_folder, detect_and_align, photos_in, read_landmarks
from bareface.faces.decode import printable
from bareface.faces.detection.finder import CENTRAL, Finder, OwnFinder, finder_of
from bareface.faces.packs.pack import is_pack, open_pack
from bareface.faces.template import TEMPLATES
from bareface.rosters.image_folders import FolderListing, pictures_below, refuse_links
from bareface.storage.columns import write_csv
from bareface.vocabulary import FaceChoice

REJECTS, SEVERAL = "unaligned.csv", "several.csv"
_SHOWN = 3


@dataclass(frozen=True)
class Points:
    """Where the landmarks come from.

    Attributes:
        landmarks: a table of them.
        detector: `package.module:callable`, a detector or a factory of one; with neither, bareface's own looks.
        face: which of several faces its own takes; None = the central one.
    """

    landmarks: Path | None = None
    detector: str | None = None
    face: FaceChoice | None = None

    def __post_init__(self) -> None:
        if self.landmarks is not None and self.detector is not None:
            expected = "one of --landmarks FILE and --detector MODULE:CALLABLE, or neither"
            raise UsageError("bareface align", got="both landmarks and a detector", expected=expected)
        if self.face is not None and (self.landmarks is not None or self.detector is not None):
            expected = "a choice among the faces that bareface finds itself"
            raise UsageError("--face", got="a choice where others say which face it is", expected=expected)

    @property
    def choice(self) -> str:
        """Which of several faces was taken, in words."""
        return f"the {self.face or CENTRAL} one"


def run_align(photos: Path, folder: Path, points: Points, size: str, *, links: bool = False) -> str:
    """Align all photos and say how many there are; what was not aligned, and who was chosen, is listed beside them.

    Raises:
        BarefaceError: the call, the table or the detector is unusable, or no photo could be aligned.
    """
    total, results = _begun(photos, folder, points, size, links)
    outcomes: list[Outcome] = []
    with Stages() as stages:
        for done, result in enumerate(results, start=1):
            outcomes.append(result)
            stages("aligning", done, total)
    failed = [one for one in outcomes if one.reason]
    several = [one for one in outcomes if one.faces > 1 and not one.reason]
    _list(folder / REJECTS, failed, "reason", [one.reason for one in failed])
    _list(folder / SEVERAL, several, "faces", [str(one.faces) for one in several])
    if len(failed) == total:
        kind = _reasons(failed)[0][0]
        example = next(one.reason for one in failed if one.reason.startswith(kind))
        got = f"none of {total:,} photos aligned, most often because of: {example}"
        raise RosterError(str(photos), got=got, expected="faces", hint=f"reading {folder / REJECTS}")
    return "\n".join(_said(folder, size, total, failed, several, points))


def _said(
    folder: Path, size: str, total: int, failed: list[Outcome], several: list[Outcome], points: Points
) -> Iterator[str]:
    yield f"{total - len(failed):,} faces of {size} pixels in {folder}"
    if failed:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in _reasons(failed)[:_SHOWN])
        yield f"{len(failed):,} photos were not aligned ({reasons}), see {folder / REJECTS}: {_named(failed)}"
    if several:
        yield (
            f"{len(several):,} photos show several faces, of which {points.choice} was taken, see {folder / SEVERAL}: "
            f"{_named(several)}"
        )


def _begun(photos: Path, folder: Path, points: Points, size: str, links: bool) -> tuple[int, Iterator[Outcome]]:
    """How many photos there are, and their alignment."""
    template = TEMPLATES[size]
    if points.landmarks is not None:
        table = read_landmarks(points.landmarks)
        _refuse_links(photos, table, links)
        return len(table), align_folder(photos, folder, table, template)
    finder = own_finder(points.detector) if points.detector else finder_of(points.face)
    found = FolderListing(open_pack(photos).listing().names, {}) if is_pack(photos) else pictures_below(photos)
    for kind, count in found.ignored.items():
        typer.echo(f"left aside: {count:,} {kind}", err=True)
    names = photos_in(photos, found)
    _refuse_links(photos, names, links)
    return len(names), detect_and_align(photos, folder, names, template, finder)


def _refuse_links(photos: Path, names: Iterable[str], links: bool) -> None:
    if not links:
        refuse_links(photos, names, photos)


def own_finder(reference: str) -> Finder:
    """The detector that `package.module:callable` names: itself a function of an image, or a factory of one.

    Raises:
        BarefaceError: there is no such callable, the factory fails, or it returns no function.
    """
    from bareface.targets.factory import PATTERN, import_factory, made_by

    if not PATTERN.fullmatch(reference):
        raise UsageError("--detector", got=repr(reference), expected="package.module:factory")
    named = import_factory(reference)
    made = named if _takes_an_image(named) else made_by(reference, named)
    if not callable(made):
        got = f"a {type(made).__name__} returned"
        raise TargetError(reference, got=got, expected="a function from an image to five landmarks, or None")
    return OwnFinder(made)


def _takes_an_image(named: Callable[..., object]) -> bool:
    """Whether it can be called with one argument, and not without."""
    try:
        signature = inspect.signature(named)
        signature.bind(None)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind()
    except TypeError:
        return True
    return False


def _list(path: Path, outcomes: Sequence[Outcome], column: str, values: list[str]) -> None:
    """Write the table of these photos; none is left from before where there are none."""
    if outcomes:
        write_csv(path, {"image": [printable(one.image) for one in outcomes], column: values})
    else:
        path.unlink(missing_ok=True)


def _reasons(failed: list[Outcome]) -> list[tuple[str, int]]:
    """The kinds of reasons, without their particulars in brackets, the most frequent first."""
    return Counter(one.reason.partition(" (")[0] for one in failed).most_common()


def _named(outcomes: list[Outcome]) -> str:
    shown = ", ".join(printable(one.image) for one in outcomes[:_SHOWN])
    more = len(outcomes) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
