"""The same people on two sides, by a recogniser, at a threshold that strangers rarely pass."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.probing.templates import person_templates
from bareface.records.overlap import MatchThreshold, SharedPeople
from bareface.stats.impostors import FEWEST_PAIRS, TAIL, calibrate, strictest
from bareface.stats.matching import Matches, Report, largest_products, matches, median_product
from bareface.trace import FloatArray

EXPECTED = 1.0


@dataclass(frozen=True)
class Side:
    """People of one side.

    Attributes:
        template: (n, d) one direction for each person.
        people: (n,) who they are.
    """

    template: FloatArray
    people: NDArray[np.str_]


@dataclass(frozen=True)
class SamePeople:
    """Who is on both sides.

    Attributes:
        first, second: the sides.
        calibration: how the threshold came about.
        found: rows of `first` and `second` that match; none where there is no threshold.
    """

    first: Side
    second: Side
    calibration: MatchThreshold
    found: Matches

    def record(self, recogniser: str, sha256: str) -> SharedPeople:
        """The counts."""
        reason = self.calibration.reason
        return SharedPeople(
            status="skipped" if reason else "done",
            reason=reason,
            recogniser=recogniser,
            recogniser_sha256=sha256,
            first_people=len(self.first.people),
            second_people=len(self.second.people),
            calibration=self.calibration,
            matches=len(self.found),
            first_matched=len(np.unique(self.found.first)),
            second_matched=len(np.unique(self.found.second)),
        )


def side(embedding: FloatArray, subject: NDArray[np.str_]) -> Side:
    """The people of one side, each by the mean of the embeddings of all photos.

    Args:
        embedding: (n, d) of length one.
        subject: (n,) who is on each photo.
    """
    return Side(*person_templates(embedding, subject))


def same_people(
    first: Side,
    second: Side,
    *,
    expected: float = EXPECTED,
    threshold: float | None = None,
    report: Report | None = None,
) -> SamePeople:
    """Who is on both sides.

    Args:
        first, second: people; all people of one side are taken to be different.
        expected: false matches accepted among all comparisons.
        threshold: a cosine to use whatever is to be expected there; None = the calibrated one.
        report: called with (done, total) blocks of the comparison.

    Raises:
        UsageError: there are more than five million matches.
    """
    known = strictest([_calibrated(one, len(first.people) * len(second.people), expected) for one in (first, second)])
    value = known.threshold if threshold is None else threshold
    if value is None:
        nobody = np.empty(0, dtype=np.intp)
        return SamePeople(first, second, known, Matches(nobody, nobody, np.empty(0, dtype=np.float32)))
    if threshold is not None:
        known = known.model_copy(update={"threshold": threshold, "above": None, "reason": ""})
    return SamePeople(first, second, known, matches(first.template, second.template, value, report=report))


def skipped(reason: str, first_people: int, second_people: int) -> SharedPeople:
    """The record of a comparison that was not made."""
    return SharedPeople(
        status="skipped", reason=reason, recogniser="", recogniser_sha256="", first_people=first_people,
        second_people=second_people, calibration=None, matches=0, first_matched=0, second_matched=0,
    )  # fmt: skip


def _calibrated(one: Side, comparisons: int, expected: float) -> MatchThreshold:
    pairs = len(one.people) * (len(one.people) - 1) // 2
    if pairs < FEWEST_PAIRS:
        return calibrate(np.empty(0), 0.0, pairs, comparisons, expected)
    largest, median = largest_products(one.template, TAIL + 1), median_product(one.template)
    return calibrate(largest, median, pairs, comparisons, expected)
