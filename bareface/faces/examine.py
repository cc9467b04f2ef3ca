"""One look at every image before anything is concluded from it.

Unusable images are recorded with a reason, never dropped in silence. Rejecting more of one side than of the other
would bias every attack, so it is refused.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bareface.errors import RosterError
from bareface.faces.blind import Features, describe
from bareface.faces.contents import Contents
from bareface.faces.decode import DecodedImage, FlawedImage, fit, picture_of, printable, thread_count
from bareface.faces.perceptual import BYTES, Hashes, perceptual_hash
from bareface.rosters.roster import Roster
from bareface.vocabulary import Role

MAX_REJECT_RATE, BIAS_LEVEL = 0.01, 0.01
_SIDE, _BLOCK, _SHOWN = 16, 256, 3

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Reject:
    """An image that cannot be used.

    Attributes:
        image: path relative to the root of the roster.
        role: what it was to the target.
        reason: one of the kinds of `Flaw`, to be counted.
        detail: the particulars.
    """

    image: str
    role: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Examination:
    """What one reading of every file of a roster gave.

    Attributes:
        accepted: the usable images, in the order of the roster.
        digest: (n,) SHA-256 of each file's bytes, in hexadecimal.
        blind: (n, f) model-free features, finite.
        blind_names: f names of the features; empty when no image was usable.
        thumbnail: (n, 256) a 16 x 16 grey image with mean 0 and norm 1, so that products are pixel similarities
            in [-1, 1]; all zero for an image of one brightness.
        hashes: (n, 32) perceptual hashes.
        rejects: the unusable images, in the order of the roster, then those that are not to be used.
        several: photos with more than one face, where faces were looked for.
    """

    accepted: Roster
    digest: NDArray[np.str_]
    blind: NDArray[np.float32]
    blind_names: tuple[str, ...]
    thumbnail: NDArray[np.float32]
    hashes: Hashes
    rejects: tuple[Reject, ...]
    several: tuple[str, ...] = ()

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Examination":
        """The same of some of the accepted images."""
        columns = {name: getattr(self, name)[rows] for name in ("digest", "blind", "thumbnail", "hashes")}
        return replace(self, accepted=self.accepted.take(rows), **columns)

    def without(self, rejects: Sequence[Reject]) -> "Examination":
        """The same less some of the accepted images, which then stand among the rejects, behind the others."""
        if not rejects:
            return self
        gone = {reject.image for reject in rejects}
        kept = np.array([image not in gone for image in self.accepted.image], dtype=bool)
        return replace(self.take(kept), rejects=(*self.rejects, *rejects))


@dataclass(frozen=True)
class _Finding:
    digest: str
    blind: Features
    thumbnail: NDArray[np.float32]
    hash: Hashes


@dataclass(frozen=True)
class SeenImage:
    """One image file, and what of it an audit goes by.

    Attributes:
        picture: the file, decoded.
        face: the pixels that models are shown.
        content: the bytes of a file with exactly these pixels.
    """

    picture: DecodedImage
    face: Image.Image
    content: bytes


Eye = Callable[[bytes, str], SeenImage]
"""From the bytes of a file, and its name in the roster, to what of it counts; raises `FlawedImage`."""


def whole(content: bytes, name: str) -> SeenImage:
    """The whole picture counts, as it is."""
    picture = picture_of(content, name)
    return SeenImage(picture, picture.image, content)


def examine(roster: Roster, *, eye: Eye = whole, report: Report | None = None) -> Examination:
    """Read and decode every file of the roster once; every image ends up in `accepted` or in `rejects`.

    Args:
        roster: the images to look at.
        eye: what of a file counts.
        report: called with (done, total) as the work goes on.
    """
    found, rejects = _Columns(len(roster)), []
    for row, finding in enumerate(_findings(roster, eye)):
        if isinstance(finding, FlawedImage):
            rejects.append(Reject(roster.image[row], str(roster.role[row]), finding.flaw.value, finding.detail))
        else:
            found.put(row, finding)
        if report is not None:
            report(row + 1, len(roster))
    return found.examination(roster, tuple(rejects))


class _Columns:
    """Room for what every image may give, taken once: lists of small arrays would take as much again."""

    def __init__(self, count: int) -> None:
        self._usable = np.zeros(count, dtype=bool)
        self._names: tuple[str, ...] = ()
        self._digest = np.zeros(count, "U64")
        self._blind = np.zeros((count, 0), np.float32)
        self._thumbnail = np.zeros((count, _SIDE**2), np.float32)
        self._hashes = np.zeros((count, BYTES), np.uint8)

    def put(self, row: int, finding: _Finding) -> None:
        if not self._names:
            self._names = tuple(finding.blind)
            self._blind = np.zeros((len(self._usable), len(self._names)), np.float32)
        self._usable[row], self._digest[row] = True, finding.digest
        self._blind[row] = np.fromiter(finding.blind.values(), np.float32)
        self._thumbnail[row], self._hashes[row] = finding.thumbnail, finding.hash

    def examination(self, roster: Roster, rejects: tuple[Reject, ...]) -> Examination:
        def kept(column: NDArray[Any]) -> NDArray[Any]:
            return column[self._usable] if rejects else column

        columns = (kept(self._digest), kept(self._blind), self._names, kept(self._thumbnail), kept(self._hashes))
        return Examination(roster.take(self._usable), *columns, rejects)


def refuse_if_biased(
    examination: Examination,
    *,
    members: Sequence[str] = (Role.MEMBER,),
    nonmembers: Sequence[str] = (Role.HELDOUT, Role.OUTSIDE),
    max_reject_rate: float = MAX_REJECT_RATE,
) -> None:
    """Refuse an examination that rejected too much, or more of one side than of the other.

    The sides are compared with Fisher's exact test, two-sided, at p < 0.01.

    Raises:
        RosterError: with the counts.
    """
    roster = examination.accepted
    total = len(roster) + len(examination.rejects)
    if len(examination.rejects) > max_reject_rate * total:
        raise RosterError(
            roster.called,
            got=f"{len(examination.rejects)} of {total} images unusable ({_reasons(examination)})",
            expected=f"at most {max_reject_rate:.1%}",
            hint=f"copying again (whole packs), or leaving out, {_named(roster, examination.rejects)}; "
            "max_reject_rate in a configuration allows more",
        )
    (bad, of), (other_bad, other_of) = (_rejected(examination, roles) for roles in (members, nonmembers))
    if (p := _fisher(bad, of, other_bad, other_of)) < BIAS_LEVEL:
        concerned = [reject for reject in examination.rejects if reject.role in (*members, *nonmembers)]
        raise RosterError(
            roster.called,
            got=f"{bad} of {of} member images and {other_bad} of {other_of} non-member images unusable (p = {p:.2g})",
            expected="both sides equally usable",
            hint="bringing both sides through the same storage and conversion, since the difference alone looks like "
            f"membership; unusable are {_named(roster, concerned)}",
        )


def _findings(roster: Roster, eye: Eye) -> Iterator[_Finding | FlawedImage]:
    """What each file gives, in order; a bounded number of files is in memory at a time."""
    contents = Contents()
    with ThreadPoolExecutor(thread_count()) as pool:
        for start in range(0, len(roster), _BLOCK):
            yield from pool.map(partial(_look_at, contents, eye, roster.root), roster.image[start : start + _BLOCK])


def _look_at(contents: Contents, eye: Eye, root: Path, name: str) -> _Finding | FlawedImage:
    try:
        seen = eye(contents.read(root / name), name)
    except FlawedImage as flawed:
        return flawed
    return _Finding(
        hashlib.sha256(seen.content).hexdigest(),
        describe(seen.picture, seen.face),
        _thumbnail(seen.face),
        perceptual_hash(seen.face),
    )


def _thumbnail(image: Image.Image) -> NDArray[np.float32]:
    grey = Image.fromarray(fit(image, _SIDE, _SIDE)).convert("L")
    values = np.asarray(grey, dtype=np.float32).ravel()
    centred = values - values.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-6), dtype=np.float32)


def _rejected(examination: Examination, roles: Sequence[str]) -> tuple[int, int]:
    """How many images with one of the roles are unusable, of how many."""
    bad = sum(reject.role in roles for reject in examination.rejects)
    return bad, bad + len(examination.accepted.rows(*roles))


def _fisher(bad: int, of: int, other_bad: int, other_of: int) -> float:
    from scipy.stats import fisher_exact

    return float(fisher_exact(np.array([[bad, of - bad], [other_bad, other_of - other_bad]])).pvalue)


def _named(roster: Roster, rejects: Sequence[Reject]) -> str:
    """The first few by their paths, which end in the number or key of a record where they lie in a pack."""
    shown = [
        f"{printable(roster.shown(one.image))} ({': '.join(filter(None, (one.reason, one.detail)))})"
        for one in rejects[:_SHOWN]
    ]
    more = len(rejects) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _reasons(examination: Examination) -> str:
    counts = Counter(reject.reason for reject in examination.rejects)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
