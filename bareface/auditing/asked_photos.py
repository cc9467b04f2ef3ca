"""Photos that one person brings, looked at as a finished audit looked at its images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.as_audited import examined_as_audited
from bareface.auditing.overlap.near_duplicates import near_duplicates, pictures_of
from bareface.errors import RosterError
from bareface.faces.examine import Examination
from bareface.rosters.image_folders import pictures_below, refuse_links
from bareface.rosters.roster import Roster
from bareface.vocabulary import Role

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Photos:
    """Photos of one person, examined.

    Attributes:
        seen: the usable ones, each once.
        brought, repeated: how many there were, and how many of them are copies, perhaps recompressed or mirrored.
        rejected: why some cannot be used.
        digests: of all usable files, copies among them.
    """

    seen: Examination
    brought: int
    repeated: int
    rejected: tuple[str, ...]
    digests: NDArray[np.str_]


def photos_of(folder: Path, config: Mapping[str, Any], faces: Path, *, links: bool = False) -> Photos:
    """The photos of one person in a folder, copies once, looked at as an audit looked at its images.

    Args:
        folder: of the photos.
        config: of the audit: whether faces were cut out of raw photos, and by which networks.
        faces: the folder in which faces that are cut out go into one of their own.
        links: whether photos may lie behind links that leave the folder.

    Raises:
        RosterError: there is no picture in it, or pictures lie in folders inside it, or behind links that leave it.
        UsageError: the audit cut faces out, and the networks for it are others here, or not installed.
    """
    if not folder.is_dir():
        raise RosterError(str(folder), got="no such folder", expected="a folder of one person's photos")
    names = pictures_below(folder).images
    deeper = [name for name in names if "/" in name]
    if deeper or not names:
        got = f"{len(deeper)} pictures in folders inside it" if deeper else "no picture"
        hint = "one query for each person" if deeper else "JPEG, PNG, WEBP or BMP files"
        raise RosterError(str(folder), got=got, expected="the photos of one person, side by side", hint=hint)
    if not links:
        refuse_links(folder, names, folder)
    asked = Roster(folder, names, np.full(len(names), "who asks"), np.full(len(names), str(Role.PUBLIC)))
    seen = examined_as_audited(asked, config, faces)
    once = _each_once(seen)
    rejected = tuple(f"{reject.reason}: {reject.image}" for reject in seen.rejects)
    return Photos(seen.take(once), len(names), len(seen.digest) - len(once), rejected, seen.digest)


def _each_once(seen: Examination) -> Rows:
    """Rows without copies: copies agree with each other more than photos do, and look like memory."""
    once = np.sort(np.unique(seen.digest, return_index=True)[1])
    pictures = pictures_of(seen.take(once))
    alike = near_duplicates(pictures, pictures)
    twice = alike.first != alike.second
    return np.delete(once, np.unique(np.maximum(alike.first, alike.second)[twice]))
