"""Was this person in training? Photos of one person beside the photo sets of strangers, as a finished audit saw them.

What is asked of the person is asked of every stranger: as many photos, the same attack, its score as a mean over them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.asked_photos import Photos
from bareface.auditing.calibration import PERSONAL, Calibration, ShownLeak
from bareface.auditing.images import images_for
from bareface.auditing.progress import Progress, silent
from bareface.auditing.standing import Standing, stand
from bareface.faces.examine import Examination
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.records.measurement import Share
from bareface.records.query import QueryRecord
from bareface.stats.conformal import at_or_above, conformal_p, strangers_needed
from bareface.stats.intervals import share_of_people
from bareface.streams import stream
from bareface.trace import Channel, Trace
from bareface.vocabulary import Game

Rows = NDArray[np.intp]
FPR = 0.01
NO_LEAK = (
    "the audit shows no leak that could be asked about one person ({verdict}), so its scores do not tell training "
    "people from strangers, and a number for one person would mean nothing"
)


def query(
    calibration: Calibration,
    photos: Photos,
    *,
    fpr: float = FPR,
    game: Game | None = None,
    progress: Progress = silent,
) -> QueryRecord:
    """How one person's photos stand among those of strangers; nothing is written into the run folder.

    Args:
        calibration: the audit.
        photos: of the person.
        fpr: up to which p-value the person stands out.
        game: in which a leak must be shown; None = the person game if one is shown there, else the dataset game.
        progress: called with (stage, done, total).

    Raises:
        UsageError: `fpr` is no rate.
    """
    needed, usable = strangers_needed(fpr), len(photos.seen.digest)
    about = _About(calibration, photos, fpr)
    leaks = list(calibration.leaks((game,) if game else PERSONAL))
    if not leaks:
        return about.nothing(NO_LEAK.format(verdict=calibration.evidence.verdict))
    if not usable:
        return about.nothing("none of the photos can be used")
    own = _own_subjects(calibration, photos)
    if len(own) > 1:
        return about.nothing(f"the audit knows these photos as of {len(own)} people")
    chosen, used, reason = _chosen(leaks, calibration, own, usable, fpr)
    if chosen is None:
        return about.nothing(reason)
    rows = np.sort(stream(calibration.config["seed"], "photos of who asks").permutation(usable)[:used])
    trace = asked_trace(calibration, chosen, photos.seen.take(rows), progress)
    standing = stand(chosen, calibration, trace, used)
    if np.isnan(standing.asked).any():
        return about.nothing(f"{chosen.finding.label} gives no score for these photos")
    above, strangers = standing.above(*_own(chosen, calibration, own))
    if strangers < needed:
        return about.nothing(_too_few(strangers, needed, fpr))
    p = conformal_p(above, strangers)
    found = chosen.finding
    return about.answer(
        attack=found.label, game=found.game, knowledge=found.knowledge, used=used, strangers=strangers,
        at_or_above=above, p_value=p, stands_out=p <= fpr, known=bool(len(own)), detected=_detected(standing, fpr),
    )  # fmt: skip


@dataclass(frozen=True)
class _About:
    """What every answer says, and the two kinds of it."""

    calibration: Calibration
    photos: Photos
    fpr: float

    def nothing(self, reason: str) -> QueryRecord:
        return self._record(status="no answer", reason=reason)

    def answer(self, **found: Any) -> QueryRecord:
        return self._record(status="answered", **found)

    def _record(self, **found: Any) -> QueryRecord:
        evidence, photos = self.calibration.evidence, self.photos
        return QueryRecord(
            title=evidence.title, verdict=evidence.verdict, fpr=self.fpr, photos=photos.brought,
            repeated=photos.repeated, rejected=photos.rejected, **found,
        )  # fmt: skip


def _chosen(
    leaks: Sequence[ShownLeak], calibration: Calibration, own: NDArray[np.str_], usable: int, fpr: float
) -> tuple[ShownLeak | None, int, str]:
    """The most telling attack of the first game that shows a leak, judged without this person; or why there is none."""
    needed = strangers_needed(fpr)
    first = next(game for game in PERSONAL if game in {leak.finding.game for leak in leaks})
    least = min(_least(leak) for leak in leaks if leak.finding.game == first)
    mine = [leak for leak in leaks if leak.finding.game == first and _least(leak) <= usable]
    if not mine:
        return None, 0, f"{usable} usable photos, and {least} are needed by every attack that showed a leak"
    best = max(mine, key=lambda leak: leak.reached(_folds_of(leak, calibration, own)))
    counts = _stranger_photos(best)
    most = max((m for m in range(_least(best), usable + 1) if (counts >= m).sum() >= max(needed, len(counts) / 2)),
               default=0)  # fmt: skip
    if not most:
        return None, 0, _too_few(int((counts >= _least(best)).sum()), needed, fpr)
    return best, most, ""


def _too_few(strangers: int, needed: int, fpr: float) -> str:
    rate = f"at most {100 * fpr:g} % of people never trained on"
    return (
        f"{strangers} strangers of the audit have enough photos, and {needed} are needed so that {rate} would stand "
        "out; ask with a larger --fpr, or audit with more people"
    )


def _least(leak: ShownLeak) -> int:
    """Photos of a person without which the attack says nothing."""
    return int(leak.finding.parameters.get("k", 1))


def _stranger_photos(leak: ShownLeak) -> NDArray[np.int64]:
    """(strangers,) how many photos each has."""
    outside = leak.arena.photo_set[~leak.arena.member]
    return np.unique(outside, return_counts=True)[1].astype(np.int64)


def _own_subjects(calibration: Calibration, photos: Photos) -> NDArray[np.str_]:
    """The names under which the audit knows some of the very photos; empty where it knows none."""
    return np.unique(calibration.people.subject[np.isin(calibration.trace.image, photos.digests)])


def _own(leak: ShownLeak, calibration: Calibration, own: NDArray[np.str_]) -> tuple[NDArray[np.int64], int | None]:
    """The number of this person in the game, and whose model was fitted without them; empty and None if not there."""
    game = leak.arena
    here = np.isin(calibration.people.subject[game.rows], own)
    if not here.any():
        return np.empty(0, np.int64), None
    fold = np.searchsorted(np.unique(game.fold), game.fold[here][0])
    return np.unique(game.subject[here]), 0 if leak.fitted.knowledge == "shadow" else int(fold)


def _folds_of(leak: ShownLeak, calibration: Calibration, own: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(n,) which images of the game stand in a fold with this person."""
    game = leak.arena
    return np.isin(game.fold, game.fold[np.isin(calibration.people.subject[game.rows], own)])


def asked_trace(calibration: Calibration, leak: ShownLeak, seen: Examination, progress: Progress = silent) -> Trace:
    """What the target answers about examined photos, asked as the audit asked; all of one photo set, numbered 0."""
    people, target = seen.accepted, calibration.target
    prober = prober_of(target, people.image, seen.digest.tolist(), leak.attack.reads())
    todo = plan(prober, seen.digest, batch_size=calibration.config["batch_size"])
    with TemporaryDirectory() as folder:
        home = probe(prober, images_for(target, people), todo, Path(folder), lambda *at: progress("probing", *at))
        trace = load_trace(home)
    pictures = {Channel.BLIND: seen.blind, Channel.PICTURE: seen.thumbnail}
    return replace(trace, channels={**trace.channels, **pictures}).with_photo_set(np.zeros(len(trace), np.int64))


def _detected(standing: Standing, fpr: float) -> Share | None:
    """How many of the audit's training people stand out with as many photos; None where none has as many."""
    if not len(standing.members):
        return None
    nowhere = np.zeros(len(standing.strangers), np.intp)
    above = at_or_above(standing.members[None], standing.strangers, nowhere)
    out = np.array([conformal_p(int(count), len(standing.strangers)) <= fpr for count in above])
    return share_of_people(out, np.arange(len(out)))
