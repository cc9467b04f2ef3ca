"""Hits above a threshold: how many images, how many people, and how many more than the base arm has.

A hit rate in the training gallery means nothing alone: the decoys' rate stands beside it, and the base arm's below. An
image without a face is no hit and stays in the denominator.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bareface.records.evidence import Share
from bareface.records.inversion import Hits, Lift, NamedPeople, Threshold
from bareface.stats.intervals import share
from bareface.stats.inversion.claims import Claims, Cosines, above
from bareface.stats.inversion.clusters import DRAWS, Terms, contrast
from bareface.stats.inversion.permutation import null_contrasts, one_sided
from bareface.stats.inversion.power import smallest_lift
from bareface.stats.inversion.spread import counts_of, effective, largest_share, rarefied
from bareface.stats.inversion.winrate import difference_interval, too_few
from bareface.stats.sample import Bools, Codes

Rule = Literal["plain", "robust", "consensus"]


def hits(judged: Cosines, claimed: Bools, fpir: float, rule: Rule = "plain") -> Hits:
    """Counted hits in both galleries, and whom they name.

    Args:
        judged: decides which of several claimed people an image names; for a consensus the judges' mean cosines.
        claimed: (n, 2 N) from `above`, `robust` or `consensus`.
        fpir: the rate that the threshold was chosen for.
        rule: what counts as a hit.
    """
    training, decoy = (counts_of(names) for names in named(judged, claimed))
    equal = min(sum(training), sum(decoy))
    return Hits(
        fpir=fpir,
        rule=rule,
        training=_share(training, len(judged)),
        decoy=_share(decoy, len(judged)),
        training_named=_named(training, equal),
        decoy_named=_named(decoy, equal),
        reason="" if len(judged) else "no images",
    )


def no_hits(threshold: Threshold, rule: Rule = "plain") -> Hits:
    """In place of hits where there is no threshold."""
    return Hits(
        fpir=threshold.fpir,
        rule=rule,
        training=None,
        decoy=None,
        training_named=None,
        decoy_named=None,
        reason=threshold.reason,
    )


def off_nominal(base: Hits) -> str:
    """A note for the report where un-optimised images hit decoys more or less often than photos of strangers would.

    The threshold was chosen on photos; this says whether it means the same for generated faces. Empty where it may.
    """
    if base.decoy is None or base.decoy.interval.low <= base.fpir <= base.decoy.interval.high:
        return ""
    counted = f"{base.decoy.events:,} of {base.decoy.trials:,}"
    return (
        f"Un-optimised images hit decoys {counted} times where {100 * base.fpir:g} % were meant: generated faces are "
        "no ordinary strangers to this judge; read its hits against the base arm only."
    )


def robust(views: Sequence[Bools]) -> Bools:
    """(n, 2 N) claims that hold in the image and in every disturbed view of it."""
    always: Bools = np.logical_and.reduce(views)
    return always


def consensus(judges: Sequence[Bools], least: int = 2) -> Bools:
    """(n, 2 N) claims that at least so many judges make of the same person."""
    agreed: Bools = np.sum(judges, axis=0) >= least
    return agreed


def named(judged: Cosines, claimed: Bools) -> tuple[Codes, Codes]:
    """(n,) and (n,): the nearest claimed training person and the nearest claimed decoy of each image, -1 = nobody."""
    cosine = np.where(claimed, judged.values, -np.inf)
    sides = zip(np.split(cosine, 2, axis=1), np.split(claimed, 2, axis=1), strict=True)
    inside, outside = (np.where(held.any(axis=1), values.argmax(axis=1), -1) for values, held in sides)
    return inside, outside


def leakage_lift(
    arm: Cosines,
    base: Cosines,
    threshold: Threshold,
    stream: np.random.Generator,
    *,
    random_split: bool = True,
    draws: int = DRAWS,
) -> Lift:
    """(h_T - h_D) of an arm minus that of the base arm, h = share of images with a hit.

    The p-value permutes membership over both galleries and recomputes all of it; the interval is that of the two-way
    cluster bootstrap.
    """
    if threshold.value is None:
        return _no_lift(threshold.fpir, threshold.reason)
    ours, theirs = (above(cosines, threshold.value) for cosines in (arm, base))
    if reason := too_few(ours):
        return _no_lift(threshold.fpir, reason)
    terms: Terms = [(1.0, ours), (-1.0, theirs)]
    null = null_contrasts(terms, stream, draws)
    error = float(null.std())
    return Lift(
        fpir=threshold.fpir,
        difference=contrast(terms),
        interval=difference_interval(terms, stream, draws) if error else None,
        ratio=_ratio(ours) / _ratio(theirs),
        p_value=one_sided(terms, null) if random_split and error else None,
        smallest_effect=smallest_lift(error) if error else None,
        reason="" if error else "no permutation of membership changes the hits",
    )


def exposure(names: ArrayLike, people: int) -> float:
    """The share of a gallery's people who are named by at least one image."""
    return len(counts_of(names)) / people


def _share(counts: Sequence[int], images: int) -> Share | None:
    return share(sum(counts), images) if images else None


def _named(counts: Sequence[int], equal: int) -> NamedPeople:
    return NamedPeople(
        identities=len(counts),
        rarefied=rarefied(counts, equal),
        effective=effective(counts),
        largest_share=largest_share(counts),
    )


def _ratio(claims: Claims) -> float:
    inside, outside = (int(half.any(axis=1).sum()) for half in np.split(claims.claimed, 2, axis=1))
    return (inside + 0.5) / (outside + 0.5)


def _no_lift(fpir: float, reason: str) -> Lift:
    return Lift(
        fpir=fpir, difference=None, interval=None, ratio=None, p_value=None, smallest_effect=None, reason=reason
    )
