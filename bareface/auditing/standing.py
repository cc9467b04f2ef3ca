"""Scores of strangers, of training people and of whoever asks, all on as many photos and by models without them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bareface.auditing.calibration import Calibration, ShownLeak
from bareface.stats.conformal import at_or_above
from bareface.stats.sample import mean_by
from bareface.streams import stream
from bareface.trace import Trace, join

Rows = NDArray[np.intp]


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


def stand(leak: ShownLeak, calibration: Calibration, asked: Trace, photos: int) -> Standing:
    """Scores of everybody with as many photos, and of those who ask, by models that were fitted without them.

    Args:
        leak: the attack.
        calibration: the audit.
        asked: answers about exactly as many photos of each person who asks; photo sets are people.
        photos: how many.
    """
    game = leak.arena
    rows = drawn_photos(game.photo_set, photos, calibration.config["seed"])
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


def _by_set(leak: ShownLeak, number: int, known: Trace, asking: Trace) -> NDArray[np.float64]:
    """(sets of the audit, then of those who ask) mean logits under one model, as the audit judges people."""
    together = join(known, asking)
    with threadpool_limits(limits=1, user_api="blas"):
        values = leak.attack.judge(leak.fitted.models[number], together, leak.finding.knowledge).values
    _, whose = np.unique(together.photo_set, return_inverse=True)
    return mean_by(values, whose, whose.max() + 1)


def drawn_photos(photo_set: NDArray[np.int64], photos: int, seed: int) -> Rows:
    """Rows of exactly so many photos of each set that has as many, drawn by lot."""
    order = stream(seed, "photos of strangers").permutation(len(photo_set))
    by_set = order[np.argsort(photo_set[order], kind="stable")]
    sets = np.split(by_set, np.flatnonzero(np.diff(photo_set[by_set])) + 1)
    return np.sort(np.concatenate([one[:photos] for one in sets if len(one) >= photos]))
