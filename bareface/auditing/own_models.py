"""Backbones that the auditor trains beside the target: shadows on other people, references on images in question."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.faces.images import RosterImages
from bareface.rosters.grouping import rows_of
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe, ReferenceSettings, ShadowSettings
from bareface.settings.spec import ImageSpec
from bareface.storage.cache import Room
from bareface.storage.folders import subfolder
from bareface.streams import seed_for, stream
from bareface.targets.device import CPU
from bareface.targets.target import Target
from bareface.training.train import TrainStep, train
from bareface.vocabulary import CANDIDATES, Role

Report = Callable[[int, TrainStep], None]
"""Called after every step with the number of the backbone."""


@dataclass(frozen=True)
class Shadow:
    """A backbone that the auditor trained, and who was in its training.

    Attributes:
        target: the backbone with its head.
        roster: the images that it could learn from, in the roles that they had for it.
    """

    target: Target
    roster: Roster


@dataclass(frozen=True)
class Kept:
    """Where backbones go that are trained on images whose bytes are known.

    Attributes:
        room: their folders, and the cache of finished ones.
        digests: SHA-256 of each image's bytes, by name.
    """

    room: Room
    digests: Mapping[str, str]

    def inside(self, name: str) -> "Kept":
        """The same a folder deeper."""
        return replace(self, room=replace(self.room, folder=self.room.folder / name))

    def key(self, own: Roster, recipe: Recipe) -> str:
        """Digest of everything that a training depends on: the recipe, and who is on which bytes under which name."""
        digest = hashlib.sha256(json.dumps(recipe.as_dict(), sort_keys=True).encode())
        members = own.take(own.rows(Role.MEMBER))
        for image, subject in zip(members.image, members.subject.tolist(), strict=True):
            digest.update(f"\n{self.digests[image]} {subject}\t{image}".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:24]


def shadow_roster(roster: Roster, share: float, rng: np.random.Generator) -> Roster:
    """The auxiliary images, dealt into the three roles of a shadow.

    A share of the people is in training, each with every other image; the rest of their images is held out.
    """
    auxiliary = roster.take(roster.rows(Role.AUXILIARY))
    people = rng.permutation(np.unique(auxiliary.subject))
    trained = people[: max(2, round(share * len(people)))]
    role = np.full(len(auxiliary), str(Role.OUTSIDE), dtype="<U16")
    photos = rows_of(auxiliary.subject)
    for person in trained.tolist():
        rows = rng.permutation(photos[person])
        role[rows[::2]], role[rows[1::2]] = Role.MEMBER, Role.HELDOUT
    return Roster(auxiliary.root, auxiliary.image, auxiliary.subject, role)


def train_shadows(
    roster: Roster,
    config: ShadowSettings,
    kept: Kept,
    seed: int,
    report: Report,
    device: torch.device = CPU,
) -> tuple[Shadow, ...]:
    """Train the shadows, each on its own share of the auxiliary people."""
    share = config.people_in_training
    own = [shadow_roster(roster, share, stream(seed, "shadow", number)) for number in range(config.count)]
    return _trained("shadow", own, config.train, kept, seed, report, device)


def train_references(
    roster: Roster,
    config: ReferenceSettings,
    kept: Kept,
    seed: int,
    report: Report,
    device: torch.device = CPU,
) -> tuple[Shadow, ...]:
    """Train references on images in question, each on its own part of them."""
    own = [reference_roster(roster, number, seed) for number in range(config.count)]
    return _trained("reference", own, config.train, kept, seed, report, device)


def reference_roster(roster: Roster, number: int, seed: int) -> Roster:
    """The images in question: half of the people with half of each one's images in training, the rest outside.

    Roles are not looked at. Every four references share out the images: of two the first halves of people meet each
    half of images, of two the second ones; with two references, both halves of people occur.
    """
    asked = roster.take(roster.rows(*CANDIDATES))
    four, place = divmod(number, 4)
    people_half, image_half = ((0, 0), (1, 1), (0, 1), (1, 0))[place]
    people = stream(seed, "reference people", four).permutation(np.unique(asked.subject))
    role = np.full(len(asked), str(Role.OUTSIDE), dtype="<U16")
    photos = rows_of(asked.subject)
    for person in people[people_half::2].tolist():
        dealt = stream(seed, "reference images", four, person).permutation(photos[person])
        role[dealt[image_half::2]] = Role.MEMBER
    return Roster(asked.root, asked.image, asked.subject, role)


def _trained(
    kind: str,
    rosters: Sequence[Roster],
    train: Recipe,
    kept: Kept,
    seed: int,
    report: Report,
    device: torch.device,
) -> tuple[Shadow, ...]:
    """A backbone for each roster, by number, in a folder that exists or whose outer folder does."""
    made = []
    for number, own in enumerate(rosters):
        recipe = replace(train, seed=seed_for(seed, kind, number))
        report_step = _numbered(report, number)
        home = subfolder(subfolder(kept.room.folder) / f"{kind}-{number}")
        key = kept.key(own, recipe)
        kept.room.cache.lend("trained", key, home)
        made.append(Shadow(train_backbone(own, recipe, home, report_step, device, is_inner=True), own))
        kept.room.cache.keep("trained", key, home)
    return tuple(made)


def _numbered(report: Report, number: int) -> Callable[[TrainStep], None]:
    return lambda step: report(number, step)


def train_backbone(
    roster: Roster,
    recipe: Recipe,
    folder: Path,
    report: Callable[[TrainStep], None] | None = None,
    device: torch.device = CPU,
    *,
    is_inner: bool = False,
) -> Target:
    """Train a backbone on the `member` images of a roster; a finished folder is read, an unfinished one resumed.

    In a folder that is part of a larger run (`is_inner`), what belongs to another one is set aside and made again, and
    that is said; elsewhere it is refused.
    """
    members = roster.take(roster.rows(Role.MEMBER))
    images, labels = training_set(members, recipe.spec)
    ids = hashlib.sha256("\n".join(members.image).encode()).hexdigest()
    return train(images, labels, recipe, folder, image_ids=ids, report=report, device=device, is_inner=is_inner)


def training_set(people: Roster, spec: ImageSpec) -> tuple[RosterImages, NDArray[np.int64]]:
    """Everybody's images at the size that a backbone takes, and (n,) who is on them: 0, 1, ... by name."""
    _, labels = np.unique(people.subject, return_inverse=True)
    return RosterImages(people, spec.height, spec.width), labels.astype(np.int64)


def progress_of(progress: Callable[[str, int, int], None], stage: str) -> Callable[[TrainStep], None]:
    """Progress of a training run as one stage."""
    return lambda step: progress(stage, (step.epoch - 1) * step.steps + step.step, step.epochs * step.steps)
