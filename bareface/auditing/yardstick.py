"""How often people who were never trained on score as high: one attack of a finished audit, for any number of images.

Strangers of the audit are scored by models that were fitted without their fold, and whoever is scored is compared with
the strangers of each fold under that fold's model, as in a query (`standing`). What is standardised by a pool (shadow
knowledge) is standardised by the audit's, so that a score does not depend on who is scored beside it.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bareface.auditing.calibration import Calibration, ShownLeak
from bareface.auditing.standing import drawn_photos
from bareface.membership.engine.attack_model import AttackModel
from bareface.stats.conformal import at_or_above
from bareface.stats.sample import mean_by
from bareface.trace import Trace

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_PHOTOS = 20
"""More photos of a person than this are not asked about."""
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Scored:
    """What is said of q images or people.

    Attributes:
        score: (q,) mean logit over the models; NaN where there is none.
        fpr: (q,) share of strangers who score as high, (1 + above) / (strangers + 1); NaN where there is none.
    """

    score: Floats
    fpr: Floats


@dataclass(frozen=True, eq=False)
class Scale:
    """Scores of strangers.

    Attributes:
        scores: (n,) finite, each by the model of the stranger's own fold.
        fold: (n,) whose model that is.
        person: (n,) numbers of people in the game.
    """

    scores: Floats
    fold: NDArray[np.intp]
    person: Codes

    def read(self, asked: Floats, own: Codes, judge: Codes) -> Scored:
        """How q scores stand among the strangers.

        Args:
            asked: (models, q) logits.
            own: (q,) whose photo it is, where that person plays in the audit; `NOBODY` for all others.
            judge: (q,) the model that was fitted without that person.
        """
        there = np.flatnonzero(own != NOBODY)
        asked = asked.copy()
        asked[:, there] = asked[judge[there], there]
        unknown = np.isnan(asked).any(0)
        above, strangers = at_or_above(asked, self.scores, self.fold), np.full(asked.shape[1], len(self.scores))
        for q in there.tolist():  # nobody is compared with themselves
            others = self.person != own[q]
            above[q], strangers[q] = (self.scores[others] >= asked[0, q]).sum(), others.sum()
        fpr = np.where(unknown, np.nan, (1.0 + above) / (strangers + 1.0))
        return Scored(np.where(unknown, np.nan, asked.mean(0)), fpr)


@dataclass(frozen=True, eq=False)
class Yardstick:
    """One attack that showed a leak, ready to judge anybody.

    Attributes:
        leak: the attack.
        calibration: the audit.
        models: of each fold in order, or one for everybody.
    """

    leak: ShownLeak
    calibration: Calibration
    models: tuple[AttackModel, ...]
    _scales: dict[int, Scale] = field(default_factory=dict)

    @classmethod
    def of(cls, leak: ShownLeak, calibration: Calibration) -> "Yardstick":
        """The attack with its models settled on the images of its game."""
        game = leak.arena
        pool = calibration.trace.take(game.rows).with_photo_set(game.photo_set)
        settled = (leak.attack.settled(one, pool, leak.finding.knowledge) for one in leak.fitted.models)
        return cls(leak, calibration, tuple(settled))

    def images(self, trace: Trace) -> Scored:
        """How each image stands among images of strangers; of attacks that look at single images alone."""
        own, judge = self.known(trace.image)
        return self.image_scale.read(self._logits(trace), own, judge)

    def people(self, trace: Trace, photos: int) -> Scored:
        """How people stand among strangers with as many photos; photo sets are people, in order of their numbers.

        Args:
            trace: answers about exactly so many photos of each.
            photos: how many; one of `levels`.
        """
        _, first, whose = np.unique(trace.photo_set, return_index=True, return_inverse=True)
        own, judge = self._whose(trace, whose, len(first))
        if photos not in self._scales:
            self._scales[photos] = self._people_scale(photos)
        told = np.stack([mean_by(logits, whose, len(first)) for logits in self._logits(trace)])
        return self._scales[photos].read(told, own, judge)

    @property
    def least(self) -> int:
        """Photos of a person without which the attack says nothing."""
        return int(self.leak.finding.parameters.get("k", 1))

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Numbers of photos that at least half of the strangers have, from the fewest to 20 at most."""
        counts = self._photos_of_strangers
        able = (m for m in range(self.least, MOST_PHOTOS + 1) if 2 * (counts >= m).sum() >= len(counts))
        return tuple(able)

    @cached_property
    def image_scale(self) -> Scale:
        """The images of strangers, as the audit scored them."""
        game, scores = self.leak.arena, self.leak.scores
        rows = ~game.member & ~np.isnan(scores)
        return Scale(scores[rows], self._model_of(game.fold)[rows], game.subject[rows])

    def strangers(self, photos: int) -> int:
        """How many strangers have so many photos."""
        return int((self._photos_of_strangers >= photos).sum())

    @cached_property
    def _photos_of_strangers(self) -> NDArray[np.intp]:
        """(strangers,) how many photos each has."""
        game = self.leak.arena
        return np.unique(game.photo_set[~game.member], return_counts=True)[1]

    def known(self, digests: NDArray[np.str_]) -> tuple[Codes, Codes]:
        """(n,) who in the game is on images with these digests, and (n,) whose model was fitted without them."""
        place = np.array([self._places.get(digest, NOBODY) for digest in digests.tolist()], dtype=np.intp)
        game, here = self.leak.arena, place != NOBODY
        own, judge = np.full(len(place), NOBODY, np.int64), np.zeros(len(place), np.int64)
        own[here], judge[here] = game.subject[place[here]], self._model_of(game.fold)[place[here]]
        return own, judge

    @cached_property
    def _places(self) -> dict[str, int]:
        """Digest of an image -> its row in the game."""
        image = self.calibration.trace.image[self.leak.arena.rows].tolist()
        return {digest: row for row, digest in enumerate(image)}

    def _whose(self, trace: Trace, whose: NDArray[np.intp], people: int) -> tuple[Codes, Codes]:
        """(people,) the same as `known` of people, by whichever of their photos the audit knows."""
        own, judge = self.known(trace.image)
        found = np.flatnonzero(own != NOBODY)
        of_people, of_judge = np.full(people, NOBODY, np.int64), np.zeros(people, np.int64)
        of_people[whose[found]], of_judge[whose[found]] = own[found], judge[found]
        return of_people, of_judge

    def _people_scale(self, photos: int) -> Scale:
        game, seed = self.leak.arena, self.calibration.config["seed"]
        outside = np.flatnonzero(~game.member)
        rows = outside[drawn_photos(game.photo_set[outside], photos, seed)]
        trace = self.calibration.trace.take(game.rows[rows]).with_photo_set(game.photo_set[rows])
        sets, first, whose = np.unique(game.photo_set[rows], return_index=True, return_inverse=True)
        told = np.stack([mean_by(logits, whose, len(sets)) for logits in self._logits(trace)])
        fold = self._model_of(game.fold[rows][first])
        scores = told[fold, np.arange(len(sets))]
        kept = ~np.isnan(scores)
        return Scale(scores[kept], fold[kept], game.subject[rows][first][kept])

    def _model_of(self, fold: Codes) -> NDArray[np.intp]:
        """(n,) the number of the model that judges each fold; shadow knowledge has one for all."""
        if len(self.models) == 1:
            return np.zeros(len(fold), np.intp)
        return np.searchsorted(np.unique(self.leak.arena.fold), fold)

    def _logits(self, trace: Trace) -> Floats:
        """(models, n)."""
        with threadpool_limits(limits=1, user_api="blas"):
            return np.stack([self.leak.attack.logits(model, trace).values for model in self.models])
