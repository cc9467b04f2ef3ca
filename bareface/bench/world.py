"""The people of a bench: who is trained on, who is not, the attacker's own, and the public."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bareface.auditing.audit import roster_digest
from bareface.auditing.own_models import training_set
from bareface.errors import RosterError
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.streams import stream
from bareface.synthetic import write_folder_once
from bareface.training.defence import Public
from bareface.vocabulary import Role

VERIFICATION = "verification"
SHADOWED = 2 / 3
MOST_PUBLIC = 1000
TRAINING = Recipe(
    spec=ImageSpec(height=32, width=32, order="GRAY"), embedding_size=64, scale=16.0, margin=0.3, epochs=30,
    batch_size=32, learning_rate=0.02,
)  # fmt: skip


@dataclass(frozen=True)
class RenderedPeople:
    """Rendered people in one role: how many, with how many images each."""

    role: str
    people: int
    images: int


GROUPS = (
    RenderedPeople(Role.MEMBER, 100, 4),
    RenderedPeople(Role.OUTSIDE, 100, 4),
    RenderedPeople(Role.AUXILIARY, 150, 4),
    RenderedPeople(Role.PUBLIC, 150, 4),
    RenderedPeople(VERIFICATION, 100, 4),
)


@dataclass(frozen=True)
class World:
    """Who is who, and how backbones are trained.

    Attributes:
        name: what reports call it.
        roster: members, outsiders, auxiliary and public people.
        strangers: people to verify recognition on; no backbone is trained on them.
        training: the recipe without a defence.
    """

    name: str
    roster: Roster
    strangers: Roster
    training: Recipe

    def settings(self) -> dict[str, object]:
        """What a run of the bench must not change."""
        digests = {"roster": roster_digest(self.roster), "strangers": roster_digest(self.strangers)}
        return {"world": self.name, "training": asdict(self.training), **digests}

    def shadow_roster(self, seed: int) -> Roster:
        """The auxiliary images with two of three people as a shadow's members, the others outside."""
        auxiliary = self.roster.take(self.roster.rows(Role.AUXILIARY))
        people = stream(seed, "shadow people").permutation(np.unique(auxiliary.subject))
        trained = people[: round(SHADOWED * len(people))]
        role = np.where(np.isin(auxiliary.subject, trained), str(Role.MEMBER), str(Role.OUTSIDE))
        return Roster(auxiliary.root, auxiliary.image, auxiliary.subject, role)

    def public(self) -> Public:
        """Public people at the size of the backbone's input."""
        people = self.roster.take(self.roster.rows(Role.PUBLIC)[:MOST_PUBLIC])
        return Public(*training_set(people, self.training.spec))


def world_of(roster: Roster, training: Recipe, name: str) -> World:
    """A world of people that somebody brought.

    People to verify recognition on are those in the role `verification`, else those outside.

    Raises:
        RosterError: a role is missing.
    """
    needed = (Role.MEMBER, Role.OUTSIDE, Role.AUXILIARY, Role.PUBLIC)
    missing = [str(role) for role in needed if not len(roster.rows(role))]
    if missing:
        raise RosterError(
            roster.called, got=f"nobody in the role {missing[0]}", expected=", ".join(needed),
            hint="a manifest with all of them; auxiliary people train the shadow, public ones some of the defences",
        )  # fmt: skip
    apart = roster.rows(VERIFICATION)
    strangers = roster.take(apart if len(apart) else roster.rows(Role.OUTSIDE))
    return World(name, roster.take(roster.rows(*needed)), strangers, training)


def rendered_world(
    folder: Path,
    report: Callable[[str, int, int], None],
    *,
    groups: tuple[RenderedPeople, ...] = GROUPS,
    training: Recipe = TRAINING,
    seed: int = 7,
) -> World:
    """People who do not exist, rendered into a folder; one that is there already is read."""
    size, first, parts = training.spec.height, 0, list[Roster]()
    for group in groups:
        home = folder / group.role
        write_folder_once(
            home, people=group.people, images=group.images, size=size, seed=seed, first_identity=first,
            report=partial(report, f"rendering {group.role}"),
        )  # fmt: skip
        parts.append(_moved(read_folder(home, group.role), folder))
        first += group.people
    return world_of(_together(parts, folder), training, f"rendered faces, {size} pixels")


def _moved(part: Roster, folder: Path) -> Roster:
    """The same images, named from the folder above."""
    name = part.root.name
    return Roster(folder, tuple(f"{name}/{image}" for image in part.image), part.subject, part.role)


def _together(parts: list[Roster], folder: Path) -> Roster:
    images = tuple(image for part in parts for image in part.image)
    subject, role = np.concatenate([p.subject for p in parts]), np.concatenate([p.role for p in parts])
    return Roster(folder, images, subject, role)
