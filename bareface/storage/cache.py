"""What was made once and serves several runs: artefacts by the key of all that they depend on.

A run folder stays whole: what the cache has is linked into it (copied, where links are not to be had), and what the run
made is linked into the cache. Digests lie beside the files and come along, so that whoever reads a file in the run
folder finds damage there, makes the file again, and gives the cache the new one. Nothing is read in the cache itself,
and all of it may be deleted at any time.
"""

import logging
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from bareface.storage.artefacts import Fit, fit_of
from bareface.storage.folders import subfolder

CACHE = ".bareface-cache"
"""What it is called where it lies beside runs."""
_OWN_FOLDER = 0o700  # answers about faces are in it

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cache:
    """Folders of artefacts by kind and key.

    Attributes:
        folder: where they lie; None = nothing is shared.
        lends: whether what is there is used; a run that starts over only keeps what it makes.
    """

    folder: Path | None = None
    lends: bool = True

    def lend(self, kind: str, key: str, home: Path) -> None:
        """Put what there is under a key into a folder of a run; files that lie there are left as they are.

        Args:
            kind: of artefact, as in `trace`.
            key: of all that it depends on.
            home: a folder, or the name of one, in a folder that exists.

        Raises:
            RunError: `home` cannot be written.
        """
        there = self._files(kind, key)
        if not there:
            return
        subfolder(home)
        for path in there:
            if not (home / path.name).exists():
                _link(path, home / path.name)

    def keep(self, kind: str, key: str, home: Path) -> None:
        """Keep what lies in a folder of a run under a key; that a cache cannot be written is said, and no error."""
        if self.folder is None:
            return
        place = self.folder / kind / key
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=_OWN_FOLDER)
            place.mkdir(parents=True, exist_ok=True)
            for path in _ours(home):
                if not _is_kept(path, place / path.name):
                    _link(path, place / path.name)
        except OSError as error:
            _log.warning("%s cannot be kept for other runs (%s)", place, error.strerror or error)

    def _files(self, kind: str, key: str) -> list[Path]:
        place = None if self.folder is None or not self.lends else self.folder / kind / key
        return _ours(place) if place is not None and place.is_dir() else []


@dataclass(frozen=True)
class Room:
    """The folder that something works in, and what it shares with others.

    Attributes:
        folder: where its artefacts go.
        cache: of finished ones.
    """

    folder: Path
    cache: Cache = Cache()


def _ours(folder: Path) -> list[Path]:
    """Files, digests first, as artefacts are written; no locks, nothing half written, nothing set aside."""
    found = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    kept = [path for path in found if not path.name.startswith(".") and not path.name.endswith(".unfit")]
    return sorted(kept, key=lambda path: (path.suffix != ".sha256", path.name))


def _is_kept(path: Path, kept: Path) -> bool:
    """Whether the cache has this very file, or a sound copy of it."""
    if not kept.exists():
        return False
    return path.samefile(kept) or (_same_bytes(path, kept) and fit_of(kept) in (Fit.SOUND, Fit.UNSIGNED))


def _same_bytes(path: Path, other: Path) -> bool:
    return path.stat().st_size == other.stat().st_size and path.read_bytes() == other.read_bytes()


def _link(path: Path, to: Path) -> None:
    """A second name for a file, in place of what stands under it; a copy where the file system has no such names."""
    temporary = to.with_name(f".{to.name}.{secrets.token_hex(6)}.tmp")
    try:
        try:
            os.link(path, temporary)
        except OSError:  # another file system, one without links, or too many of them
            shutil.copyfile(path, temporary)
            shutil.copymode(path, temporary)
        os.replace(temporary, to)
    finally:
        temporary.unlink(missing_ok=True)
