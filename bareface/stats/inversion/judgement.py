"""Everything that one judge says about all arms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.records.inversion import (
    ArmName,
    CosineSpread,
    Distribution,
    Excess,
    Gallery,
    Hits,
    Judgement,
    Lift,
    Threshold,
)
from bareface.stats.inversion.claims import Cosines, above
from bareface.stats.inversion.clusters import DRAWS
from bareface.stats.inversion.frechet import frechet
from bareface.stats.inversion.hits import hits, leakage_lift, no_hits, robust
from bareface.stats.inversion.kid import kid
from bareface.stats.inversion.neighbours import embeddings, knn_distance
from bareface.stats.inversion.prdc import K, prdc
from bareface.stats.inversion.winrate import excess, win_rate
from bareface.stats.sample import Floats

QUANTILES = 21


@dataclass(frozen=True)
class Ruler:
    """A judge as statistics know it.

    Attributes:
        name: of the judge.
        thresholds: its own, from `thresholds.calibrate`.
        judges: how many judges there are.
    """

    name: str
    thresholds: Sequence[Threshold] = ()
    judges: int = 1


def judgements(
    judge: Ruler,
    arms: Mapping[ArmName, Cosines],
    stream: np.random.Generator,
    *,
    views: Mapping[ArmName, Sequence[Cosines]] | None = None,
    distributions: Mapping[ArmName, tuple[Distribution, ...]] | None = None,
    random_split: bool = True,
    draws: int = DRAWS,
) -> dict[ArmName, Judgement]:
    """What one judge says about each arm; pass those of one arm to `verdict.with_holm` before deciding.

    Args:
        judge: its name, its thresholds, how many there are.
        arms: cosines of each arm's images to both galleries; equal starts have equal numbers.
        stream: draws permutations and bootstraps.
        views: the same images disturbed, several times each; where given, robust hits are counted too.
        distributions: from `distribution`, if wanted.
        random_split: chance decided who was trained on.
        draws: of each permutation test and bootstrap.

    Raises:
        UsageError: the arms were not judged against galleries of one size.
    """
    if len({cosines.people for cosines in arms.values()}) > 1:
        got = ", ".join(f"{name} {cosines.people}" for name, cosines in arms.items())
        raise UsageError("judgements", got=f"galleries of {got} people", expected="the same galleries for all arms")
    controls = len({"base", "placebo"} & set(arms))
    return {
        name: Judgement(
            judge=judge.name,
            win_rate=win_rate(
                cosines, stream, judges=judge.judges, controls=controls, random_split=random_split, draws=draws
            ),
            excesses=_excesses(name, arms, stream, random_split, draws),
            hits=_hits(cosines, judge.thresholds, (views or {}).get(name, ())),
            lifts=_lifts(name, arms, judge.thresholds, stream, random_split, draws),
            distributions=(distributions or {}).get(name, ()),
            cosines=spreads(cosines),
        )
        for name, cosines in arms.items()
    }


def distribution(
    gallery: Gallery,
    real: ArrayLike,
    generated: ArrayLike,
    stream: np.random.Generator,
    *,
    k: int = K,
    with_frechet: bool = False,
) -> Distribution:
    """Generated faces against the photos of one gallery; unit embeddings of one judge, cut at random to equal size.

    Rows of NaN (no face) in `generated` are left out and not counted. The Fréchet distance is slow, and mostly bias
    below some thousand images, so it is there only when asked for.

    Raises:
        UsageError: the two differ in d, or a real embedding is NaN.
    """
    made = np.asarray(generated, dtype=np.float64)
    x, y = embeddings("distribution", real, made[~np.isnan(made).any(axis=1)], least=0)
    size = min(len(x), len(y))
    if size <= max(k, 3):
        return _no_distribution(gallery, size, k)
    x, y = (rows[np.sort(stream.choice(len(rows), size, replace=False))] for rows in (x, y))
    near, scale = prdc(x, y, k), np.sqrt(x.shape[1])
    apart = kid(scale * x, scale * y, stream)
    fitted = frechet(x, y, stream) if with_frechet else None
    return Distribution(
        gallery=gallery,
        real=size,
        generated=size,
        k=k,
        precision=near.precision,
        recall=near.recall,
        density=near.density,
        coverage=near.coverage,
        knn=knn_distance(y, x),
        kid=apart.value,
        kid_spread=apart.spread,
        frechet=fitted.value if fitted else None,
        frechet_floor=fitted.floor if fitted else None,
    )


def spreads(judged: Cosines) -> tuple[CosineSpread, ...]:
    """0, 5, ..., 100 % points of the best cosine to each gallery; empty where no image has a face."""
    seen = judged.values[~judged.faceless]
    best = [half.max(axis=1) for half in np.split(seen, 2, axis=1)] if len(seen) else []
    galleries: tuple[Gallery, Gallery] = ("training", "decoy")
    return tuple(CosineSpread(gallery=g, quantiles=_points(b)) for g, b in zip(galleries, best, strict=False))


def _points(values: Floats) -> tuple[float, ...]:
    return tuple(np.quantile(values, np.linspace(0, 1, QUANTILES)).tolist())


def _excesses(
    name: ArmName, arms: Mapping[ArmName, Cosines], stream: np.random.Generator, random_split: bool, draws: int
) -> tuple[Excess, ...]:
    controls: tuple[ArmName, ...] = ("base", "select", "placebo")
    others = [other for other in controls if other in arms and other != name]
    found = [excess(other, arms[name], arms[other], stream, draws) for other in others]
    return tuple(e if random_split else e.model_copy(update={"p_value": None}) for e in found)


def _hits(cosines: Cosines, thresholds: Sequence[Threshold], views: Sequence[Cosines]) -> tuple[Hits, ...]:
    return tuple(row for threshold in thresholds for row in _hits_at(cosines, threshold, views))


def _hits_at(cosines: Cosines, threshold: Threshold, views: Sequence[Cosines]) -> list[Hits]:
    if threshold.value is None:
        return [no_hits(threshold)]
    claimed = [above(seen, threshold.value).claimed for seen in (cosines, *views)]
    plain = hits(cosines, claimed[0], threshold.fpir)
    return [plain, hits(cosines, robust(claimed), threshold.fpir, "robust")] if views else [plain]


def _lifts(
    name: ArmName,
    arms: Mapping[ArmName, Cosines],
    thresholds: Sequence[Threshold],
    stream: np.random.Generator,
    random_split: bool,
    draws: int,
) -> tuple[Lift, ...]:
    if name == "base" or "base" not in arms:
        return ()
    return tuple(
        leakage_lift(arms[name], arms["base"], threshold, stream, random_split=random_split, draws=draws)
        for threshold in thresholds
    )


def _no_distribution(gallery: Gallery, size: int, k: int) -> Distribution:
    return Distribution(
        gallery=gallery,
        real=size,
        generated=size,
        k=k,
        precision=None,
        recall=None,
        density=None,
        coverage=None,
        knn=None,
        kid=None,
        kid_spread=None,
        frechet=None,
        frechet_floor=None,
        reason=f"{size} images with a face in the smaller set, more than {max(k, 3)} are needed",
    )
