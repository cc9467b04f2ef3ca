"""What a pack is to the rest of the house: a folder in one file.

A record of a pack has a path like any image: `train.rec/17`, `shard-003.tar/ada/1.jpg`. So rosters, manifests,
reports and rejects know nothing of packs; only `Contents` looks into them (design/0006).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.untrusted.regular import is_file

UNREADABLE = "unreadable"
AGAIN = "copying the pack again, or a manifest (CSV with the columns image, subject, role) without this image"
"""What to try where one of its images is damaged."""
_NO_PACKS = {
    ".bin": ("a verification pack, which has pairs but no people", "bareface verify"),
    ".gz": ("a compressed archive", "gunzip FILE: without it, no image can be read before all that stand before it"),
    ".tgz": ("a compressed archive", "gunzip FILE: without it, no image can be read before all that stand before it"),
    ".zip": ("a zip archive", "unpacking it into FOLDER/<person>/<image>"),
}


@dataclass(frozen=True)
class Listing:
    """The images of a pack, and the people on them.

    Attributes:
        names: n names, each once, without those of parts that hold no image.
        subject: (n,) who is on the image; `UNREADABLE` where damage hides it.
        numbered: whether the people are numbers that mean somebody within this pack only.
        ignored: kind -> how many entries were left aside.
    """

    names: tuple[str, ...]
    subject: NDArray[np.str_]
    numbered: bool
    ignored: Mapping[str, int] = field(default_factory=dict)


class Pack(Protocol):
    """Many encoded images in one file, each under a name."""

    def read(self, name: str) -> bytes:
        """The bytes of one image, as they were put in.

        Raises:
            FlawedImage: there is none of that name, or what holds it is damaged.
        """

    def listing(self) -> Listing:
        """The images, damaged ones included, in an order that depends on their names only.

        Raises:
            RosterError: the pack does not say who is on its images, or holds none.
        """


def is_pack(path: Path) -> bool:
    """Whether a path is a pack of a kind that can be opened, by its name (an LMDB folder: by what lies in it)."""
    return _kind(path) is not None


def open_pack(path: Path) -> Pack:
    """The pack at a path, open for reading from any thread.

    Raises:
        RosterError: it is none, is damaged as a whole, or is of a kind that cannot be read image by image.
        UsageError: reading its kind takes a package that is not installed.
    """
    match _kind(path):
        case "rec":
            from bareface.faces.packs.record_pack import RecordPack

            return RecordPack(path)
        case "tar":
            from bareface.faces.packs.tar import TarPack

            return TarPack(path)
        case "lmdb":
            from bareface.faces.packs.lightning import LightningPack

            return LightningPack(path)
    got, hint = _NO_PACKS.get(path.suffix.lower(), ("a file of another kind", ""))
    raise RosterError(str(path), got=got, expected="a .rec, .tar or .lmdb pack", hint=hint)


def _kind(path: Path) -> str | None:
    if is_file(path / "data.mdb"):
        return "lmdb"
    suffix = path.suffix.lower()
    return suffix[1:] if suffix in (".rec", ".tar", ".lmdb") and is_file(path) else None
