"""What every objective must keep to, whoever wrote it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from bareface.inversion.objectives.base import Given, Objective
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.views import DRAWS
from bareface.targets.target import Target
from bareface.testing.expect import expect, expect_alike, expect_page
from bareface.testing.images import noise_images, seeded, small_target, still, through

Make = Callable[[Target], Objective]


def check_objective(kind: type[Objective], make: Make | None = None) -> None:
    """Check that an objective keeps to the contract, on a small backbone in double precision.

    Args:
        kind: of objective.
        make: makes one that asks a given target; by default `kind.made_of` what an attacker always has.

    Raises:
        AssertionError: it does not; the message says in what.
    """
    expect_page(kind, kind.name)
    for check in OBJECTIVE_CHECKS:
        check(make or (lambda target: made(kind, target)))


def made(kind: type[Objective], target: Target) -> Objective:
    """The objective as somebody names it who has a target and a few images."""
    return kind.made_of(Given(target, still(noise_images(8, seed=20)), still(noise_images(8, seed=21))))


def says_whom_it_asks(make: Make) -> None:
    """Its targets are all that it asks, so that no judge can be among them."""
    objective, sight = make(small_target()), seen(noise_images(2))
    objective.score(sight)
    listed = {id(target) for target in objective.targets}
    expect(sight._answers and set(sight._answers) <= listed, "an objective lists every target that it asks")


def scores_rows_by_themselves(make: Make) -> None:
    """A row has its score whichever rows are with it, and in whatever order."""
    objective, whole = make(small_target()), seen(noise_images(5))
    scores, order = objective.score(whole).detach(), torch.tensor([3, 0, 4, 1, 2])
    expect(scores.shape == (5,), "an objective has one score for each row", tuple(scores.shape))
    permuted = replace(whole, images=whole.images[order], rows=order, _views={}, _answers={})
    found = objective.score(permuted).detach().numpy()
    expect_alike(found, scores[order].numpy(), "rows in another order have the same scores")
    alone = replace(
        whole, images=whole.images[2:3], windows=whole.windows[2:3], swapped=whole.swapped[2:3],
        rows=torch.tensor([2]), _views={}, _answers={},
    )  # fmt: skip
    expect_alike(objective.score(alone).detach().numpy(), scores[2:3].numpy(), "a row alone has the same score")


def has_gradients(make: Make) -> None:
    """Gradients in the images are those of finite differences, under random views, and not zero."""
    objective, images = make(small_target()), noise_images(2)
    draws = torch.rand(2, 2, 2, DRAWS, generator=seeded(), dtype=torch.float64)

    def score(x: Tensor) -> Tensor:
        return objective.score(through(torch.stack([x, 0.9 * x], 1), draws))

    moved = images.requires_grad_(True)
    expect(torch.autograd.gradcheck(score, moved, fast_mode=True), "gradients are those of finite differences")
    (gradient,) = torch.autograd.grad(score(moved).sum(), moved)
    expect(bool((gradient.flatten(1).norm(dim=1) > 0).all()), "every row's score has a gradient in its image")


def seen(images: Tensor) -> ViewBatch:
    """Each image and a sibling that is a little brighter or darker, as they are."""
    others = images + 0.05 * noise_images(len(images), seed=8)
    return still(torch.stack([images, others], 1))


OBJECTIVE_CHECKS: Final[tuple[Callable[[Make], None], ...]] = (
    says_whom_it_asks,
    scores_rows_by_themselves,
    has_gradients,
)
"""The parts of `check_objective`, for tests that are told apart."""
