"""How membership came about: drawn by lot before training, sealed, and checked at the audit.

Where lots decide who is trained on, nothing else about people or photos can tell the sides apart, and permuting
membership gives exact tests. That holds only for a draw that nobody could choose among many: so the list of people and
images, the seed and the options are sealed with it, and whoever has the seal can draw again and must get the same.

A lot is a hash of the seed and a name. So a draw depends on names and seed alone, not on the order of the list, nor on
the version of a library of random numbers, which may change its streams before the audit.
"""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field, ValidationError

from bareface.errors import RosterError, UsageError
from bareface.records.record import Record
from bareface.rosters.roster import Roster
from bareface.storage.files import write_text
from bareface.streams import seed_for
from bareface.untrusted.regular import open_file
from bareface.vocabulary import Role

FORMAT: Final = "bareface-seal-1"
LARGEST_SEAL = 1 << 16
# With fewer people on a side there is nothing to permute.
FEWEST_PEOPLE = 2
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, lt=1)]


class Shares(Record):
    """How a pool is divided.

    members: share of all people to be trained on.
    heldout: share of a member's photos that are kept out of training; nobody with one photo gives it away, and
        everybody else gives at least one, unless the share is 0.
    auxiliary: share of all people who are the auditor's own; the rest of the people are outside.
    """

    members: Annotated[float, Field(gt=0, lt=1)] = 0.5
    heldout: Share = 0.5
    auxiliary: Share = 0.0


class Seal(Record):
    """What was drawn, and from what; written before training.

    drawn: when, in UTC.
    seed, shares: what the draw was made with.
    people, images: how many stood on the list.
    people_sha256: of the people's names; images_sha256: of who is on which image; both in NFC, sorted.
    roster_sha256: of who is on which image in which role.
    """

    format: Literal["bareface-seal-1"]
    drawn: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00$")]
    seed: Annotated[int, Field(ge=0)]
    shares: Shares
    people: Annotated[int, Field(gt=0)]
    images: Annotated[int, Field(gt=0)]
    people_sha256: Sha256
    images_sha256: Sha256
    roster_sha256: Sha256


def draw(pool: Roster, shares: Shares, seed: int) -> Roster:
    """The people and images of a pool with roles by lot.

    Args:
        pool: whoever may be trained on; its roles are not looked at.
        shares: how it is divided.
        seed: of the lots.

    Raises:
        UsageError: the shares leave fewer than two members, or fewer than two people outside.
    """
    role_of = _drawn_people(set(pool.subject.tolist()), shares, seed)
    names = _composed(pool.image)
    role = np.array([role_of[who] for who in pool.subject.tolist()], dtype="<U16")
    by_person = np.argsort(pool.subject, kind="stable")
    for rows in np.split(by_person, np.flatnonzero(pool.subject[by_person][1:] != pool.subject[by_person][:-1]) + 1):
        if len(rows) and role[rows[0]] == Role.MEMBER:
            order = sorted(rows.tolist(), key=lambda row: (_lot(seed, "image", names[row]), pool.image[row]))
            role[order[: _kept_out(len(rows), shares.heldout)]] = Role.HELDOUT
    return Roster(pool.root, pool.image, pool.subject, role, pool.ignored)


def seal(drawn: Roster, shares: Shares, seed: int, when: datetime | None = None) -> Seal:
    """The seal of a draw.

    Args:
        drawn: what `draw` gave.
        shares, seed: what it was given.
        when: it was drawn; None = now.
    """
    date = (when or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    return Seal(
        format=FORMAT, drawn=date, seed=seed, shares=shares, people=len(set(drawn.subject.tolist())), images=len(drawn),
        people_sha256=_people_digest(drawn), images_sha256=_images_digest(drawn), roster_sha256=_roster_digest(drawn),
    )  # fmt: skip


def check_seal(roster: Roster, sealed: Seal) -> str | None:
    """Why a roster is not the one that was drawn and sealed; None where it is.

    Images in roles that the draw does not give, such as `public`, are not looked at: they are added afterwards.

    Args:
        roster: as it is brought to the audit, images relative to the same folder as when it was drawn.
        sealed: its seal.
    """
    drawn = roster.take(roster.rows(*_roles_of(sealed.shares)))
    people = len(set(drawn.subject.tolist()))
    if (people, _people_digest(drawn)) != (sealed.people, sealed.people_sha256):
        return f"the roster has other people than were sealed ({people:,} now, {sealed.people:,} then)"
    if (len(drawn), _images_digest(drawn)) != (sealed.images, sealed.images_sha256):
        return f"the roster has other images than were sealed ({len(drawn):,} now, {sealed.images:,} then)"
    try:
        again = draw(drawn, sealed.shares, sealed.seed)
    except UsageError as error:
        return f"the sealed shares cannot be drawn ({error})"
    if moved := int((again.role != drawn.role).sum()):
        who = len(set(drawn.subject[again.role != drawn.role].tolist()))
        return f"{moved:,} images of {who:,} people have another role than lots drawn with seed {sealed.seed} give them"
    if _roster_digest(drawn) != sealed.roster_sha256:
        return "the seal states the digest of another roster than its own list, seed and shares give"
    return None


def seal_path(roster: Path) -> Path:
    """Where the seal of a roster lies: beside it."""
    return roster.with_name(f"{roster.stem}.seal.json")


def write_seal(sealed: Seal, path: Path) -> None:
    """Write a seal as JSON, whole or not at all."""
    write_text(path, sealed.model_dump_json(indent=1) + "\n")


def read_seal(path: Path) -> Seal:
    """Read a seal.

    Raises:
        RosterError: it is missing, or no seal of this version.
    """
    try:
        with open_file(path) as file:
            content = file.read(LARGEST_SEAL + 1)
    except OSError as error:
        got = f"no readable file ({error.strerror})"
        raise RosterError(str(path), got=got, expected="the seal that bareface split wrote") from error
    if len(content) > LARGEST_SEAL:
        raise RosterError(str(path), got=f"more than {LARGEST_SEAL:,} bytes", expected="a seal, which is short")
    try:
        return Seal.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole"
        got = f"no seal of this version ({field}: {first['msg'].lower()})"
        hint = "the file as bareface split wrote it; a seal that was edited is none"
        raise RosterError(str(path), got=got, expected=f"the format {FORMAT}", hint=hint) from error


def _drawn_people(people: set[str], shares: Shares, seed: int) -> dict[str, Role]:
    """Everybody's role; members stand for all of their photos."""
    order = sorted(people, key=lambda name: (_lot(seed, "person", name), name))
    members, auxiliary = (_rounded(share * len(order)) for share in (shares.members, shares.auxiliary))
    outside = len(order) - members - auxiliary
    if min(members, outside) < FEWEST_PEOPLE:
        raise UsageError(
            "split",
            got=f"{members} members and {max(outside, 0)} people outside, of {len(order)}",
            expected=f"at least {FEWEST_PEOPLE} of each, and 30 or more for an audit that can show something",
            hint="a larger pool, or other shares",
        )
    roles = [Role.MEMBER] * members + [Role.AUXILIARY] * auxiliary + [Role.OUTSIDE] * outside
    return dict(zip(order, roles, strict=True))


def _roles_of(shares: Shares) -> tuple[Role, ...]:
    return (Role.MEMBER, Role.HELDOUT, Role.OUTSIDE) + ((Role.AUXILIARY,) if shares.auxiliary else ())


def _kept_out(photos: int, share: float) -> int:
    """How many of a member's photos are held out."""
    return min(max(_rounded(share * photos), 1), photos - 1) if share else 0


def _rounded(number: float) -> int:
    return int(number + 0.5)


def _lot(seed: int, *names: str) -> int:
    return seed_for(seed, "split", *names)


def _people_digest(roster: Roster) -> str:
    return _digest((name,) for name in set(roster.subject.tolist()))


def _images_digest(roster: Roster) -> str:
    return _digest(zip(roster.subject.tolist(), _composed(roster.image), strict=True))


def _roster_digest(roster: Roster) -> str:
    return _digest(zip(roster.subject.tolist(), _composed(roster.image), roster.role.tolist(), strict=True))


def _composed(images: Iterable[str]) -> list[str]:
    """Image names in NFC: a copy to another file system may change how they are typed."""
    return [unicodedata.normalize("NFC", image) for image in images]


def _digest(rows: Iterable[tuple[str, ...]]) -> str:
    """SHA-256 of rows in their own order; each cell is closed by a sign that no name holds."""
    text = "".join("".join(f"{cell}\0" for cell in row) + "\n" for row in sorted(rows))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
