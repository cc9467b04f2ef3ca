"""Files that would do harm if they were believed."""

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


class Marker:
    """Unpickling this creates the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def pickled_call(path: Path) -> bytes:
    """A pickle that calls os.mkdir."""
    return pickle.dumps({"weights": Marker(path)})


def rezip(source: Path, target: Path, method: int = zipfile.ZIP_STORED, **replaced: bytes) -> Path:
    """The archive again: compressed by another method, or with entries (by last name) replaced."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for name in old.namelist():
            last = name.rpartition("/")[2].replace(".", "_")
            new.writestr(name, replaced.get(last, old.read(name)))
    return target


def archive(path: Path, entries: Mapping[str, bytes]) -> Path:
    """A zip archive with these entries."""
    with zipfile.ZipFile(path, "w") as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


def save_legacy(value: object, path: Path) -> Path:
    """Save in the format that torch wrote before 1.6."""
    torch.save(value, path, _use_new_zipfile_serialization=False)
    return path
