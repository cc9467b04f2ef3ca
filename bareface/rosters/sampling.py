"""Some of the people of a roster, drawn by lot; who is drawn depends on the seed and their own name alone.

A lot is a hash of the seed and a name, and the lowest lots of a role are drawn (bottom-k sampling, Cohen and Kaplan,
PODC 2007). So people who are added later change nobody's lot: they are drawn or not, and whoever else stays, stays with
the same photos. Lots know nothing of roles, so where members were drawn by lot before training, they still are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.records.evidence import DrawnRole
from bareface.rosters.grouping import rows_of
from bareface.rosters.roster import Roster
from bareface.settings.sampling import SampleSettings
from bareface.streams import seed_for
from bareface.vocabulary import Role

MOST_IMAGES = 200_000
"""An audit of more images draws a sample, unless it is told who to take."""
USUAL = SampleSettings(people=10_000, photos=20)
_TRAINED = (Role.MEMBER, Role.HELDOUT)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """Whom an audit asks about.

    Attributes:
        roster: the people that were drawn, in the order of the whole roster.
        roles: what was drawn of each role; empty where everybody was taken.
    """

    roster: Roster
    roles: tuple[DrawnRole, ...] = ()


def usual_sample(roster: Roster, asked: SampleSettings | None) -> SampleSettings | None:
    """Who is taken where nobody said: everybody, or of more than 200,000 images at most 10,000 people a role."""
    return USUAL if asked is None and len(roster) > MOST_IMAGES else asked


def drawn(roster: Roster, sample: SampleSettings | None, seed: int) -> Drawn:
    """The people of each role whose lots are lowest, each with the photos whose lots are lowest.

    Training people are the same people in both of their roles: whoever is drawn in one keeps the photos of the other.

    Args:
        roster: everybody.
        sample: how many at most; None = everybody.
        seed: of the lots.
    """
    if sample is None or (sample.people is None and sample.photos is None):
        return Drawn(roster)
    kept = _people_drawn(roster, sample.people, seed)
    if sample.photos is not None:
        kept &= _photos_drawn(roster, kept, sample.photos, seed)
    taken, before = roster.take(kept), roster.head_count()
    now = taken.head_count()
    counted = (
        DrawnRole(role=role, people=now[role][0], of_people=of[0], images=now[role][1], of_images=of[1])
        for role, of in before.items()
    )
    return Drawn(taken, tuple(counted))


def _people_drawn(roster: Roster, most: int | None, seed: int) -> Mask:
    """(n,) which images show somebody who was drawn in the role of the image."""
    kept = np.ones(len(roster), dtype=bool)
    if most is None:
        return kept
    names, person = np.unique(roster.subject, return_inverse=True)
    order = np.argsort([seed_for(seed, "sample", "person", name) for name in names.tolist()], kind="stable")
    lot = np.empty(len(names), np.intp)
    lot[order] = np.arange(len(names))
    low = {role: _lowest(lot, person[roster.role == role], most) for role in set(roster.role.tolist())}
    trained = np.any([low[role] for role in _TRAINED if role in low] or [np.zeros(len(names), bool)], axis=0)
    for role, people in low.items():
        here = roster.role == role
        kept[here] = (trained if role in _TRAINED else people)[person[here]]
    return kept


def _lowest(lot: NDArray[np.intp], person: NDArray[np.intp], most: int) -> Mask:
    """(people,) which of some people have the lowest lots."""
    some = np.unique(person)
    chosen = np.zeros(len(lot), dtype=bool)
    chosen[some[np.argsort(lot[some], kind="stable")[:most]]] = True
    return chosen


def _photos_drawn(roster: Roster, kept: Mask, most: int, seed: int) -> Mask:
    """(n,) which images are among the few of their person and role that were drawn."""
    rows = np.flatnonzero(kept)
    chosen = np.zeros(len(roster), dtype=bool)
    for role in set(roster.role[rows].tolist()):
        here = rows[roster.role[rows] == role]
        for own in rows_of(roster.subject[here]).values():
            mine = here[own].tolist()
            if len(mine) > most:
                mine = sorted(mine, key=lambda row: seed_for(seed, "sample", "photo", roster.image[row]))[:most]
            chosen[mine] = True
    return chosen
