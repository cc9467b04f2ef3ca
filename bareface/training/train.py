"""Train a backbone with a margin head; killed at any moment, it goes on where it was."""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.errors import TargetError, UsageError
from bareface.faces.source import Images
from bareface.settings.recipe import Recipe
from bareface.storage.folders import held
from bareface.streams import seed_for
from bareface.targets.device import CPU
from bareface.targets.store import load_target
from bareface.targets.target import Target
from bareface.training.batches import draw_variation, epoch_batches, held_in_memory
from bareface.training.checkpoints import EpochRecord, RunFolder
from bareface.training.learner import Learner, Lesson, fresh_learner, learning_rate


@dataclass(frozen=True)
class TrainStep:
    """One step of SGD, for whoever shows progress.

    Attributes:
        epoch, epochs: from 1, of how many.
        step, steps: from 1 within the epoch, of how many.
        images: seen by this step.
        loss: mean cross entropy of those images.
        hits: for how many of them the nearest centre was their own.
        learning_rate: of this step.
        images_per_second: over the epoch so far.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    images: int
    loss: float
    hits: int
    learning_rate: float
    images_per_second: float


def train(
    images: Images,
    labels: NDArray[np.int64],
    recipe: Recipe,
    folder: Path,
    *,
    image_ids: str = "",
    report: Callable[[TrainStep], None] | None = None,
    device: torch.device = CPU,
    is_inner: bool = False,
) -> Target:
    """The backbone that `recipe` makes of the images, with its class centres, as it lies in `folder` afterwards.

    A folder with checkpoints of the same run is continued, bit for bit as if it had never stopped (same machine, same
    number of threads); a finished one is returned at once. An interrupt passes through and leaves a folder to resume.

    Args:
        images: n images of the size that the recipe's spec names.
        labels: (n,) person of each image, 0..identities-1, each used.
        recipe: how to train.
        folder: receives checkpoints, then `backbone.safetensors`, `backbone.json`, `head.safetensors`, `training.json`.
        image_ids: a digest of what the images are (of their paths, say); part of what makes a run the same run.
        report: called after every step.
        device: where to compute; the backbone that is returned lies there, too.
        is_inner: whether the folder is part of a larger run, so that what another run left in it is made again.

    Raises:
        UsageError: images, labels and recipe do not fit together.
        RunError: the folder holds another run, another process uses it, it cannot be written, or it was removed.
        TargetError: the loss is no longer finite.
    """
    identities = count_identities(images, labels, recipe)
    run = RunFolder(folder, recipe, _data_digest(images, labels, image_ids), is_inner)
    with held(folder):
        if not run.is_finished():
            _train(images, labels, fresh_learner(recipe, identities, device), run, report or (lambda step: None))
        run.tidy()
        return load_target(folder).on(device)


def _train(
    images: Images,
    labels: NDArray[np.int64],
    learner: Learner,
    run: RunFolder,
    report: Callable[[TrainStep], None],
) -> None:
    history = list(run.resume(learner))
    if not history:
        run.save(learner, history)  # A folder that cannot be written is found out now, not an epoch later.
    images = held_in_memory(images)
    for epoch in range(len(history) + 1, run.recipe.epochs + 1):
        steps = []
        for step in one_epoch(images, labels, learner, run.recipe, epoch):
            steps.append(step)
            report(step)
        history.append(_summary(epoch, steps))
        run.save(learner, history)
    run.finish(_target(learner, run), history)


def one_epoch(
    images: Images,
    labels: NDArray[np.int64],
    learner: Learner,
    recipe: Recipe,
    epoch: int,
    *,
    batches: Sequence[NDArray[np.intp]] | None = None,
    lesson: Lesson | None = None,
) -> Iterator[TrainStep]:
    """One pass over the images, a step at a time.

    Args:
        images, labels, learner, recipe: as in `train`.
        epoch: from 1.
        batches: row numbers of every step; None = each row once, in an order drawn for that epoch.
        lesson: where the gradients come from; None = the cross entropy.

    Raises:
        TargetError: the loss is no longer finite.
    """
    batches = epoch_batches(len(images), recipe, epoch) if batches is None else batches
    variation = draw_variation(len(images), recipe, epoch)
    start, seen = time.perf_counter(), 0
    for number, rows in enumerate(batches):
        pixels = recipe.spec.normalise(variation.apply(images.load(rows), rows))
        rate = learning_rate(recipe, (epoch - 1) * len(batches) + number, len(batches))
        seed = seed_for(recipe.seed, "dropout", epoch, number)
        loss, hits = learner.step(pixels, torch.from_numpy(labels[rows]), rate, seed, lesson)
        _check_finite(loss, epoch, number + 1, rate)
        seen += len(rows)
        speed = seen / (time.perf_counter() - start)
        yield TrainStep(epoch, recipe.epochs, number + 1, len(batches), len(rows), loss, hits, rate, speed)


def _summary(epoch: int, steps: list[TrainStep]) -> EpochRecord:
    images = sum(step.images for step in steps)
    loss = sum(step.loss * step.images for step in steps) / images
    return EpochRecord(epoch=epoch, loss=loss, accuracy=sum(step.hits for step in steps) / images)


def _target(learner: Learner, run: RunFolder) -> Target:
    recipe = run.recipe
    name = f"{recipe.architecture}-{recipe.head}"
    backbone, centres = learner.backbone.cpu(), learner.head.centres.cpu()
    return Target(name, recipe.architecture, backbone, recipe.spec, str(run.path), centres)


def count_identities(images: Images, labels: NDArray[np.int64], recipe: Recipe) -> int:
    """How many people there are to train on.

    Raises:
        UsageError: images, labels and recipe do not fit together.
    """
    if labels.shape != (len(images),):
        raise UsageError("labels", got=f"shape {labels.shape}", expected=f"({len(images)},): one for each image")
    used = np.unique(labels)
    if len(used) < 2 or not np.array_equal(used, np.arange(len(used))):
        raise UsageError(
            "labels",
            got=f"{len(used)} different numbers" + (f", {used[0]} to {used[-1]}" if len(used) else ""),
            expected="at least two people, numbered 0, 1, 2, ... without a gap",
            hint="np.unique(subject, return_inverse=True)[1]",
        )
    size, spec = tuple(images.load(np.arange(1)).shape[2:]), recipe.spec
    if size != (spec.height, spec.width):
        raise UsageError(
            "images",
            got=f"{size[0]}x{size[1]} pixels",
            expected=f"{spec.height}x{spec.width}, the input of the recipe",
            hint="resize the images when reading them, or change Recipe.spec",
        )
    return len(used)


def _data_digest(images: Images, labels: NDArray[np.int64], image_ids: str) -> str:
    """Tells training sets apart: their labels, what the caller says they are, and the pixels of up to 64 of them."""
    digest = hashlib.sha256(f"{len(images)} {image_ids} ".encode() + labels.astype("<i8").tobytes())
    some = np.unique(np.linspace(0, len(images) - 1, 64).astype(np.intp))
    digest.update(images.load(some).contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_finite(loss: float, epoch: int, step: int, rate: float) -> None:
    if not math.isfinite(loss):
        raise TargetError(
            "training",
            got=f"a loss of {loss} in epoch {epoch}, step {step}, at learning rate {rate:g}",
            expected="a finite loss",
            hint="a lower learning rate",
        )
