"""Tar archives as packs: folders of people that were packed up, and WebDataset shards. Nothing is ever unpacked.

What it tests:
The people in an archive, or in all shards of a set.

What the attacker needs:
A `.tar` that is not compressed.

How it works:
In a WebDataset shard the files of one sample share their name up to the first dot: `000017.jpg`, `000017.cls`. The
person is what the `.cls` file says; where a shard has none, it is the folder that the image lies in.

Known limits:
A compressed archive cannot be read image by image.

Reference:
webdataset documentation, "The WebDataset Format".
"""

import mmap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bareface.errors import RosterError
from bareface.faces.decode import BYTE_CAP, Flaw, FlawedImage, printable
from bareface.faces.packs.listing import AGAIN, UNREADABLE, Listing
from bareface.faces.packs.tar_headers import Member, members
from bareface.rosters.image_folders import HIDDEN, IMAGE_SUFFIXES, is_hidden
from bareface.rosters.names import names_of
from bareface.untrusted.regular import open_file

_LONGEST_CLASS = 256


class TarPack:
    """A tar archive, indexed once.

    Args:
        path: of an archive that is not compressed.

    Raises:
        RosterError: it cannot be read, or is no archive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with open_file(path) as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            got = f"a file that cannot be read ({error})"
            raise RosterError(str(path), got=got, expected="a tar archive") from None
        self._members = _by_name(members(self._bytes))

    def read(self, name: str) -> bytes:
        """The bytes of one member.

        Raises:
            FlawedImage: there is none of that name, or it is damaged, too large or a link.
        """
        where, member = f"{self._path}/{name}", self._members.get(name)
        if member is None:
            raise FlawedImage(where, Flaw.UNREADABLE, "not in the archive", "the name of a member")
        if member.flaw:
            flaw = Flaw.TRUNCATED if member.flaw.startswith("cut off") else Flaw.UNREADABLE
            raise FlawedImage(where, flaw, member.flaw, "a whole member of the archive", AGAIN)
        if member.size > BYTE_CAP:
            raise FlawedImage(where, Flaw.TOO_LARGE, f"{member.size:,} bytes", f"at most {BYTE_CAP >> 20} MiB")
        return self._bytes[member.start : member.start + member.size]

    def listing(self) -> Listing:
        """The images by name, and samples without any: examining them records why they are unusable.

        Raises:
            RosterError: the archive holds no image, or does not say who is on one.
        """
        shown = [name for name in sorted(self._members) if not is_hidden(name)]
        hidden = len(self._members) - len(shown)
        images = [name for name in shown if _suffix(name) in IMAGE_SUFFIXES]
        if not images:
            got = f"{len(self._members)} entries, none of them an image"
            raise RosterError(str(self._path), got=got, expected="JPEG, PNG, WebP or BMP images")
        said = {_sample(name): self._class(name) for name in shown if _suffix(name) == ".cls" and self._sound(name)}
        with_image = {_sample(name) for name in images}
        others = {_sample(name): name for name in shown if _sample(name) not in with_image}
        names = sorted([*images, *others.values()])
        subject = [self._person(name, said) for name in names]
        return Listing(
            tuple(names),
            names_of(self._path, "person", subject),
            numbered=bool(said) and all(map(str.isdecimal, said.values())),
            ignored={HIDDEN: hidden} if hidden else {},
        )

    def _person(self, name: str, said: dict[str, str]) -> str:
        person = said.get(_sample(name)) if said else name.rpartition("/")[0].rpartition("/")[2]
        if not person and self._sound(name) and _suffix(name) in IMAGE_SUFFIXES:
            hint = "a manifest (CSV with the columns image, subject, role) that names images as ARCHIVE.tar/NAME"
            got, expected = f"the image {printable(name)} without a person", "a .cls file or a folder for each person"
            raise RosterError(str(self._path), got=got, expected=expected, hint=hint)
        return person or UNREADABLE

    def _sound(self, name: str) -> bool:
        return not self._members[name].flaw

    def _class(self, name: str) -> str:
        text = self.read(name)[:_LONGEST_CLASS].decode("utf-8", "replace").strip()
        if not text:
            raise RosterError(f"{self._path}/{printable(name)}", got="an empty class", expected="a person's number")
        return text


def _by_name(found: Iterable[Member]) -> dict[str, Member]:
    """Members under names that can be paths: relative, without steps up, each once."""
    named: dict[str, Member] = {}
    repeats: Counter[str] = Counter()
    for member in found:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        name = base = "/".join("%2E%2E" if part == ".." else part for part in parts) or "nameless"
        while name in named:
            repeats[base] += 1
            stem = base[: len(base) - len(_suffix(base))]
            name = f"{stem}~{repeats[base] + 1}{base[len(stem) :]}"
        named[name] = member
    return named


def _sample(name: str) -> str:
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.partition(".")[0]


def _suffix(name: str) -> str:
    _, dot, last = name.rpartition(".")
    return (dot + last).lower() if dot and "/" not in last else ""
