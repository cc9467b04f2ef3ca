"""The auditor's own people: auxiliary ones, who train shadows, and public ones, whom statistics are taken of.

They are to be nobody in question. A shadow that was trained on an outsider's photos takes outsiders for members, and a
control that was trained on members cannot be exceeded. So whoever shares a name, a picture or a face with somebody in
question is left out with all photos, and counted; likewise public people who are auxiliary too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.overlap.near_duplicates import Pictures, near_duplicates, pictures_of
from bareface.auditing.overlap.people import SamePeople, skipped
from bareface.auditing.settings import AuditSettings
from bareface.errors import UsageError
from bareface.faces.examine import Examination, Reject
from bareface.records.overlap import OwnPeople, SharedNames, SharedPeople, SharedPictures
from bareface.rosters.roster import Roster
from bareface.vocabulary import CANDIDATES, Role

OWN = (Role.AUXILIARY, Role.PUBLIC)
"""The roles of people whom the auditor brings to learn from; each must share nobody with those before it."""
IN_QUESTION = "person in question"
# A shadow has to meet people of both kinds: with fewer on a side than that, it teaches nothing.
FEWEST_PEOPLE = 2


@dataclass(frozen=True)
class RecognisedPeople:
    """Whom a recogniser takes for somebody in question.

    Attributes:
        same: for each own role, people in question against those; none where nobody was asked or there is nobody.
        model, sha256: the recogniser.
        reason: why nobody was asked; empty where somebody was.
    """

    same: Mapping[Role, SamePeople]
    model: str = ""
    sha256: str = ""
    reason: str = ""

    def record(self, role: Role, roster: Roster) -> SharedPeople:
        """The counts for one own role."""
        if role in self.same:
            return self.same[role].record(self.model, self.sha256)
        return skipped(self.reason, *(_people(roster, *roles) for roles in (CANDIDATES, (role,))))

    def people(self, role: Role) -> NDArray[np.str_]:
        """Names of the own people who were recognised."""
        if role not in self.same:
            return np.empty(0, dtype=np.str_)
        return self.same[role].second.people[np.unique(self.same[role].found.second)]


def familiar(
    examination: Examination, recognised: RecognisedPeople
) -> tuple[tuple[OwnPeople, ...], tuple[Reject, ...]]:
    """Who of the auditor's own people is somebody in question: the counts by role, and their images.

    Args:
        examination: the usable images, those that are left out for other reasons among them.
        recognised: what a recogniser says.
    """
    roster, seen = examination.accepted, pictures_of(examination)
    records, rejects = [], list[Reject]()
    for number, role in enumerate(OWN):
        rows = roster.rows(role)
        if not len(rows):
            continue
        others = (*CANDIDATES, *OWN[:number])
        found = [_in_common(roster, seen, other, role) for other in others if len(roster.rows(other))]
        why = {name: one.detail for one in reversed(found) for name in one.people}
        why |= {str(name): "the face of a person in question" for name in recognised.people(role) if name not in why}
        gone = [row for row in rows.tolist() if str(roster.subject[row]) in why]
        rejects += [Reject(roster.image[row], str(role), IN_QUESTION, why[str(roster.subject[row])]) for row in gone]
        records.append(
            OwnPeople(
                role=str(role),
                people=_people(roster, role),
                images=len(rows),
                left_out_people=len(why),
                left_out_images=len(gone),
                pictures=tuple(one.pictures for one in found),
                names=tuple(one.names for one in found),
                recognised=recognised.record(role, roster),
            )
        )
    return tuple(records), tuple(rejects)


def refuse_too_few(own: Sequence[OwnPeople], settings: AuditSettings) -> None:
    """Refuse to train shadows on the few auxiliary people who are nobody in question.

    Raises:
        UsageError: with their number, and what to bring.
    """
    for one in own:
        if settings.shadow is None or one.role != Role.AUXILIARY or not one.left_out_people:
            continue
        left, needed = one.people - one.left_out_people, fewest_for_shadow(settings.shadow.people_in_training)
        if left < needed:
            raise UsageError(
                "auxiliary people",
                got=f"{one.left_out_people:,} of {one.people:,} who are people in question by name, picture or face",
                expected=f"at least {needed} others, to train shadows on",
                hint="removing those from auxiliary and bringing others; rejects.parquet in the run folder lists them",
            )


def fewest_for_shadow(share: float) -> int:
    """How many people it takes for a shadow that is trained on this share of them to have enough of both kinds."""
    people = 2 * FEWEST_PEOPLE
    while people - max(FEWEST_PEOPLE, round(share * people)) < FEWEST_PEOPLE:
        people += 1
    return people


@dataclass(frozen=True)
class _Common:
    """What an own role has in common with another: counts, whom it concerns, and why."""

    pictures: SharedPictures
    names: SharedNames
    people: frozenset[str]
    detail: str


def _in_common(roster: Roster, seen: Pictures, other: Role, own: Role) -> _Common:
    theirs, ours = roster.rows(other), roster.rows(own)
    found = near_duplicates(seen.take(theirs), seen.take(ours))
    sides = found.everywhere(seen.digest[theirs], seen.digest[ours])
    named = np.intersect1d(roster.subject[theirs], roster.subject[ours])
    return _Common(
        found.record(other, own, sides),
        SharedNames(first=other, second=own, people=len(named)),
        frozenset(roster.subject[ours[sides[1]]].tolist()) | frozenset(named.tolist()),
        f"a name or a picture in common with the {other} images",
    )


def _people(roster: Roster, *roles: str) -> int:
    return len(np.unique(roster.subject[roster.rows(*roles)]))
