"""Training with a defence, or without one on the same footing."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.faces.source import Images
from bareface.settings.recipe import Recipe
from bareface.targets.target import Target
from bareface.training.defence import Public, TrainingDefence
from bareface.training.fitting import fit
from bareface.training.learner import fresh_backbone, learner_of
from bareface.training.train import TrainStep, count_identities


def train_defended(
    images: Images,
    labels: NDArray[np.int64],
    recipe: Recipe,
    defence: TrainingDefence,
    public: Public,
    report: Callable[[TrainStep], None] = lambda step: None,
) -> Target:
    """The backbone that `recipe` makes of the images under a defence, with its class centres.

    Args:
        images, labels, recipe: as in `bareface.training.train.train`.
        defence: what is done otherwise.
        public: faces of other people, which some defences need.
        report: called after every step.

    Raises:
        UsageError: images, labels and recipe do not fit together, or the defence lacks a package.
        TargetError: the defence does not suit the architecture, or the loss is no longer finite.
    """
    recipe = defence.recipe(recipe)
    identities = count_identities(images, labels, recipe)
    backbone = defence.backbone(fresh_backbone(recipe), recipe, public)
    learner = learner_of(backbone, recipe, identities, torch.device("cpu"))
    fit(
        images, labels, learner, recipe,
        last=defence.last_epoch(recipe),
        batches=lambda epoch: defence.batches(labels, recipe, epoch),
        lesson=lambda epoch: defence.lesson(recipe, epoch),
        report=report,
    )  # fmt: skip
    name = f"{recipe.architecture}-{recipe.head}"
    return Target(name, recipe.architecture, learner.backbone, recipe.spec, centres=learner.head.centres)
