"""People as they are named on the command line: a manifest, a folder of people, or a pack."""

from pathlib import Path

import typer

from bareface.errors import RosterError
from bareface.faces.packs.pack import is_pack
from bareface.faces.people import only_pictures, read_people
from bareface.rosters.roster import Roster, read_manifest
from bareface.untrusted.regular import is_folder
from bareface.vocabulary import Role


def people_at(
    path: Path, role: str | None = None, *, otherwise: str = Role.PUBLIC, links: bool = False, pictures: bool = False
) -> Roster:
    """The images that a manifest, a folder or a pack lists.

    Args:
        path: where they are.
        role: only those of a manifest in this role; None = all of them.
        otherwise: the role that images of a folder or a pack get.
        links: whether symbolic links may lead out of their folder.
        pictures: whether files of a folder that are no pictures are left aside, for want of somebody who rejects them.

    Raises:
        RosterError: there is nothing there, nothing in that role, or a folder was asked for a role.
    """
    if is_folder(path) or is_pack(path):
        if role is not None:
            got, hint = f"the role {role} of a folder or pack", "leaving the role out"
            raise RosterError(str(path), got=got, expected="a CSV or Parquet manifest, which has roles", hint=hint)
        found = read_people(path, otherwise, links=links)
        found = only_pictures(found) if pictures else found
        say_ignored(found)
        return found
    listed = read_manifest(path, links=links)
    if role is None:
        return listed
    if not len(listed.rows(role)):
        have = ", ".join(listed.head_count())
        raise RosterError(str(path), got=f"no image in the role {role}", expected=f"one of {have}")
    return listed.take(listed.rows(role))


def say_ignored(people: Roster) -> None:
    """Say on stderr what lay beside the images and was left aside; nothing if there was nothing."""
    for one in people.ignored:
        typer.echo(f"left aside: {one.count:,} {one.kind}", err=True)
