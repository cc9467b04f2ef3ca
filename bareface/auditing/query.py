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
from threadpoolctl import threadpool_limits

from bareface.auditing.calibration import PERSONAL, Calibration, Leak
from bareface.auditing.images import images_for
from bareface.auditing.overlap.near_duplicates import near_duplicates, pictures_of
from bareface.auditing.progress import Progress, silent
from bareface.errors import RosterError
from bareface.faces.examine import Examination, examine
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.records.measurement import Share
from bareface.records.query import QueryRecord
from bareface.rosters.image_folders import pictures_below, refuse_links
from bareface.rosters.roster import Roster
from bareface.stats.conformal import at_or_above, conformal_p, strangers_needed
from bareface.stats.intervals import share_of_people
from bareface.streams import stream
from bareface.trace import Channel, Trace, join
from bareface.vocabulary import Game, Role

Rows = NDArray[np.intp]
FPR = 0.01
NO_LEAK = (
    "the audit shows no leak that could be asked about one person ({verdict}), so its scores do not tell training "
    "people from strangers, and a number for one person would mean nothing"
)


@dataclass(frozen=True)
class Photos:
    """Photos of one person, examined.

    Attributes:
        seen: the usable ones, each once.
        brought, repeated: how many there were, and how many of them are copies, perhaps recompressed or mirrored.
        rejected: why some cannot be used.
    """

    seen: Examination
    brought: int
    repeated: int
    rejected: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Standing:
    """Scores of strangers, of training people and of those who ask, all on as many photos.

    Attributes:
        strangers, members: (n,), (k,) scores of people by models that were fitted without them.
        stranger, person: (n,), (k,) numbers of those people in the game.
        fold: (n,) rows of `asked`: whose model judged each stranger.
        member_fold: (k,) likewise of training people.
        asked: (folds, q) scores of q people who ask, under the model of each fold.
    """

    strangers: NDArray[np.float64]
    stranger: NDArray[np.int64]
    fold: Rows
    members: NDArray[np.float64]
    person: NDArray[np.int64]
    member_fold: Rows
    asked: NDArray[np.float64]

    def above(self, own: NDArray[np.int64], judge: int | None) -> tuple[int, int]:
        """How many strangers score at least as high as the first who asks, and how many strangers there are.

        Args:
            own: the numbers of that person in the game, who is not compared with themselves; empty if not there.
            judge: the row of `asked` that may judge a person who is there; None = each fold's model in its fold.
        """
        others = ~np.isin(self.stranger, own)
        asked, fold = self.asked[:, :1], self.fold[others]
        if judge is not None:
            asked, fold = asked[[judge]], np.zeros(int(others.sum()), np.intp)
        return int(at_or_above(asked, self.strangers[others], fold)[0]), int(others.sum())


def photos_of(folder: Path, *, links: bool = False) -> Photos:
    """The photos of one person in a folder, copies once.

    Raises:
        RosterError: there is no picture in it, or pictures lie in folders inside it, or behind links that leave it.
    """
    if not folder.is_dir():
        raise RosterError(str(folder), got="no such folder", expected="a folder of one person's photos")
    names = pictures_below(folder).images
    deeper = [name for name in names if "/" in name]
    if deeper or not names:
        got = f"{len(deeper)} pictures in folders inside it" if deeper else "no picture"
        hint = "one query for each person" if deeper else "JPEG, PNG, WEBP or BMP files"
        raise RosterError(str(folder), got=got, expected="the photos of one person, side by side", hint=hint)
    if not links:
        refuse_links(folder, names, folder)
    asked = Roster(folder, names, np.full(len(names), "who asks"), np.full(len(names), str(Role.PUBLIC)))
    seen = examine(asked)
    once = _each_once(seen)
    rejected = tuple(f"{reject.reason}: {reject.image}" for reject in seen.rejects)
    return Photos(_taken(seen, once), len(names), len(seen.digest) - len(once), rejected)


def _each_once(seen: Examination) -> Rows:
    """Rows without copies: copies agree with each other more than photos do, and look like memory."""
    once = np.sort(np.unique(seen.digest, return_index=True)[1])
    pictures = pictures_of(_taken(seen, once))
    alike = near_duplicates(pictures, pictures)
    twice = alike.first != alike.second
    return np.delete(once, np.unique(np.maximum(alike.first, alike.second)[twice]))


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
    trace = asked_trace(calibration, chosen, _taken(photos.seen, rows), progress)
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


def stand(leak: Leak, calibration: Calibration, asked: Trace, photos: int) -> Standing:
    """Scores of everybody with as many photos, and of those who ask, by models that were fitted without them.

    Args:
        leak: the attack.
        calibration: the audit.
        asked: answers about exactly as many photos of each person who asks; photo sets are people.
        photos: how many.
    """
    game = leak.arena
    rows = _drawn(game.photo_set, photos, calibration.config["seed"])
    known = calibration.trace.take(game.rows[rows]).with_photo_set(game.photo_set[rows])
    asking = asked.with_photo_set(asked.photo_set + game.photo_set.max() + 1)
    sets, first = np.unique(game.photo_set[rows], return_index=True)
    fold = np.searchsorted(np.unique(game.fold), game.fold[rows][first])
    if leak.fitted.knowledge == "shadow":
        fold = np.zeros(len(sets), np.intp)  # one model judges everybody
    told = np.stack([_by_set(leak, number, known, asking) for number in range(len(leak.fitted.models))])
    scores = told[fold, np.arange(len(sets))]
    inside, subject = game.member[rows][first], game.subject[rows][first]
    strangers, members = (~inside & ~np.isnan(scores)), (inside & ~np.isnan(scores))
    return Standing(
        scores[strangers], subject[strangers], fold[strangers], scores[members], subject[members], fold[members],
        told[:, len(sets) :],
    )  # fmt: skip


def _by_set(leak: Leak, number: int, known: Trace, asking: Trace) -> NDArray[np.float64]:
    """(sets of the audit, then of those who ask) mean logits under one model, as the audit judges people."""
    together = join(known, asking)
    with threadpool_limits(limits=1, user_api="blas"):
        values = leak.attack.judge(leak.fitted.models[number], together, leak.finding.knowledge).values
    _, whose = np.unique(together.photo_set, return_inverse=True)
    given = ~np.isnan(values)
    total, count = (np.bincount(whose[given], w, whose.max() + 1) for w in (values[given], np.ones(int(given.sum()))))
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return mean


def _drawn(photo_set: NDArray[np.int64], photos: int, seed: int) -> Rows:
    """Rows of exactly so many photos of each set that has as many, drawn by lot."""
    order = stream(seed, "photos of strangers").permutation(len(photo_set))
    by_set = order[np.argsort(photo_set[order], kind="stable")]
    sets = np.split(by_set, np.flatnonzero(np.diff(photo_set[by_set])) + 1)
    return np.sort(np.concatenate([one[:photos] for one in sets if len(one) >= photos]))


def _chosen(
    leaks: Sequence[Leak], calibration: Calibration, own: NDArray[np.str_], usable: int, fpr: float
) -> tuple[Leak | None, int, str]:
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


def _least(leak: Leak) -> int:
    """Photos of a person without which the attack says nothing."""
    return int(leak.finding.parameters.get("k", 1))


def _stranger_photos(leak: Leak) -> NDArray[np.int64]:
    """(strangers,) how many photos each has."""
    outside = leak.arena.photo_set[~leak.arena.member]
    return np.unique(outside, return_counts=True)[1].astype(np.int64)


def _own_subjects(calibration: Calibration, photos: Photos) -> NDArray[np.str_]:
    """The names under which the audit knows some of the very photos; empty where it knows none."""
    return np.unique(calibration.people.subject[np.isin(calibration.trace.image, photos.seen.digest)])


def _own(leak: Leak, calibration: Calibration, own: NDArray[np.str_]) -> tuple[NDArray[np.int64], int | None]:
    """The number of this person in the game, and whose model was fitted without them; empty and None if not there."""
    game = leak.arena
    here = np.isin(calibration.people.subject[game.rows], own)
    if not here.any():
        return np.empty(0, np.int64), None
    fold = np.searchsorted(np.unique(game.fold), game.fold[here][0])
    return np.unique(game.subject[here]), 0 if leak.fitted.knowledge == "shadow" else int(fold)


def _folds_of(leak: Leak, calibration: Calibration, own: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(n,) which images of the game stand in a fold with this person."""
    game = leak.arena
    return np.isin(game.fold, game.fold[np.isin(calibration.people.subject[game.rows], own)])


def asked_trace(calibration: Calibration, leak: Leak, seen: Examination, progress: Progress = silent) -> Trace:
    """What the target answers about examined photos, asked as the audit asked; all of one photo set, numbered 0."""
    people, target = seen.accepted, calibration.target
    prober = prober_of(target, people.image, seen.digest.tolist(), leak.attack.reads())
    todo = plan(prober, seen.digest, batch_size=calibration.config["batch_size"])
    with TemporaryDirectory() as folder:
        home = probe(prober, images_for(target, people), todo, Path(folder), lambda *at: progress("probing", *at))
        trace = load_trace(home)
    pictures = {Channel.BLIND: seen.blind, Channel.PICTURE: seen.thumbnail}
    return replace(trace, channels={**trace.channels, **pictures}).with_photo_set(np.zeros(len(trace), np.int64))


def _taken(seen: Examination, rows: Rows) -> Examination:
    """Some of the accepted photos."""
    columns = {name: getattr(seen, name)[rows] for name in ("digest", "blind", "thumbnail", "hashes")}
    return replace(seen, accepted=seen.accepted.take(rows), **columns)


def _detected(standing: Standing, fpr: float) -> Share | None:
    """How many of the audit's training people stand out with as many photos; None where none has as many."""
    if not len(standing.members):
        return None
    nowhere = np.zeros(len(standing.strangers), np.intp)
    above = at_or_above(standing.members[None], standing.strangers, nowhere)
    out = np.array([conformal_p(int(count), len(standing.strangers)) <= fpr for count in above])
    return share_of_people(out, np.arange(len(out)))
