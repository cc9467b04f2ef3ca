"""Train a generator; killed at any moment, it goes on where it was."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bareface.errors import RunError, TargetError, UsageError
from bareface.faces.source import Images
from bareface.inversion.checkpoints.convert import mean_w, pixel_statistics
from bareface.inversion.checkpoints.store import Precision, load_generator, save_generator
from bareface.inversion.gan.checkpoints import (
    forget_newer,
    newest_checkpoint,
    refuse_another_run,
    save_checkpoint,
    save_sheet,
)
from bareface.inversion.gan.curve import Curve, write_curve
from bareface.inversion.gan.grow import grow
from bareface.inversion.gan.players import Losses, Players
from bareface.inversion.gan.recipe import GanRecipe
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.storage.folders import held
from bareface.streams import stream
from bareface.synthetic import IDENTITY_SIZE

# How far the images of a generator lie from images that it was not trained on; smaller is nearer.
Measure = Callable[[StyleGAN2], float]

_CPU = torch.device("cpu")
GENERATOR_FILE = "generator.safetensors"
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


@dataclass(frozen=True)
class GanStep:
    """One move of each player, for whoever shows progress.

    Attributes:
        number, steps: from 1, of how many.
        losses: what they saw.
        augment_p: probability of each augmentation.
        images_per_second: since this call began.
    """

    number: int
    steps: int
    losses: Losses
    augment_p: float
    images_per_second: float


@dataclass(frozen=True)
class _Start:
    """How far a run is: its steps, and the measurements until then."""

    steps: int
    curve: Curve


@dataclass(frozen=True)
class Finished:
    """What the file of a finished generator says, and how precisely.

    Attributes:
        alignment: how the faces lie in the images, for the card.
        licence: of the weights, for the card.
        precision: of the numbers in the file.
    """

    alignment: str = "unknown"
    licence: str = "unknown"
    precision: Precision = "fp32"


@dataclass(frozen=True)
class Quality:
    """How far generated images are from real ones.

    Attributes:
        measure: called with the moving average at every checkpoint; None = nothing is measured.
        floor: called in the end for the distance that `measure` would give images of the held-out kind.
    """

    measure: Measure | None = None
    floor: Callable[[], float] | None = None


def train_generator(
    images: Images,
    recipe: GanRecipe,
    folder: Path,
    *,
    grow_from: Path | None = None,
    finished: Finished = Finished(),
    quality: Quality = Quality(),
    report: Callable[[GanStep], None] | None = None,
    device: torch.device = _CPU,
) -> StyleGAN2Generator:
    """The moving average of the generator that `recipe` makes of the images, as it lies in `folder` afterwards.

    A folder with checkpoints of the same run is continued, bit for bit as if it had never stopped (same machine, same
    number of threads); a larger `steps` lengthens a finished run.

    Args:
        images: n images of the recipe's resolution.
        recipe: how to train.
        folder: receives checkpoints, sample sheets, and in the end `generator.safetensors` and its card.
        grow_from: the folder of a run at a lower resolution, whose weights this one begins with.
        finished: what the finished file says, and how precisely.
        quality: how far its images are from real ones; the distances go to `curve.csv` and the card.
        report: called after every step.
        device: where to compute.

    Raises:
        UsageError: images, recipe and `grow_from` do not fit together.
        RunError: the folder holds another run, another process uses it, it cannot be written, or it was removed.
        TargetError: the losses are no longer finite.
    """
    _check_size(images, recipe)
    players, data = Players(recipe, device), _digest(images)
    with held(folder):
        start = _begin(players, recipe, folder, data, grow_from)
        curve = _play(images, players, folder, data, start, quality.measure, report or (lambda step: None))
        players.average.mapping.w_avg.copy_(mean_w(players.average))
        save_generator(
            players.average,
            folder / GENERATOR_FILE,
            alignment=finished.alignment,
            licence=finished.licence,
            notes=(f"trained for {players.seen:,} images", *_how(recipe)),
            person=IDENTITY_SIZE if recipe.taught else 0,
            floor=None if quality.floor is None else quality.floor(),
            precision=finished.precision,
            curve=curve,
            pixels=pixel_statistics(players.average, str(folder)),
        )
        return load_generator(folder / GENERATOR_FILE)


def real_batch(images: Images, recipe: GanRecipe, number: int) -> Tensor:
    """(batch_size, rgb_channels, r, r) in [-1, 1]: the real images of step `number`, drawn with replacement."""
    draw = stream(recipe.seed, "real", number)
    pixels = images.load(draw.integers(len(images), size=recipe.batch_size).astype(np.intp)).float()
    if recipe.config.rgb_channels == 1:
        pixels = (pixels * LUMA).sum(1, keepdim=True)
    mirrored = torch.from_numpy(draw.random(len(pixels)) < 0.5) & recipe.flip
    pixels = torch.where(mirrored.view(-1, 1, 1, 1), pixels.flip(3), pixels)
    return pixels / 127.5 - 1


def _how(recipe: GanRecipe) -> tuple[str, ...]:
    """What the card says of the training besides its length."""
    against = f"a discriminator (weight {recipe.adversarial:g})" if recipe.adversarial else "no discriminator"
    taught = f"taught by the renderer in its own latents (weight {recipe.taught:g}), {against}"
    return (f"computed in {recipe.precision}", *((taught,) if recipe.taught else ()))


def _begin(players: Players, recipe: GanRecipe, folder: Path, data: str, grow_from: Path | None) -> _Start:
    """Put the right weights into the players; returns how far they are."""
    saved = newest_checkpoint(folder)
    if saved is not None:
        refuse_another_run(folder, saved, recipe, data)
        if saved.steps > recipe.steps:
            expected = f"at most {recipe.steps:,}, as the recipe says"
            raise RunError(str(folder), got=f"a run of {saved.steps:,} steps", expected=expected, hint="another folder")
        forget_newer(folder, saved.steps)
        players.restore(saved.tensors)
        return _Start(saved.steps, saved.curve)
    forget_newer(folder, 0)
    if grow_from is not None:
        small = newest_checkpoint(grow_from)
        if small is None:
            raise UsageError(str(grow_from), got="no checkpoint", expected="the folder of an earlier run")
        grow(players, small.tensors, small.config)
    return _Start(0, ())


def _play(
    images: Images,
    players: Players,
    folder: Path,
    data: str,
    start: _Start,
    measure: Measure | None,
    report: Callable[[GanStep], None],
) -> Curve:
    """Go on to the end; returns the whole curve."""
    recipe, clock, curve = players.recipe, time.perf_counter(), start.curve
    if curve:
        write_curve(folder, curve)
    for number in range(start.steps, recipe.steps):
        real = None if recipe.taught else real_batch(images, recipe, number).to(players.device)
        losses = players.step(real, number)
        _check_finite(losses, number)
        if (number + 1) % recipe.save_every == 0 or number + 1 == recipe.steps:
            # The checkpoint comes last: whoever is killed before it measures and shows these steps again.
            save_sheet(folder, number + 1, players.average, recipe.seed)
            if measure is not None:
                curve = (*curve, (number + 1, measure(players.average)))
                write_curve(folder, curve)
            save_checkpoint(folder, number + 1, players.tensors(), recipe, data, curve)
        speed = (number + 1 - start.steps) * recipe.batch_size / (time.perf_counter() - clock)
        report(GanStep(number + 1, recipe.steps, losses, players.augment_p, speed))
    return curve


def _check_size(images: Images, recipe: GanRecipe) -> None:
    side = recipe.config.resolution
    if len(images) == 0 or images.load(np.arange(1)).shape[2:] != (side, side):
        got = "no images" if len(images) == 0 else "x".join(str(s) for s in images.load(np.arange(1)).shape[2:])
        hint = "resizing them when they are read, or another configuration"
        raise UsageError("images", got=got, expected=f"{side}x{side} pixels, as the recipe says", hint=hint)


def _digest(images: Images) -> str:
    """Tells training sets apart: how many images, and the pixels of up to 64 of them."""
    some = np.unique(np.linspace(0, len(images) - 1, 64).astype(np.intp))
    digest = hashlib.sha256(str(len(images)).encode())
    digest.update(images.load(some).contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_finite(losses: Losses, number: int) -> None:
    if not math.isfinite(losses.generator + losses.discriminator):
        got = f"losses of {losses.generator} and {losses.discriminator} in step {number + 1}"
        raise TargetError("training", got=got, expected="finite losses", hint="a lower learning rate, or fp32")
