"""The people of `bareface demo`: rendered, numbered, each in one or more roles."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bareface.cli.manners import Stages
from bareface.rosters.roster import Roster, read_folder, read_manifest, write_manifest
from bareface.synthetic import write_folder
from bareface.vocabulary import Role


@dataclass(frozen=True)
class DemoPeople:
    """Some people of the demo: how many, with how many images, in which roles in turn."""

    people: int
    images: int
    roles: tuple[Role, ...]


def demo_people(
    folder: Path, groups: Sequence[DemoPeople], stages: Stages, *, size: int, seed: int, first: int = 0
) -> Roster:
    """Everybody in `groups`, rendered into `folder` with a manifest; a folder that has one is read.

    Args:
        size: side of the photos in pixels.
        seed: of people and photos.
        first: number of the first person.
    """
    manifest = folder / "roster.csv"
    if manifest.exists():
        return read_manifest(manifest)
    if folder.exists():  # a rendering that was cut short; the manifest is written last
        shutil.rmtree(folder)
    parts = []
    for group in groups:
        name = "-".join(group.roles)
        report = partial(stages, f"rendering {name}")
        write_folder(
            folder / name, people=group.people, images=group.images, size=size, seed=seed, first_identity=first,
            report=report,
        )  # fmt: skip
        parts.append(_with_roles(read_folder(folder / name, Role.PUBLIC), group.roles, name))
        first += group.people
    roster = Roster(
        folder,
        tuple(image for part in parts for image in part.image),
        np.concatenate([part.subject for part in parts]),
        np.concatenate([part.role for part in parts]),
    )
    write_manifest(roster, manifest)
    return roster


def _with_roles(part: Roster, roles: tuple[Role, ...], name: str) -> Roster:
    """Each person's images take the roles in turn."""
    number = np.array([int(Path(image).stem) for image in part.image])
    role = np.array([str(role) for role in roles])[number % len(roles)]
    return Roster(part.root.parent, tuple(f"{name}/{image}" for image in part.image), part.subject, role)
