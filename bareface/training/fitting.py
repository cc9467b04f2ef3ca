"""A training run that is short enough to stay in memory: no folder, no checkpoints."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bareface.faces.source import Images
from bareface.settings.recipe import Recipe
from bareface.training.batches import epoch_batches, held_in_memory
from bareface.training.learner import Learner, Lesson, cross_entropy
from bareface.training.train import TrainStep, one_epoch


def fit(
    images: Images,
    labels: NDArray[np.int64],
    learner: Learner,
    recipe: Recipe,
    *,
    last: int | None = None,
    batches: Callable[[int], list[NDArray[np.intp]]] | None = None,
    lesson: Callable[[int], Lesson] = lambda epoch: cross_entropy,
    report: Callable[[TrainStep], None] = lambda step: None,
) -> None:
    """Train a learner in place.

    Args:
        images: n images of the size that the recipe names.
        labels: (n,) person of each image.
        learner: what is trained.
        recipe: how.
        last: epoch after which to end, with the recipe's learning rates; None = its last.
        batches: from the number of an epoch to the rows of its steps; None = each row once.
        lesson: from the number of an epoch to where its gradients come from.
        report: called after every step.

    Raises:
        TargetError: the loss is no longer finite.
    """
    images = held_in_memory(images)
    usual: Callable[[int], list[NDArray[np.intp]]] = lambda epoch: epoch_batches(len(labels), recipe, epoch)  # noqa: E731
    rows = batches or usual
    for epoch in range(1, (last or recipe.epochs) + 1):
        for step in one_epoch(images, labels, learner, recipe, epoch, batches=rows(epoch), lesson=lesson(epoch)):
            report(step)
