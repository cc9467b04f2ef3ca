"""Does the score of a training photo show where in the last epoch its batch stood? Part of `benchmarks.growth`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.membership.base import Attack
from bareface.records.evidence import Interval, Record
from bareface.settings.recipe import Recipe
from bareface.stats.measure import measure
from bareface.stats.roc import midranks
from bareface.stats.sample import Sides
from bareface.streams import stream
from bareface.training.batches import epoch_batches

DRAWS = 2000
TENTH = 0.1

Floats = NDArray[np.float64]


class Recency(Record):
    """Scores of training photos against the position of their batch in the last epoch.

    correlation: Spearman's; positive = later batches score higher. auc: last tenth of the batches against the first.
    Intervals are of resampled people; None where there are too few, or all scores are equal.
    """

    attack: str
    images: int
    correlation: float | None
    correlation_interval: Interval | None
    auc: float | None
    auc_interval: Interval | None


def recency(run: Path, trained: Sequence[str], recipe: Recipe, attacks: Sequence[Attack]) -> tuple[Recency, ...]:
    """What each attack's scores in the dataset game say.

    Args:
        run: folder of the audit.
        trained: names of the training images, in the order in which they were trained on.
        recipe: how.
        attacks: that were asked.
    """
    position = dict(zip(trained, positions(len(trained), recipe), strict=True))
    names = pq.read_table(run / "people.parquet", columns=["image"])["image"].to_pylist()
    wanted = [("game", "=", "dataset"), ("role", "=", "member")]
    table = pq.read_table(run / "scores.parquet", filters=wanted).to_pydict()
    where = np.array([position[names[row]] for row in table["image"]])
    person, score = np.array(table["person"]), np.array(table["score"], float)
    asked = np.array([f"{name}:{more}" for name, more in zip(table["attack"], table["parameters"], strict=True)])
    found = []
    for attack in attacks:
        rows = (asked == _key(attack)) & ~np.isnan(score)
        found.append(_recency(attack.title(), score[rows], where[rows], person[rows], recipe.seed))
    return tuple(found)


def positions(count: int, recipe: Recipe) -> Floats:
    """(count,) where the batch of each training image stood in the last epoch, 0 = first, 1 = last."""
    batches = epoch_batches(count, recipe, recipe.epochs)
    position = np.empty(count)
    for number, rows in enumerate(batches):
        position[rows] = number / max(1, len(batches) - 1)
    return position


def correlated(
    first: Floats, second: Floats, person: NDArray[np.str_], rng: np.random.Generator
) -> tuple[float, Interval] | None:
    """Spearman's correlation with the 95 % interval of resampled people; None where one side is constant."""
    x, y = (midranks(v) - (len(v) + 1) / 2 for v in (first, second))
    if not len(x) or not x.any() or not y.any():
        return None
    _, who = np.unique(person, return_inverse=True)
    sums = np.stack([np.bincount(who, v) for v in (np.ones_like(x), x, y, x * x, y * y, x * y)])
    people = sums.shape[1]
    draws = rng.multinomial(people, np.full(people, 1 / people), DRAWS).astype(float)
    low, high = np.quantile(_pearson(sums @ draws.T), (0.025, 0.975))
    return float(_pearson(sums.sum(1))), Interval(low=float(low), high=float(high))


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = sums
    r: Floats = (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y))
    return r


def _recency(attack: str, score: Floats, where: Floats, person: NDArray[np.str_], seed: int) -> Recency:
    found = correlated(score, where, person, stream(seed, "recency", attack))
    ends = (where <= TENTH) | (where >= 1 - TENTH)
    late, fold = where[ends] > 0.5, np.arange(ends.sum()) % 2  # nothing is fitted; folds are asked for
    told = late.any() and not late.all()
    rng = stream(seed, "recency", "ends", attack)
    ended = measure(score[ends], Sides(late, person[ends], fold), "image", rng, crossfit=False) if told else None
    return Recency(
        attack=attack,
        images=len(score),
        correlation=found[0] if found else None,
        correlation_interval=found[1] if found else None,
        auc=ended.auc if ended else None,
        auc_interval=ended.auc_interval if ended else None,
    )


def _key(attack: Attack) -> str:
    return f"{attack.name}:" + ",".join(f"{key}={value}" for key, value in attack.parameters().items())
