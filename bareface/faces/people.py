"""Rosters out of what people have: a folder of people, a pack, or a folder of packs."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.decode import begins_as_picture, printable
from bareface.faces.packs.listing import Listing
from bareface.faces.packs.pack import format_of, is_pack, open_pack, suffixes
from bareface.rosters.image_folders import is_picture, refuse_links
from bareface.rosters.roster import Ignored, Roster, read_folder
from bareface.untrusted.regular import is_file, is_folder, is_there
from bareface.vocabulary import Role


def read_people(path: Path | str, role: str, *, links: bool = False) -> Roster:
    """The images at a path, all in one role.

    Args:
        path: a folder of subject/image files; a `.rec`, `.tar` or `.lmdb` pack; or a folder with one `.rec` or
            `.lmdb`, or with any number of `.tar` shards, in it.
        role: what the images were to the target.
        links: whether symbolic links in a folder may lead out of it.

    Numbered people of a pack (labels of RecordIO, classes of WebDataset) mean somebody only there. Members and held
    out photos are of the same people, so their numbers are taken to mean the same; the numbers of any other role
    get its name in front, because whoever is `outside` is none of the members.

    Raises:
        RosterError: there is nothing there, or it does not say who is on the images.
        UsageError: reading a pack takes a package that is not installed.
    """
    path = Path(path)
    if is_pack(path):
        return _roster(path.parent, {path.name: open_pack(path).listing()}, role)
    if not is_there(path):
        expected = f"a folder of people, or a {suffixes()} pack"
        raise RosterError(str(path), got="no such file or folder", expected=expected)
    if not is_folder(path):
        open_pack(path)  # says what is wrong with it
    if is_file(path / "meta" / "sizes"):
        got, hint = (
            "a bcolz array: decoded pixels without people",
            "bareface verify with the .bin that it was made from",
        )
        raise RosterError(str(path), got=got, expected="a folder of people, or a pack", hint=hint)
    packs = _packs_in(path)
    if not packs:
        return read_folder(path, role, links=links)
    if not links:
        refuse_links(path, [pack.name for pack in packs], path)
    return _roster(path, {pack.name: open_pack(pack).listing() for pack in packs}, role)


def only_pictures(people: Roster) -> Roster:
    """The same people less the files of a folder that are no pictures by their first bytes, which are counted.

    An audit names each of them with its reason; whoever draws images by lot leaves them aside before.
    """
    if is_pack(people.root / people.image[0].partition("/")[0]):
        return people
    usable = np.array([begins_as_picture(path) for path in people.paths], dtype=bool)
    if usable.all():
        return people
    first = people.image[int(np.flatnonzero(~usable)[0])]
    kind = f"files that are no JPEG, PNG, WebP or BMP picture, the first is {printable(first)}"
    role = str(people.role[0])
    kept = people.take(usable)
    return replace(kept, ignored=(*kept.ignored, Ignored(role, kind, int((~usable).sum()))))


def _packs_in(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir())
    packs = [path for path in inside if is_pack(path)]
    if len(packs) > 1 and not _one_set(packs):
        got = f"{len(packs)} packs, {packs[0].name} and {packs[1].name} among them"
        hint = "naming one of them instead of their folder"
        raise RosterError(str(folder), got=got, expected="one pack, or the .tar shards of one set", hint=hint)
    if packs and any(_has_images(path) for path in inside if path not in packs):
        got = f"the pack {packs[0].name} beside folders of images"
        raise RosterError(str(folder), got=got, expected="one or the other", hint=f"naming {packs[0].name} itself")
    return packs


def _one_set(packs: list[Path]) -> bool:
    """Whether packs are the shards of one set, all of one format that is kept in shards."""
    kinds = {format_of(path) for path in packs}
    return len(kinds) == 1 and all(kind is not None and kind.in_shards for kind in kinds)


def _has_images(path: Path) -> bool:
    return path.is_dir() and any(is_picture(file.name) for file in path.iterdir())


def _roster(root: Path, listings: dict[str, Listing], role: str) -> Roster:
    image = tuple(f"{pack}/{name}" for pack, listing in listings.items() for name in listing.names)
    subject = np.concatenate([_subject(listing, role) for listing in listings.values()])
    counts = sum((Counter(listing.ignored) for listing in listings.values()), Counter[str]())
    ignored = tuple(Ignored(str(role), kind, count) for kind, count in counts.items())
    return Roster(root, image, subject, np.full(len(image), role), ignored)


def _subject(listing: Listing, role: str) -> NDArray[np.str_]:
    if not listing.numbered or role in (Role.MEMBER, Role.HELDOUT):
        return listing.subject
    return np.char.add(f"{role} ", listing.subject)
