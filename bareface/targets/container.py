"""What a checkpoint file holds: keys, shapes, and where the numbers lie; nothing in it is executed."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError, safe_open

from bareface.errors import CheckpointError
from bareface.targets.sniff import Kind, sniff
from bareface.targets.storages import DTYPES, StaticTensor, Storage
from bareface.targets.tree import FindStorage, TreeBuilder, bytes_of, module_class, storage_of
from bareface.targets.unsafe import holders
from bareface.targets.unwrap import flatten
from bareface.untrusted.json_text import read_json
from bareface.untrusted.opcodes import Call, Name, Persistent, mapped, walk
from bareface.untrusted.walk import TooMuchError

MAX_PICKLE = 256 << 20
# Tied weights are named twice, so tensors may sum to a little more than their file, never to many times it.
MAX_EXPANSION = 4

_LETTERS = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint", "C": "complex"}
_FLOAT8 = {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}


@dataclass(frozen=True)
class StaticFile:
    """A checkpoint file, described.

    Attributes:
        kind: of file.
        tree: nested dicts of `StaticTensor`, scalars and `Opaque`.
        names: every import that its pickle asks for; none in safetensors.
        whole_module: the class of the pickled module, where the file holds one instead of a state_dict.
        holders: import -> key that holds what it would make, for imports that are refused.
    """

    kind: Kind
    tree: object
    names: tuple[Name, ...] = ()
    whole_module: str | None = None
    holders: Mapping[str, str] = field(default_factory=dict)


def read_static(path: Path) -> StaticFile:
    """What the checkpoint at `path` holds.

    Raises:
        CheckpointError: it is no checkpoint, is cut off, or claims more than its bytes can mean.
        UnsafeFileError: it is a program (TorchScript, an exported model, a plain pickle that calls something).
    """
    readers = {"safetensors": _safetensors, "torch zip": _torch_zip, "torch legacy": _torch_legacy}
    return readers[sniff(path)](path)


def _safetensors(path: Path) -> StaticFile:
    try:
        with safe_open(path, framework="numpy"), path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header: Any = read_json(file.read(size))
    except (SafetensorError, ValueError) as error:
        raise _damaged(path, f"a safetensors file that is cut off or damaged ({error})") from None
    header.pop("__metadata__", None)
    tree = {key: _entry(path, entry, 8 + size) for key, entry in header.items()}
    return StaticFile("safetensors", tree)


def _entry(path: Path, entry: Mapping[str, Any], start: int) -> StaticTensor:
    letters, shape = entry["dtype"].rstrip("0123456789"), tuple(entry["shape"])
    plain = _LETTERS.get(letters, letters.lower()) + entry["dtype"][len(letters) :]
    dtype = _FLOAT8.get(entry["dtype"], plain)
    if dtype not in DTYPES:
        raise CheckpointError(str(path), got=f"numbers of type {dtype}", expected=", ".join(DTYPES))
    stride, numel = [], 1
    for size in reversed(shape):
        stride.append(numel)
        numel *= size
    storage = Storage(dtype, numel, path, start + entry["data_offsets"][0])
    return StaticTensor(storage, shape, tuple(reversed(stride)))


def _torch_zip(path: Path) -> StaticFile:
    with zipfile.ZipFile(path) as archive:
        entries = _honest_entries(path, archive)
        pickles = [name for name in entries if "data.pkl" in (name, name.partition("/")[2])]
        root = pickles[0].removesuffix("data.pkl")
        order = _read_entry(path, archive, root + "byteorder") if root + "byteorder" in entries else b"little"
        if order != b"little" or len(pickles) > 1:
            raise _damaged(path, "big-endian numbers" if len(pickles) == 1 else "two directories of tensors")
        content = io.BytesIO(_read_entry(path, archive, pickles[0]))

    def find(name: str, dtype: str, numel: int) -> Storage:
        entry = entries.get(f"{root}data/{name}")
        storage = Storage(dtype, numel, path, _data_start(path, entry) if entry else 0)
        if entry is None or storage.nbytes > entry.file_size:
            raise _damaged(path, f"no whole record of storage {name!r}, {storage.nbytes:,} bytes")
        return storage

    walked = walk(content, str(path))
    return _described(path, "torch zip", walked.root, walked.names, find)


def _honest_entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's directory, once it is sure that reading it cannot blow up."""
    entries = {info.filename: info for info in archive.infolist()}
    if any(info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
        raise _bomb(path, "a compressed archive, which torch.save never writes")
    total = sum(info.file_size for info in archive.infolist())
    if total > path.stat().st_size or len(entries) < len(archive.infolist()):
        raise _bomb(path, f"an archive that claims {total:,} bytes in {path.stat().st_size:,}")
    if any(info.file_size > MAX_PICKLE for name, info in entries.items() if name.endswith(".pkl")):
        raise _bomb(path, "a directory of tensors larger than 256 MB")
    return entries


def _read_entry(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, KeyError, ValueError) as error:
        raise _damaged(path, f"a damaged archive ({error})") from None


def _data_start(path: Path, entry: zipfile.ZipInfo) -> int:
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return entry.header_offset + 30 + name + extra


def _torch_legacy(path: Path) -> StaticFile:
    with mapped(path) as stream:
        _magic, _protocol, system, content, keys = (walk(stream, str(path)) for _ in range(5))
        if isinstance(system.root, Call) and ("little_endian", False) in system.root.pairs:
            raise _damaged(path, "big-endian numbers")
        declared = _declared(path, content.persistent)
        storages = _positions(path, stream, keys.root, declared)

    def find(name: str, dtype: str, numel: int) -> Storage:
        found = storages.get(name)
        asked = Storage(dtype, numel, path, 0 if found is None else found.start)
        is_same = found is not None and declared[name] in ((dtype, numel), ("uint8", asked.nbytes))
        if found is None or not is_same:
            raise _damaged(path, f"no storage {name!r} of {numel:,} numbers")
        return asked

    return _described(path, "torch legacy", content.root, content.names, find)


def _declared(path: Path, references: Iterable[Persistent]) -> dict[str, tuple[str, int]]:
    """Storage name -> dtype and number of elements, from the references to it."""
    keys = [reference.key for reference in references]
    named = [named for key in keys if (named := storage_of(key) or bytes_of(key, "uint8"))]
    return {name: (dtype, numel) for name, dtype, numel in named}


def _positions(
    path: Path, stream: IO[bytes], keys: object, declared: Mapping[str, tuple[str, int]]
) -> dict[str, Storage]:
    """Walk the storages behind the pickles: eight bytes of count, then the numbers."""
    storages: dict[str, Storage] = {}
    position, end = stream.tell(), path.stat().st_size
    for name in keys if isinstance(keys, list) else []:
        if not isinstance(name, str) or name not in declared:
            called = repr(name) if isinstance(name, str) else "without a name"
            raise _damaged(path, f"a storage {called} that nothing refers to")
        dtype, numel = declared[name]
        stream.seek(min(position, end))
        count = int.from_bytes(stream.read(8), "little")
        storages[name] = Storage(dtype, numel, path, position + 8)
        position += 8 + storages[name].nbytes
        if count != numel or position > end:
            raise _damaged(path, f"storage {name!r} of {numel:,} numbers cut off at byte {end:,}")
    return storages


def _described(path: Path, kind: Kind, root: object, names: tuple[Name, ...], find: FindStorage) -> StaticFile:
    tree = TreeBuilder(str(path), find).build(root)
    with bounded(path):
        leaves = flatten(tree).values()
    total = sum(leaf.nbytes for leaf in leaves if isinstance(leaf, StaticTensor))
    if total > MAX_EXPANSION * path.stat().st_size:
        raise _bomb(path, f"tensors of {total:,} bytes in a file of {path.stat().st_size:,}")
    return StaticFile(kind, tree, names, module_class(root), holders(root, names))


@contextmanager
def bounded(path: Path) -> Iterator[None]:
    """What follows the paths of a checkpoint, under one message for those that have no end."""
    try:
        yield
    except TooMuchError as error:
        raise _bomb(path, str(error)) from None


def _damaged(path: Path, got: str) -> CheckpointError:
    return CheckpointError(str(path), got=got, expected="a whole file", hint="copying it again")


def _bomb(path: Path, got: str) -> CheckpointError:
    hint = "saving it again with torch.save(model.state_dict(), path)"
    return CheckpointError(str(path), got=got, expected="an honest torch.save of a state_dict", hint=hint)
