"""People as they are named on the command line: a manifest, a folder of people, or a pack."""

from pathlib import Path

from bareface.errors import RosterError
from bareface.faces.packs.pack import is_pack
from bareface.faces.people import read_people
from bareface.roster import Role, Roster, read_manifest


def people_at(path: Path, role: str | None = None, *, otherwise: str = Role.PUBLIC) -> Roster:
    """The images that a manifest, a folder or a pack lists.

    Args:
        path: where they are.
        role: only those of a manifest in this role; None = all of them.
        otherwise: the role that images of a folder or a pack get.

    Raises:
        RosterError: there is nothing there, nothing in that role, or a folder was asked for a role.
    """
    if path.is_dir() or is_pack(path):
        if role is not None:
            got, hint = f"the role {role} of a folder or pack", "leaving the role out"
            raise RosterError(str(path), got=got, expected="a CSV or Parquet manifest, which has roles", hint=hint)
        return read_people(path, otherwise)
    listed = read_manifest(path)
    if role is None:
        return listed
    if not len(listed.rows(role)):
        have = ", ".join(listed.head_count())
        raise RosterError(str(path), got=f"no image in the role {role}", expected=f"one of {have}")
    return listed.take(listed.rows(role))
