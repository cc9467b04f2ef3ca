"""Rendered people: some of each person's photos are trained on, a few are kept back."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bareface.auditing.progress import Progress
from bareface.rosters.roster import Roster, read_folder
from bareface.synthetic import write_folder_once
from bareface.vocabulary import Role

PHOTOS = 4
STRANGER = 100_000
SEED = 7


@dataclass(frozen=True)
class Crowd:
    """People who do not exist, rendered when they are asked for; always the same.

    Attributes:
        folder: keeps the images.
        size: height and width in pixels.
        judged: so many of those in training are audited, and so many strangers.
        report: called with (stage, done, total).
        photos: kept back of each person, and looked at on each side.
    """

    folder: Path
    size: int
    judged: int
    report: Progress
    photos: int = PHOTOS

    def trained(self, people: int, images: int) -> Roster:
        """What a backbone learns: all photos but the first few of each person."""
        everybody = self._members(people, images)
        return everybody.take(everybody.rows(Role.MEMBER))

    def audited(self, people: int, images: int) -> Roster:
        """A few training photos of those who are judged, those kept back, and as many of each stranger."""
        members = self._members(people, images)
        judged = np.unique(members.subject)[: self.judged]
        members = members.take(np.isin(members.subject, judged) & (_number(members) < 2 * self.photos))
        strangers = self.strangers()
        role = np.concatenate([members.role, strangers.role])
        who = np.concatenate([members.subject, strangers.subject])
        return Roster(self.folder, (*members.image, *strangers.image), who, role)

    def strangers(self) -> Roster:
        """A few photos each of people who are never trained on."""
        return self.others("strangers", self.judged, self.photos, STRANGER, Role.OUTSIDE)

    def others(self, name: str, people: int, images: int, first: int, role: str) -> Roster:
        """People in one role; `first` is the number of the first of them and keeps them apart from everybody else."""
        return self._rendered(name, people, images, first, role)

    def _members(self, people: int, images: int) -> Roster:
        found = self._rendered(f"{people}-people-{images}-images", people, self.photos + images, 0, Role.MEMBER)
        role = np.where(_number(found) < self.photos, str(Role.HELDOUT), str(Role.MEMBER))
        return Roster(found.root, found.image, found.subject, role)

    def _rendered(self, name: str, people: int, images: int, first: int, role: str) -> Roster:
        folder = self.folder / name
        write_folder_once(
            folder, people=people, images=images, size=self.size, seed=SEED, first_identity=first,
            report=partial(self.report, f"rendering {name}"),
        )  # fmt: skip
        found = read_folder(folder, role)
        return Roster(self.folder, tuple(f"{name}/{image}" for image in found.image), found.subject, found.role)


def _number(roster: Roster) -> np.ndarray:
    """(n,) the number of each photo among those of its person."""
    return np.array([int(Path(image).stem) for image in roster.image])
