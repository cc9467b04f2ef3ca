"""Who is probed: the target, the controls beside it, and the shadows."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.images import RosterImages
from bareface.faces.source import ArrayImages, Images
from bareface.faces.synthetic import SyntheticFaces
from bareface.probing.taps import batchnorm_layers
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe
from bareface.settings.spec import USUAL_INPUT, ImageSpec
from bareface.streams import seed_for, stream
from bareface.targets.build import build
from bareface.targets.device import CPU
from bareface.targets.kinds import Auditable
from bareface.targets.target import Target
from bareface.targets.twin import untrained_twin
from bareface.training.recalibrate import estimate_statistics
from bareface.training.train import TrainStep, train
from bareface.vocabulary import Role

# More images than this do not move running statistics any further.
MOST_PUBLIC_IMAGES = 1000
STAND_IN = "ir-tiny"


def images_for(target: Auditable, roster: Roster) -> Images:
    """The images of a roster at the size that a target wants."""
    return RosterImages(roster, target.spec.height, target.spec.width)


def public_images(target: Auditable, roster: Roster, seed: int) -> tuple[Images, str]:
    """Images that nobody was trained on in secret, and what they are: public, else auxiliary, else rendered faces."""
    for role in (Role.PUBLIC, Role.AUXILIARY):
        rows = roster.rows(role)
        if len(rows):
            chosen = np.sort(stream(seed, "public").permutation(rows)[:MOST_PUBLIC_IMAGES])
            return images_for(target, roster.take(chosen)), f"{len(chosen)} {role} images"
    rendered = _rendered(MOST_PUBLIC_IMAGES // 2, target.spec, seed)
    return ArrayImages(rendered), f"{len(rendered)} rendered faces"


def refuse_familiar_public(roster: Roster) -> None:
    """Refuse public images of people who stand in another role: statistics of them would be about the judged.

    Raises:
        RosterError: with their number.
    """
    public = roster.role == Role.PUBLIC
    familiar = np.intersect1d(roster.subject[public], roster.subject[~public])
    if len(familiar):
        raise RosterError(
            str(roster.root),
            got=f"{len(familiar)} people both in the role public and in another",
            expected="public faces of other people than those that are judged",
            hint="leaving them out of the role public",
        )


def bn_swap(target: Auditable, roster: Roster, seed: int) -> tuple[Target, str] | None:
    """The target with its running statistics re-estimated on public images, and what those were.

    None where it has no BatchNorm layer with running statistics, or none that could be exchanged.
    """
    if not isinstance(target, Target) or not batchnorm_layers(target.module):
        return None
    images, what = public_images(target, roster, seed)
    return estimate_statistics(target, images), what


def untrained(target: Target, roster: Roster, seed: int) -> Target:
    """A copy of the target with fresh weights, its running statistics estimated on public images."""
    twin = untrained_twin(target, seed_for(seed, "untrained"))
    if not batchnorm_layers(twin.module):
        return twin
    images, _ = public_images(target, roster, seed)
    return estimate_statistics(twin, images)


def stand_in(target: Auditable, roster: Roster, seed: int) -> Target:
    """A small backbone with fresh weights, for targets of which no copy can be drawn afresh."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_for(seed, "stand-in"))
        module = build(STAND_IN, spec=USUAL_INPUT, embedding_size=target.embedding_size)
    fresh = Target(f"{STAND_IN} (untrained)", STAND_IN, module, USUAL_INPUT)
    images, _ = public_images(fresh, roster, seed)
    return estimate_statistics(fresh, images)


def train_backbone(
    roster: Roster,
    recipe: Recipe,
    folder: Path,
    report: Callable[[TrainStep], None] | None = None,
    device: torch.device = CPU,
) -> Target:
    """Train a backbone on the `member` images of a roster; a finished folder is read, an unfinished one resumed."""
    members = roster.take(roster.rows(Role.MEMBER))
    images, labels = training_set(members, recipe.spec)
    ids = hashlib.sha256("\n".join(members.image).encode()).hexdigest()
    return train(images, labels, recipe, folder, image_ids=ids, report=report, device=device)


def training_set(people: Roster, spec: ImageSpec) -> tuple[RosterImages, NDArray[np.int64]]:
    """Everybody's images at the size that a backbone takes, and (n,) who is on them: 0, 1, ... by name."""
    _, labels = np.unique(people.subject, return_inverse=True)
    return RosterImages(people, spec.height, spec.width), labels.astype(np.int64)


def progress_of(progress: Callable[[str, int, int], None], stage: str) -> Callable[[TrainStep], None]:
    """Progress of a training run as one stage."""
    return lambda step: progress(stage, (step.epoch - 1) * step.steps + step.step, step.epochs * step.steps)


def _rendered(count: int, spec: ImageSpec, seed: int) -> torch.Tensor:
    side = max(spec.height, spec.width)
    faces = SyntheticFaces(seed_for(seed, "public faces"), side)
    identity: NDArray[np.int64] = np.arange(count, dtype=np.int64)
    pixels = faces.render(identity, np.zeros(count, np.int64))
    top, left = (side - spec.height) // 2, (side - spec.width) // 2
    return pixels[:, :, top : top + spec.height, left : left + spec.width]
