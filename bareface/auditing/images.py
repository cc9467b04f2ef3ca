"""The images that models are asked with: of a roster, of the public."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.images import RosterImages
from bareface.faces.source import ArrayImages, Images
from bareface.rosters.roster import Roster
from bareface.settings.spec import ImageSpec
from bareface.streams import seed_for, stream
from bareface.synthetic import SyntheticFaces
from bareface.targets.kinds import Auditable
from bareface.vocabulary import Role

# More images than this do not move running statistics any further.
MOST_PUBLIC_IMAGES = 1000


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


@dataclass(frozen=True, eq=False)
class PublicFaces:
    """Public images for every model of an audit; those that are rendered are rendered once for each size.

    Attributes:
        roster: everybody who is usable.
        seed: of the audit.
    """

    roster: Roster
    seed: int
    _known: dict[tuple[int, int], tuple[Images, str]] = field(default_factory=dict)

    def of(self, target: Auditable) -> tuple[Images, str]:
        """As `public_images`."""
        size = target.spec.height, target.spec.width
        if size not in self._known:
            self._known[size] = public_images(target, self.roster, self.seed)
        return self._known[size]


def refuse_familiar_public(roster: Roster) -> None:
    """Refuse public images of people who stand in another role: statistics of them would be about the judged.

    Raises:
        RosterError: with their number.
    """
    public = roster.role == Role.PUBLIC
    familiar = np.intersect1d(roster.subject[public], roster.subject[~public])
    if len(familiar):
        raise RosterError(
            roster.called,
            got=f"{len(familiar)} people both in the role public and in another",
            expected="public faces of other people than those that are judged",
            hint="leaving them out of the role public",
        )


def _rendered(count: int, spec: ImageSpec, seed: int) -> torch.Tensor:
    side = max(spec.height, spec.width)
    faces = SyntheticFaces(seed_for(seed, "public faces"), side)
    identity: NDArray[np.int64] = np.arange(count, dtype=np.int64)
    pixels = faces.render(identity, np.zeros(count, np.int64))
    top, left = (side - spec.height) // 2, (side - spec.width) // 2
    return pixels[:, :, top : top + spec.height, left : left + spec.width]
