"""What a pack is to the rest of the house: a folder in one file.

A record of a pack has a path like any image: `train.rec/17`, `shard-003.tar/ada/1.jpg`. So rosters, manifests,
reports and rejects know nothing of packs; only `Contents` looks into them (design/0006).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bareface.errors import RosterError
from bareface.faces.packs.listing import Pack
from bareface.registry import Plugin, Registry
from bareface.untrusted.regular import is_file

_NO_PACKS = {
    ".bin": ("a verification pack, which has pairs but no people", "bareface verify"),
    ".gz": ("a compressed archive", "gunzip FILE: without it, no image can be read before all that stand before it"),
    ".tgz": ("a compressed archive", "gunzip FILE: without it, no image can be read before all that stand before it"),
    ".zip": ("a zip archive", "unpacking it into FOLDER/<person>/<image>"),
}


@dataclass(frozen=True)
class Format(Plugin):
    """A way to keep many images of people in one file. Its page is the docstring of its reader's module.

    Attributes:
        name: of the format.
        suffixes: how its files are called, with the dot, in small letters.
        open: the pack at a path; raises what `open_pack` raises.
        inside: a file by which a folder is known to be such a pack, whatever it is called; empty = none is.
        in_shards: whether several such files in a folder are one set.
        home: the module that has its page.
    """

    name: str  # type: ignore[misc]
    suffixes: tuple[str, ...]
    open: Callable[[Path], Pack]
    inside: str = ""
    in_shards: bool = False
    home: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home or self.open.__module__)

    def owns(self, path: Path) -> bool:
        """Whether a path is such a pack, by its name; a folder by what lies in it."""
        if self.inside and is_file(path / self.inside):
            return True
        return path.suffix.lower() in self.suffixes and is_file(path)


def _record(path: Path) -> Pack:
    from bareface.faces.packs.record_pack import RecordPack

    return RecordPack(path)


def _tar(path: Path) -> Pack:
    from bareface.faces.packs.tar import TarPack

    return TarPack(path)


def _lightning(path: Path) -> Pack:
    from bareface.faces.packs.lightning import LightningPack

    return LightningPack(path)


_HERE = "bareface.faces.packs"
_OURS = (
    Format("rec", (".rec",), _record, home=f"{_HERE}.record_pack"),
    Format("tar", (".tar",), _tar, in_shards=True, home=f"{_HERE}.tar"),
    Format("lmdb", (".lmdb",), _lightning, inside="data.mdb", home=f"{_HERE}.lightning"),
)
FORMATS: Final = Registry[Format]("format", "bareface.formats", Format, lambda: _OURS)


def format_of(path: Path) -> Format | None:
    """The format of a path, by its name, or for a folder by what lies in it; None where it is no pack."""
    return next((one for one in FORMATS.available().values() if one.owns(path)), None)


def suffixes() -> str:
    """How packs are called, in words: `.rec, .tar or .lmdb`."""
    *first, last = [suffix for one in FORMATS.available().values() for suffix in one.suffixes]
    return f"{', '.join(first)} or {last}"


def is_pack(path: Path) -> bool:
    """Whether a path is a pack of a kind that can be opened."""
    return format_of(path) is not None


def open_pack(path: Path) -> Pack:
    """The pack at a path, open for reading from any thread.

    Raises:
        RosterError: it is none, is damaged as a whole, or is of a kind that cannot be read image by image.
        UsageError: reading its kind takes a package that is not installed.
    """
    kind = format_of(path)
    if kind is not None:
        return kind.open(path)
    got, hint = _NO_PACKS.get(path.suffix.lower(), ("a file of another kind", ""))
    raise RosterError(str(path), got=got, expected=f"a {suffixes()} pack", hint=hint)
