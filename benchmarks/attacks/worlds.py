"""The people that every attack is tried on: the fixed LFW split, and rendered people in its image."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bareface.auditing.progress import Progress
from bareface.bench.world import TRAINING as RENDERED_TRAINING
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe
from bareface.vocabulary import Role
from benchmarks.attacks.lfw import TRAINING
from benchmarks.growth.crowd import Crowd
from benchmarks.shared_data import lfw

PEOPLE, PHOTOS = 100, 5
AUXILIARY, PUBLIC = 150, 100


@dataclass(frozen=True)
class AttackWorld:
    """Who is who, and how target and shadows are trained."""

    name: str
    roster: Roster
    training: Recipe


def _real(_: Path, __: Progress) -> AttackWorld:
    return AttackWorld("LFW, 48 px", lfw(), TRAINING)


def _rendered(folder: Path, report: Progress) -> AttackWorld:
    """100 members with 5 photos in training, 5 not, as many strangers; trained as in `benchmarks.attacks.defences`."""
    crowd = Crowd(folder / "people", RENDERED_TRAINING.spec.height, PEOPLE, report, PHOTOS)
    parts = [
        crowd.audited(PEOPLE, PHOTOS),
        crowd.others("auxiliary", AUXILIARY, 2 * PHOTOS, 200_000, Role.AUXILIARY),
        crowd.others("public", PUBLIC, PHOTOS, 300_000, Role.PUBLIC),
    ]
    images = tuple(image for part in parts for image in part.image)
    roster = Roster(
        crowd.folder, images, *(np.concatenate([getattr(p, c) for p in parts]) for c in ("subject", "role"))
    )
    return AttackWorld("rendered faces, 32 px", roster, RENDERED_TRAINING)


WORLDS: dict[str, Callable[[Path, Progress], AttackWorld]] = {"lfw": _real, "rendered": _rendered}
"""By name: made in the folder of a run, with progress."""
