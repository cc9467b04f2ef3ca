"""Ten thousand people who do not exist: rendered in blocks on all cores, and dealt out to target, shadows and audit."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.own_models import Shadow
from bareface.auditing.progress import Progress
from bareface.rosters.roster import Roster
from bareface.streams import stream
from bareface.synthetic import write_folder_once
from bareface.targets.target import Target
from bareface.vocabulary import Role

SEED = 7
BLOCK = 50
PHOTOS = 5
SHADOWED = 0.7

People = NDArray[np.int64]


@dataclass(frozen=True)
class Population:
    """Everybody, by number: members, then auxiliary people, then strangers, then the public.

    Attributes:
        folder: of the pictures, a folder for each block of people.
        size: height and width in pixels.
        people: in the target's training, and as many auxiliary people.
        images: of each of them in training; a few more are kept back.
        judged: so many of the members are audited, as many strangers, auxiliary and public people.
    """

    folder: Path
    size: int
    people: int
    images: int
    judged: int

    @property
    def photos(self) -> int:
        """Kept back of each person, and looked at on each side."""
        return min(PHOTOS, self.images)

    def render(self, report: Progress) -> None:
        """Make the blocks that are not there yet."""
        blocks = list(self._blocks())
        missing = [block for block in blocks if not self._home(block[0]).exists()]
        done = len(blocks) - len(missing)
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(_render, self._home(block[0]), *block, self.size) for block in missing]
            try:
                for _ in as_completed(jobs):
                    done += 1
                    report("rendering blocks of people", done, len(blocks))
            finally:
                pool.shutdown(cancel_futures=True)

    def trained(self) -> Roster:
        """What the target learns."""
        return self._taught(np.arange(self.people))

    def shadow_trained(self, number: int) -> Roster:
        """What one shadow learns: most of the auxiliary people."""
        return self._taught(self._shadow_people(number))

    def audited(self) -> Roster:
        """Some photos in training and as many kept back of some members, photos of strangers, auxiliary and public."""
        members, auxiliary = self._some(0), self._some(self.people)
        strangers = 2 * self.people + np.arange(self.judged)
        kept, both = np.arange(self.photos), np.arange(2 * self.photos)
        return self._roster(
            (members, kept, Role.HELDOUT),
            (members, kept + self.photos, Role.MEMBER),
            (strangers, kept, Role.OUTSIDE),
            (auxiliary, both, Role.AUXILIARY),
            (strangers + self.judged, kept, Role.PUBLIC),
        )

    def shadow(self, target: Target, number: int, audited: Roster) -> Shadow:
        """A trained shadow, with the roles that the audited auxiliary images had for it."""
        own = audited.take(audited.rows(Role.AUXILIARY))
        taught = np.isin(own.subject, [_name(person) for person in self._shadow_people(number)])
        trained = np.array([int(Path(image).stem) >= self.photos for image in own.image])
        role = np.where(taught, np.where(trained, str(Role.MEMBER), str(Role.HELDOUT)), str(Role.OUTSIDE))
        return Shadow(target, Roster(own.root, own.image, own.subject, role))

    def _some(self, first: int) -> People:
        """Judged people, evenly among those from a number on."""
        return first + np.linspace(0, self.people - 1, min(self.judged, self.people)).astype(np.int64)

    def _shadow_people(self, number: int) -> People:
        everybody = self.people + np.arange(self.people)
        shuffled = stream(SEED, "shadow people", number).permutation(everybody)
        return np.sort(shuffled[: round(SHADOWED * self.people)])

    def _taught(self, people: People) -> Roster:
        return self._roster((people, self.photos + np.arange(self.images), Role.MEMBER))

    def _roster(self, *parts: tuple[People, NDArray[np.int64], Role]) -> Roster:
        rows = [(person, photo, role) for people, photos, role in parts for person in people for photo in photos]
        image = tuple(f"{self._home(person).name}/{_name(person)}/{photo:03d}.png" for person, photo, _ in rows)
        subject, role = np.array([_name(person) for person, _, _ in rows]), np.array([str(role) for *_, role in rows])
        return Roster(self.folder, image, subject, role)

    def _blocks(self) -> Iterator[tuple[int, int, int]]:
        """First number, people and images of each block."""
        last = 2 * self.people + 2 * self.judged
        for first in range(0, last, BLOCK):
            many = first < 2 * self.people
            yield first, min(BLOCK, last - first), self.photos + self.images if many else self.photos

    def _home(self, person: int) -> Path:
        return self.folder / f"block-{person // BLOCK:05d}"


def _name(person: int) -> str:
    return f"p{person:05d}"


def _render(home: Path, first: int, people: int, images: int, size: int) -> None:
    write_folder_once(home, people=people, images=images, size=size, seed=SEED, first_identity=first)
