"""Thresholds for open-set identification, chosen on people who are in neither gallery.

An image searches N people at once, so the pairwise false match rate understates what happens by chance: FPIR is about
1 - (1 - FMR)^N. A threshold is therefore chosen on strangers against galleries of the same size, with as many photos
per person.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.records.evidence import Interval
from bareface.records.inversion import Threshold
from bareface.stats.rates import negatives_needed, threshold
from bareface.stats.sample import Codes, Floats

FPIRS = (0.1, 0.01, 0.001)
DRAWS = 2000


@dataclass(frozen=True)
class CalibrationSearch:
    """Calibration photos searched against galleries of other calibration people. Build it with `strangers`.

    Attributes:
        best: (p,) cosine of each photo to the nearest of N other people, drawn by lot for each photo.
        others: (p, C) cosines to all people, NaN where it is the photo's own person.
        person: (p,) who is on the photo.
        gallery: N.
    """

    best: Floats
    others: Floats
    person: Codes
    gallery: int


def strangers(cosines: ArrayLike, person: ArrayLike, gallery: int, stream: np.random.Generator) -> CalibrationSearch:
    """What the nearest of `gallery` strangers looks like.

    Args:
        cosines: (p, C) of p photos to the templates of C calibration people, templates made as those of the galleries.
        person: (p,) column of the person on each photo; the photo is not part of the template.
        gallery: people in the gallery that the threshold is for.
        stream: draws the gallery of each photo.

    Raises:
        UsageError: there are too few calibration people, or `person` names no column.
    """
    values, who = np.array(cosines, dtype=np.float64), np.asarray(person, dtype=np.intp)
    if values.ndim != 2 or who.shape != (len(values),) or not len(who) or (who < 0).any():
        got = f"cosines of shape {values.shape}, people of shape {who.shape}"
        raise UsageError("strangers", got=got, expected="(photos, people) and (photos,)")
    if values.shape[1] - 1 < gallery or who.max() >= values.shape[1]:
        raise UsageError(
            "strangers",
            got=f"{values.shape[1]} calibration people",
            expected=f"more than the {gallery} in a gallery, each photo's own among them",
            hint="bring more people who are neither trained on nor decoys, or cut both galleries",
        )
    values[np.arange(len(who)), who] = np.nan
    order = np.where(np.isnan(values), 2.0, stream.random(values.shape))
    drawn = np.argpartition(order, gallery - 1, axis=1)[:, :gallery]
    return CalibrationSearch(np.take_along_axis(values, drawn, axis=1).max(axis=1), values, who, gallery)


def calibrate(
    known: CalibrationSearch, stream: np.random.Generator, fpirs: tuple[float, ...] = FPIRS, draws: int = DRAWS
) -> tuple[Threshold, ...]:
    """A threshold for each rate: at most floor(fpir p) of the p strangers lie above it.

    Its interval resamples the people on the photos. There is no threshold where even zero strangers above it would not
    support the rate (one-sided 95 %): 29 photos for 10 %, 299 for 1 %, 2,995 for .1 %.
    """
    return tuple(_threshold(known, fpir, stream, draws) for fpir in fpirs)


def _threshold(known: CalibrationSearch, fpir: float, stream: np.random.Generator, draws: int) -> Threshold:
    probes, needed = len(known.best), negatives_needed(fpir)
    enough = probes >= needed
    value = threshold(known.best, fpir) if enough else None
    return Threshold(
        fpir=fpir,
        gallery=known.gallery,
        value=value,
        interval=_interval(known, fpir, stream, draws) if enough else None,
        probes=probes,
        probe_people=len(np.unique(known.person)),
        probes_needed=needed,
        fmr=None if value is None else _fmr(known, value),
        reason="" if enough else f"{probes} photos of strangers, {needed} are needed",
    )


def _fmr(known: CalibrationSearch, value: float) -> float:
    others = known.others[~np.isnan(known.others)]
    return float((others > value).mean())


def _interval(known: CalibrationSearch, fpir: float, stream: np.random.Generator, draws: int) -> Interval:
    """Percentiles of the threshold over drawn people, each with all photos."""
    who = np.unique(known.person, return_inverse=True)[1]
    order = np.argsort(-known.best, kind="stable")
    people = int(who.max()) + 1
    times = stream.multinomial(people, np.full(people, 1 / people), size=draws)[:, who[order]]
    above = np.cumsum(times, axis=1)
    place = (above <= fpir * above[:, -1:] + 1e-9).sum(axis=1)
    drawn = known.best[order][np.minimum(place, len(order) - 1)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(low=float(low), high=float(high))
