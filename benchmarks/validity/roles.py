"""Verdicts where people stand in roles that are not theirs: python -m benchmarks.validity.roles [--audits 40]

Rendered people, other ones in each audit; whole audits, from files to the verdict. The audited backbone was trained on
other people, so every LEAK SHOWN is false. Nothing is told of how membership came about. One row for each mistake.
"""

import argparse
import json
import shutil
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bareface.auditing.api import audit
from bareface.bench.world import TRAINING
from bareface.errors import RosterError
from bareface.faces.images import RosterImages
from bareface.rosters.roster import Roster
from bareface.settings.recipe import ShadowSettings
from bareface.storage.files import write_text
from bareface.synthetic import write_folder
from bareface.targets.target import Target
from bareface.training.train import train
from bareface.vocabulary import Knowledge, Role, Verdict
from benchmarks.tables import rate

HOME = Path("runs/validity/roles")
SIDE, PHOTOS, SEED = 30, 3, 20261130
SIZE = TRAINING.spec.height
SHADOWS = ShadowSettings(count=1, train=replace(TRAINING, epochs=10))
ATTACKS = ("bn-distance-variance", "sslmem", "lira", "bavaria")
REFUSED = "refused"

Rows = list[tuple[str, str]]
"""Images and the names of the people on them."""


@dataclass(frozen=True)
class Asked:
    """What a user brings: people in roles, and how the audit is asked.

    Attributes:
        people: by role.
        foreign: the foreign model; None = the first shadow.
        is_shadowed: whether a shadow is trained on the auxiliary people.
        knowledge: settings of prior knowledge.
    """

    people: dict[Role, Rows]
    foreign: Target | None
    is_shadowed: bool = False
    knowledge: tuple[Knowledge, ...] = ("partial",)


@dataclass(frozen=True)
class World:
    """The people of one audit, by lot members and outsiders, and two backbones that saw none of them.

    Attributes:
        folder: a subfolder for each kind of people.
        number: of the audit; every number has other people.
        target, foreign: the backbones.
    """

    folder: Path
    number: int
    target: Target
    foreign: Target

    def people(self, kind: str, block: int, *, people: int = SIDE, photos: int = PHOTOS) -> Rows:
        """People who are rendered here; a block is a hundred identities."""
        first = 100 * (10 * self.number + block)
        return _rendered(self.folder, kind, people, photos, first)

    @property
    def members(self) -> Rows:
        """Thirty people who were never trained on, in the role of members."""
        return self.people("members", 1)

    @property
    def outside(self) -> Rows:
        """Thirty others."""
        return self.people("outside", 2)

    def copies(self, rows: Rows, kind: str) -> Rows:
        """The same files once more, under other names."""
        for image, _ in rows:
            (self.folder / kind / image).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / image, self.folder / kind / image)
        return [(f"{kind}/{image}", f"{kind} {name}") for image, name in rows]


def clean(world: World) -> Asked:
    """Everybody in place, for comparison."""
    auxiliary = world.people("auxiliary", 3)
    people = {Role.MEMBER: world.members, Role.OUTSIDE: world.outside, Role.AUXILIARY: auxiliary}
    return Asked(people, None, is_shadowed=True, knowledge=("partial", "shadow"))


def outsiders_teach(world: World) -> Asked:
    """Byte copies of all outside images, under other names, among the people who train the shadow."""
    outside = world.outside
    auxiliary = world.people("auxiliary", 3) + world.copies(outside, "copies")
    people = {Role.MEMBER: world.members, Role.OUTSIDE: outside, Role.AUXILIARY: auxiliary}
    return Asked(people, None, is_shadowed=True, knowledge=("partial", "shadow"))


def members_are_public(world: World) -> Asked:
    """Byte copies of all training images among the public people, whom statistics and non-members are taken of."""
    members = world.members
    public = world.people("public", 3) + world.copies(members, "copies")
    people = {Role.MEMBER: members, Role.OUTSIDE: world.outside, Role.PUBLIC: public}
    return Asked(people, world.foreign, knowledge=("partial", "nonmembers"))


def foreign_knows_members(world: World) -> Asked:
    """The foreign model was trained on the members."""
    members = world.members
    return Asked({Role.MEMBER: members, Role.OUTSIDE: world.outside}, trained_on(members, world.folder, "knows"))


def foreign_knows_outsiders(world: World) -> Asked:
    """The foreign model was trained on the outsiders."""
    outside = world.outside
    return Asked({Role.MEMBER: world.members, Role.OUTSIDE: outside}, trained_on(outside, world.folder, "knows"))


def strangers_held_out(world: World) -> Asked:
    """The held-out people are other people, from a darker archive."""
    heldout = world.people("heldout", 3)
    for image, _ in heldout:
        with Image.open(world.folder / image) as opened:
            darker = opened.point([round(255 * (value / 255) ** 1.2) for value in range(256)] * 3)
        darker.save(world.folder / image)
    people = {Role.MEMBER: world.members, Role.OUTSIDE: world.outside, Role.HELDOUT: heldout}
    return Asked(people, world.foreign)


def two_spellings_a_person(world: World) -> Asked:
    """Half of each person's photos go by the name composed (NFC), half by it decomposed (NFD)."""
    sides = {Role.MEMBER: world.members, Role.OUTSIDE: world.outside}
    people = {role: [_spelt(row, bool(n % 2)) for n, row in enumerate(rows)] for role, rows in sides.items()}
    return Asked(people, world.foreign)


def two_spellings_on_two_sides(world: World) -> Asked:
    """The members' other photos are outside, their names decomposed."""
    rows = world.people("members", 1, photos=2 * PHOTOS)
    inside, others = rows[::2], [_spelt(row, True) for row in rows[1::2]]
    return Asked({Role.MEMBER: inside, Role.OUTSIDE: others}, world.foreign)


ROWS: dict[str, Callable[[World], Asked]] = {
    made.__name__.replace("_", " "): made
    for made in (
        clean, outsiders_teach, members_are_public, foreign_knows_members, foreign_knows_outsiders, strangers_held_out,
        two_spellings_a_person, two_spellings_on_two_sides,
    )
}  # fmt: skip


def trained_on(rows: Rows, folder: Path, name: str) -> Target:
    """A backbone that knows these people."""
    images = RosterImages(_roster(folder, {Role.MEMBER: rows}), SIZE, SIZE)
    labels = np.unique([who for _, who in rows], return_inverse=True)[1].astype(np.int64)
    return train(images, labels, TRAINING, folder / name)


def outcome(make: Callable[[World], Asked], number: int, target: Target, foreign: Target) -> dict[str, Any]:
    """One audit: its verdict or refusal, which games were played, and the largest AUC."""
    with tempfile.TemporaryDirectory() as home:
        asked = make(World(Path(home), number, target, foreign))
        try:
            found = audit(
                target, _roster(Path(home), asked.people), run=Path(home) / "run", attacks=ATTACKS, seed=number,
                foreign=asked.foreign, knowledge=asked.knowledge, assignment="observational", selfcheck="skip",
                shadow=SHADOWS if asked.is_shadowed else None, planted_leaks=0,
            )  # fmt: skip
        except RosterError as refused:
            return {"verdict": REFUSED, "said": str(refused), "games": [], "causes": []}
    return {
        "verdict": str(found.verdict),
        "games": sorted({finding.game for finding in found.findings}),
        "causes": sorted({finding.cause for finding in found.findings if finding.cause}),
    }


def audits(name: str, count: int, target: Target, foreign: Target) -> list[dict[str, Any]]:
    """The outcomes of a row; those that are there already are not made again."""
    path = HOME / f"{name.replace(' ', '-')}.json"
    known = json.loads(path.read_text()) if path.exists() else []
    for number in range(len(known), count):
        known.append(outcome(ROWS[name], number, target, foreign))
        write_text(path, json.dumps(known))
    return known[:count]


def line(name: str, known: list[dict[str, Any]]) -> str:
    """A row of the table."""
    counts = Counter(one["verdict"] for one in known)
    cells = [rate(counts[str(Verdict.LEAK_SHOWN)], len(known))]
    cells += [str(counts[what]) for what in (str(Verdict.INVALID), REFUSED)]
    told = (sorted({word for one in known for word in one[key]}) for key in ("games", "causes"))
    return f"| {name} | {len(known)} | {' | '.join([*cells, *map(', '.join, told)])} |"


def _rendered(folder: Path, kind: str, people: int, photos: int, first: int) -> Rows:
    write_folder(folder / kind, people=people, images=photos, size=SIZE, seed=SEED, first_identity=first)
    found = sorted((folder / kind).rglob("*.png"))
    return [(str(path.relative_to(folder)), f"Zo\u00eb {path.parent.name}") for path in found]


def _spelt(row: tuple[str, str], decomposed: bool) -> tuple[str, str]:
    return row[0], unicodedata.normalize("NFD" if decomposed else "NFC", row[1])


def _roster(folder: Path, people: dict[Role, Rows]) -> Roster:
    image, name, role = zip(*((*row, str(role)) for role, rows in people.items() for row in rows), strict=True)
    return Roster(folder, image, np.array(name), np.array(role))


def _backbone(name: str, block: int) -> Target:
    """One that is the same for all audits."""
    folder = HOME / name
    if not folder.exists():
        folder.mkdir(parents=True)
        _rendered(folder, "people", 200, 8, 1_000_000 + 100 * block)
    rows = [(str(path.relative_to(folder)), path.parent.name) for path in sorted((folder / "people").rglob("*.png"))]
    return trained_on(rows, folder, "backbone")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="", help="only rows with this in their name")
    parser.add_argument("--audits", type=int, default=40)
    asked = parser.parse_args()
    target, foreign = _backbone("target", 0), _backbone("foreign", 1)
    print("| roster | audits | LEAK SHOWN | INVALID | refused | games | why INVALID |\n|---|---|---|---|---|---|---|")
    for name in (name for name in ROWS if asked.rows in name):
        print(line(name, audits(name, asked.audits, target, foreign)), flush=True)


if __name__ == "__main__":
    main()
