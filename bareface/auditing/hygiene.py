"""The gate of hygiene: what stands on two sides of an audit has no membership, so nothing can be concluded from it.

A picture in two roles, and a person never trained on who is a training person under another name, are left out of the
evaluation and recorded. Where there are many, the roster is not what it says it is, and the audit refuses. The
auditor's own people are looked at in `own_people`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import partners
from bareface.auditing.overlap.near_duplicates import RULE, near_duplicates, pictures_of
from bareface.auditing.overlap.people import SamePeople, skipped
from bareface.auditing.own_people import IN_QUESTION, RecognisedPeople, familiar
from bareface.auditing.settings import MAX_SHARED_RATE
from bareface.errors import RosterError
from bareface.faces.examine import Examination, Reject
from bareface.records.numbers import count
from bareface.records.overlap import Hygiene, SharedPeople, SharedPictures
from bareface.rosters.names import first_names
from bareface.rosters.roster import Roster
from bareface.vocabulary import CANDIDATES, Role

TRAINING = (Role.MEMBER, Role.HELDOUT)
TWO_ROLES, TWO_NAMES = "picture on two sides", "person on two sides"
LEFT_OUT = (TWO_ROLES, TWO_NAMES, IN_QUESTION)
"""Why readable images are not used."""
NOBODY = RecognisedPeople({}, reason="nobody looked")


@dataclass(frozen=True)
class Checked:
    """An examination without what stood on two sides.

    Attributes:
        examination: the rest; what was left out is among its rejects.
        hygiene: the counts.
    """

    examination: Examination
    hygiene: Hygiene


def leave_out_shared(
    examination: Examination,
    same: SamePeople | None,
    people: SharedPeople,
    most: float = MAX_SHARED_RATE,
    recognised: RecognisedPeople = NOBODY,
) -> Checked:
    """The examination without pictures in two roles, without outsiders who are training people, and without those of
    the auditor's own people who are people in question.

    Args:
        examination: the usable images.
        same: training people against outsiders; None where nobody compared them.
        people: the counts of that comparison.
        most: for the record.
        recognised: the auditor's own people against those in question.
    """
    roster, seen = examination.accepted, pictures_of(examination)
    shared, rejects = [], list[Reject]()
    for first, second in combinations(CANDIDATES, 2):
        one, other = roster.rows(first), roster.rows(second)
        found = near_duplicates(seen.take(one), seen.take(other))
        sides = found.everywhere(seen.digest[one], seen.digest[other])
        shared.append(found.record(first, second, sides))
        for side, concerned, elsewhere in ((one, sides[0], second), (other, sides[1], first)):
            rejects += _rejected(roster, side[concerned], TWO_ROLES, f"also among the {elsewhere} images")
    rejects += [] if same is None else _strangers_after_all(roster, same)
    once = {reject.image: reject for reject in reversed(rejects)}
    left = tuple(once[image] for image in roster.image if image in once)
    own, more = familiar(examination, recognised)
    rest = examination.without((*left, *more))
    hygiene = Hygiene(
        rule=RULE, images=len(roster.rows(*CANDIDATES)), left_out=len(left), most=most, pictures=tuple(shared),
        people=people, own=own, partners=partners(rest.accepted),
    )  # fmt: skip
    return Checked(rest, hygiene)


def refuse_if_shared(hygiene: Hygiene, where: str) -> None:
    """Refuse a roster in which more than a small share stands on two sides.

    People may match by chance: as many as the calibration expects are forgiven.

    Raises:
        RosterError: with the counts.
    """
    people, expected = hygiene.people, hygiene.people.calibration.expected if hygiene.people.calibration else 0.0
    pictures = sum(one.first_images + one.second_images for one in hygiene.pictures)
    if pictures > hygiene.most * hygiene.images:
        raise RosterError(
            where,
            got=f"{pictures:,} of {hygiene.images:,} images on two sides: {_told(hygiene.pictures)}",
            expected=f"at most {hygiene.most:.1%}; an image with two roles has no membership",
            hint="removing them from one side; rejects.parquet in the run folder lists every one",
        )
    if people.second_matched > hygiene.most * people.second_people + expected:
        raise RosterError(
            where,
            got=f"{people.second_matched:,} of {people.second_people:,} outsiders whom {people.recogniser} takes for "
            "training people",
            expected=f"at most {hygiene.most:.1%}, and {expected:g} by chance; outside means never trained on",
            hint="removing or renaming them; rejects.parquet in the run folder lists every one",
        )


def refuse_contradictions(roster: Roster) -> None:
    """Refuse a roster in which a person is said to be trained on and never trained on.

    Raises:
        RosterError: with the count.
    """
    both = np.intersect1d(roster.subject[roster.rows(*TRAINING)], roster.subject[roster.rows(Role.OUTSIDE)])
    if len(both):
        raise RosterError(
            f"the roster in {roster.called}",
            got=f"{len(both):,} people who are outside and also member or heldout: {first_names(both)}",
            expected="outside to mean never trained on",
            hint="the role heldout for other photos of training people, or other names if they are other people",
        )


def sides_of(roster: Roster) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of training people and rows of outsiders."""
    return roster.rows(*TRAINING), roster.rows(Role.OUTSIDE)


def _strangers_after_all(roster: Roster, same: SamePeople) -> Iterator[Reject]:
    """The images of outsiders who are training people; those keep their place."""
    people = same.second.people[np.unique(same.found.second)]
    rows = roster.rows(Role.OUTSIDE)
    yield from _rejected(roster, rows[np.isin(roster.subject[rows], people)], TWO_NAMES, "a training person's face")


def _rejected(roster: Roster, rows: Iterable[np.intp], reason: str, detail: str) -> Iterator[Reject]:
    return (Reject(roster.image[row], str(roster.role[row]), reason, detail) for row in rows)


def _told(pictures: Sequence[SharedPictures]) -> str:
    return "; ".join(
        f"{one.first} and {one.second} share {count(one.exact, 'file')} and {count(one.near, 'near-duplicate')}"
        + (f" ({one.mirrored:,} mirrored)" if one.mirrored else "")
        for one in pictures
        if one.exact or one.near
    )


def nobody_compared(roster: Roster, reason: str) -> SharedPeople:
    """The record where no recogniser was asked."""
    first, second = (len(np.unique(roster.subject[rows])) for rows in sides_of(roster))
    return skipped(reason, first, second)
