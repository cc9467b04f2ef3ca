"""The two selections: which latents are worth optimising, and which results to keep.

Both use what the attacker has. A judge has no place here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.generator import Latents
from bareface.inversion.objectives.base import Objective
from bareface.inversion.priors import Diversity
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import fixed_draws
from bareface.streams import seed_for

Statistic = Literal["lower-quartile", "mean"]


@dataclass(frozen=True, eq=False)
class Selection:
    """The kept ones, best first.

    Attributes:
        latents: (keep, ...).
        rows: (keep,) their numbers among those that were judged.
        scores: (all,) the score of every one that was judged.
        crowded: how many were kept although they resemble a better one, because too few others were left.
    """

    latents: Latents
    rows: Tensor
    scores: Tensor
    crowded: int


def candidates(scene: ViewSampler, count: int, seed: int, space: str | None = None) -> Latents:
    """`count` latents as the generator draws them, moved to `space`; the same for every objective and every arm."""
    stream = torch.Generator().manual_seed(seed_for(seed, "candidates"))
    with torch.no_grad():
        drawn = scene.generator.sample(count, stream)
        return scene.generator.to(drawn, space or drawn.space)


@torch.no_grad()
def select(
    scene: ViewSampler,
    objective: Objective,
    latents: Latents,
    keep: int,
    *,
    apart: Diversity | None = None,
    chunk: int = 64,
) -> Selection:
    """First selection: the best by the score of the image and its mirror image, no two alike.

    Args:
        scene: how the images look; its augmentation and siblings are not used.
        objective: what the attacker scores by.
        latents: the candidates, thousands of them.
        keep: how many are wanted.
        apart: two whose embeddings' cosine exceeds its margin are alike; None = never.
        chunk: candidates in one forward pass.

    Raises:
        UsageError: more are wanted than there are.
        TargetError: an image or a score is not finite.
    """
    scores, directions = [], []
    for sight in _plain_sights(scene, latents, chunk):
        scores.append(objective.score(sight).cpu())
        directions.append(_directions(apart, sight))
    return _kept(latents, torch.cat(scores), torch.cat(directions), keep, apart)


@torch.no_grad()
def select_again(
    scene: ViewSampler,
    objective: Objective,
    latents: Latents,
    keep: int,
    *,
    views: int = 32,
    statistic: Statistic = "lower-quartile",
    apart: Diversity | None = None,
    chunk: int = 64,
) -> Selection:
    """Last selection: the best under many fixed views of the pixels that a file will hold.

    Args:
        scene: how the images look and are augmented; siblings are seen through the same views.
        objective: what the attacker scores by.
        latents: the optimised rows.
        keep: how many are wanted.
        views: the same for every row, a view and its mirror image counted as two.
        statistic: over the pairs of views: the lower quartile wants an image to be good in most of them.
        apart, chunk: as in `select`.

    Raises:
        UsageError: more are wanted than there are, or fewer than two views.
        TargetError: an image or a score is not finite.
    """
    draws = fixed_draws(_pairs(views))
    scores, directions = [], []
    for sight in _plain_sights(scene, latents, chunk):
        images = (sight.images * 255).round() / 255
        seen = [_one_pair(scene, images, sight, pair) for pair in draws]
        every = torch.stack([objective.score(one).cpu() for one in seen], 1)
        scores.append(every.quantile(0.25, 1) if statistic == "lower-quartile" else every.mean(1))
        directions.append(_directions(apart, seen[0]))
    return _kept(latents, torch.cat(scores), torch.cat(directions), keep, apart)


def best_apart(scores: Tensor, directions: Tensor, keep: int, largest_cosine: float) -> tuple[Tensor, int]:
    """The rows of the best scores, going down, that resemble no better one that was taken.

    Args:
        scores: (n,); of equal ones the first is better.
        directions: (n, d) of length one.
        keep: how many.
        largest_cosine: rows whose cosine exceeds it are alike.

    Returns:
        (keep,) rows, best first; and how many of them resemble another, taken because too few others were left.
    """
    order = scores.argsort(descending=True, stable=True).tolist()
    free = torch.ones(len(scores), dtype=torch.bool)
    taken: list[int] = []
    for row in order:
        if len(taken) < keep and free[row]:
            taken.append(row)
            free &= directions @ directions[row] <= largest_cosine
    rest = [row for row in order if row not in set(taken)][: keep - len(taken)]
    both = torch.tensor(taken + rest)
    return both[scores[both].argsort(descending=True, stable=True)], len(rest)


def _plain_sights(scene: ViewSampler, latents: Latents, chunk: int) -> Iterator[ViewBatch]:
    for start in range(0, len(latents), chunk):
        rows = range(start, min(start + chunk, len(latents)))
        yield scene.plainly(latents[start : start + chunk], rows)


def _one_pair(scene: ViewSampler, images: Tensor, sight: ViewBatch, pair: Tensor) -> ViewBatch:
    return scene.through(images, pair.expand(*images.shape[:2], 1, -1), sight.rows.tolist())


def _directions(apart: Diversity | None, sight: ViewBatch) -> Tensor:
    return torch.zeros(len(sight.images), 1) if apart is None else apart.directions(sight).cpu()


def _kept(latents: Latents, scores: Tensor, directions: Tensor, keep: int, apart: Diversity | None) -> Selection:
    if not 1 <= keep <= len(scores):
        raise UsageError("selection", got=f"keep={keep}", expected=f"1 to {len(scores)}, the number of latents")
    rows, crowded = best_apart(scores, directions, keep, apart.margin if apart is not None else 1.0)
    return Selection(latents[rows.to(latents.values.device)], rows, scores, crowded)


def _pairs(views: int) -> int:
    if views < 2:
        raise UsageError("select_again", got=f"{views} views", expected="2 or more", hint="32, the default")
    return views // 2
