"""The bytes behind the image paths of rosters, whether they lie in files or in packs.

This is the one place that looks into packs (design/0006). Everything above it, from the roster to the report, sees
paths; everything below it, the one decoder, sees bytes.
"""

from pathlib import Path
from threading import Lock

from bareface.errors import RosterError
from bareface.faces.decode import Flaw, FlawedImage, read_file
from bareface.faces.packs.listing import Pack
from bareface.faces.packs.pack import is_pack, open_pack
from bareface.untrusted.regular import is_there


class Contents:
    """Reads images by path and keeps the packs that it opened; safe to use from several threads."""

    def __init__(self) -> None:
        self._packs: dict[Path, Pack] = {}
        self._inside: dict[Path, tuple[Pack, str] | None] = {}
        self._lock = Lock()

    def read(self, path: Path) -> bytes:
        """The bytes of an image: of the file at `path`, or of the record that `path` names inside a pack.

        Raises:
            FlawedImage: there is none, it is damaged, or it is larger than 64 MiB.
        """
        folder = path.parent
        if folder not in self._inside:
            with self._lock:
                self._inside[folder] = self._place(folder)
        place = self._inside[folder]
        if place is None:
            return read_file(path)
        pack, prefix = place
        return pack.read(prefix + path.name)

    def _place(self, folder: Path) -> tuple[Pack, str] | None:
        """The pack that a folder lies in and the folder's name inside it; None for a folder of the file system."""
        pack = next((up for up in (folder, *folder.parents) if is_there(up)), folder)
        if not is_pack(pack):
            return None
        if pack not in self._packs:
            try:
                self._packs[pack] = open_pack(pack)
            except RosterError as error:
                raise FlawedImage(str(pack), Flaw.UNREADABLE, error.got, error.expected) from error
        inside = folder.relative_to(pack).as_posix()
        return self._packs[pack], "" if inside == "." else f"{inside}/"
