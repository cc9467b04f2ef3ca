"""`bareface split`: membership by lot, sealed before training."""

import os
from pathlib import Path

from pydantic import ValidationError

from bareface.cli.people import people_at
from bareface.errors import UsageError
from bareface.faces.packs.pack import is_pack
from bareface.records.numbers import count
from bareface.rosters.assignment import Shares, draw, seal, seal_path, write_seal
from bareface.rosters.roster import Roster, read_list, write_manifest
from bareface.storage.files import sha256_of
from bareface.untrusted.regular import is_folder
from bareface.vocabulary import Role


def run_split(
    pool: Path, file: Path, seed: int, *, members: float, heldout: float, auxiliary: float, links: bool = False
) -> str:
    """Draw, write the roster and its seal, and say what was drawn.

    Raises:
        UsageError: the shares are out of bounds, there is such a roster already, or it would not lie above its images.
        RosterError: the pool cannot be read.
    """
    shares = _shares(members=members, heldout=heldout, auxiliary=auxiliary)
    sealed_at = seal_path(file)
    for there in (file, sealed_at):
        if there.exists():
            hint = "another name; a draw that is repeated until it pleases is no draw"
            raise UsageError(str(there), got="a file that is there already", expected="a new one", hint=hint)
    listed = _listed(pool, links)
    drawn = draw(_seen_from(listed, file.parent), shares, seed)
    write_manifest(drawn, file)
    write_seal(seal(drawn, shares, seed), sealed_at)
    return _told(drawn, file, sealed_at)


def _listed(pool: Path, links: bool) -> Roster:
    """Whoever may be drawn: of a folder, its pictures; what else lies there is told of."""
    if not (is_folder(pool) or is_pack(pool)):
        return read_list(pool, links=links)
    return people_at(pool, otherwise=Role.MEMBER, links=links, pictures=True)


def _shares(**given: float) -> Shares:
    try:
        return Shares(**given)
    except ValidationError as error:
        first = error.errors()[0]
        expected = first["msg"].removeprefix("Input should be ")
        raise UsageError(f"--{first['loc'][0]}", got=str(first["input"]), expected=f"a share {expected}") from error


def _seen_from(pool: Roster, folder: Path) -> Roster:
    """The same images, by paths that are relative to the folder of the roster."""
    home, root = os.path.abspath(folder), os.path.abspath(pool.root)
    if os.path.commonpath([home, root]) != home:
        raise UsageError(
            "--out",
            got=f"a roster in {home}, whose images lie in {root}",
            expected="a roster in a folder that holds the images: its paths may not leave it",
            hint=f"--out {os.path.join(os.path.dirname(root), 'roster.csv')}",
        )
    inside = os.path.relpath(root, home)
    image = tuple(os.path.normpath(os.path.join(inside, image)) for image in pool.image)
    return Roster(folder, image, pool.subject, pool.role, pool.ignored)


def _told(drawn: Roster, file: Path, sealed_at: Path) -> str:
    counts = ", ".join(
        f"{role} {count(people, 'person', 'people')} with {count(images, 'image')}"
        for role, (people, images) in drawn.head_count().items()
    )
    return (
        f"drawn: {counts}\nroster: {file}\nseal: {sealed_at} (SHA-256 {sha256_of(sealed_at)})\n"
        "Train on the role member alone. Give the seal, or its SHA-256, to somebody else before training: its date is "
        f"only as good as that.\nbareface train {file} --role member -o ..."
    )
