"""LMDB folders and files as packs, through the `lmdb` package (`pip install "bareface[lmdb]"`).

What it tests:
The people of an LMDB of encoded images.

What the attacker needs:
An LMDB folder or file that comes from people you trust.

How it works:
Two layouts are read, both with the bytes of image files as values: keys that are paths, `<person>/<image>`, and
numbered pairs, `image-000000017` and `label-000000017`.

Known limits:
LMDB's own library maps the file and trusts what it finds there, so unlike every other reader of the house this one is
for files from people you trust.

Reference:
The Lightning Memory-Mapped Database, lmdb.readthedocs.io.
"""

from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes
from weakref import WeakValueDictionary

from bareface.errors import RosterError, UsageError
from bareface.faces.decode import BYTE_CAP, Flaw, FlawedImage
from bareface.faces.packs.listing import AGAIN, Listing
from bareface.rosters.image_folders import HIDDEN, is_hidden
from bareface.rosters.names import names_of
from bareface.storage.places import real_path

_PLAIN = "/ !$&'()*+,;=@[]{}~^"
_IMAGE, _LABEL = b"image-", b"label-"
_OPEN: WeakValueDictionary[Path, Any] = WeakValueDictionary()
_OPENING = Lock()
EXPECTED = "an LMDB of encoded images with keys <person>/<image> or image-NUMBER and label-NUMBER"


class LightningPack:
    """An LMDB environment, open for reading without a lock.

    Args:
        path: of the folder, or of its only file.

    Raises:
        UsageError: the `lmdb` package is not installed.
        RosterError: there is no LMDB.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lmdb = path, _library(path)
        self._environment = _opened(path, self._lmdb)

    def read(self, name: str) -> bytes:
        """The bytes under a key.

        Raises:
            FlawedImage: there is no such key, its value is too large for an image, or LMDB cannot read it.
        """
        where, key = f"{self._path}/{name}", unquote_to_bytes(name)
        try:
            value = self._value(key) if key else None
        except self._lmdb.Error as error:
            raise FlawedImage(where, Flaw.UNREADABLE, f"damaged: {error}", "a whole LMDB", AGAIN) from None
        if value is None:
            raise FlawedImage(where, Flaw.UNREADABLE, "no such key", "a key of the LMDB")
        if len(value) > BYTE_CAP:
            raise FlawedImage(where, Flaw.TOO_LARGE, f"{len(value):,} bytes", f"at most {BYTE_CAP >> 20} MiB")
        return value

    def listing(self) -> Listing:
        """The images by key; keys that begin with two underscores (`__len__`, `__keys__`) are about the LMDB itself.

        Raises:
            RosterError: the keys follow neither layout, or LMDB cannot read them.
        """
        try:
            with self._environment.begin() as transaction:
                found = [key for key in transaction.cursor().iternext(values=False) if not key.startswith(b"__")]
            numbered = any(key.startswith(_IMAGE) for key in found)
            shown = found if numbered else [key for key in found if not is_hidden(key.decode("utf-8", "replace"))]
            keys = [key for key in found if key.startswith(_IMAGE)] if numbered else shown
            people = [self._label(key) if numbered else _folder(key) for key in keys]
        except self._lmdb.Error as error:
            raise _damaged(self._path, error) from None
        nobody = next((key for key, person in zip(keys, people, strict=True) if not person), None)
        if not keys or nobody is not None:
            got = f"the key {_name(nobody)!r}, which names no person" if nobody else "no images"
            hint = "a manifest (CSV with the columns image, subject, role) that names images as FOLDER.lmdb/KEY"
            raise RosterError(str(self._path), got=got, expected=EXPECTED, hint=hint)
        hidden = {HIDDEN: len(found) - len(shown)} if len(found) > len(shown) else {}
        names = tuple(_name(key) for key in keys)
        return Listing(names, names_of(self._path, "person", people), numbered, hidden)

    def _value(self, key: bytes) -> bytes | None:
        with self._environment.begin() as transaction:
            value: bytes | None = transaction.get(key)
        return value

    def _label(self, image: bytes) -> str:
        return (self._value(_LABEL + image.removeprefix(_IMAGE)) or b"")[:256].decode("utf-8", "replace").strip()


def _library(path: Path) -> ModuleType:
    try:
        import lmdb
    except ImportError:
        hint = 'pip install "bareface[lmdb]"'
        raise UsageError(str(path), got="an LMDB", expected="the lmdb package to read it", hint=hint) from None
    return lmdb


def _opened(path: Path, lmdb: ModuleType) -> Any:
    """The environment at a path: LMDB allows one in a process, so everybody who reads it shares it."""
    with _OPENING:
        environment = _OPEN.get(real_path(path))
        if environment is None:
            try:
                environment = lmdb.open(str(path), subdir=path.is_dir(), readonly=True, lock=False, create=False)
            except lmdb.Error as error:
                raise _damaged(path, error) from None
            _refuse_cut_off(path, environment)
            _OPEN[real_path(path)] = environment
    return environment


def _refuse_cut_off(path: Path, environment: Any) -> None:
    """LMDB would map pages that are not there, and the process would be killed on touching one."""
    whole = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    there = (path / "data.mdb" if path.is_dir() else path).stat().st_size
    if there < whole:
        raise _damaged(path, f"cut off at byte {there:,} of {whole:,}")


def _damaged(path: Path, error: object) -> RosterError:
    return RosterError(str(path), got=f"no whole LMDB ({error})", expected=EXPECTED, hint="copying it again")


def _folder(key: bytes) -> str:
    return key.rpartition(b"/")[0].rpartition(b"/")[2].decode("utf-8", "backslashreplace")


def _name(key: bytes) -> str:
    """The key as a relative path, from which `unquote_to_bytes` gives it back."""
    name = quote_from_bytes(key, _PLAIN)
    if any(part in ("", ".", "..") for part in name.split("/")):
        return quote_from_bytes(key, "").replace(".", "%2E")
    return name
