"""Pipes and devices are never opened, wherever a path leads to one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bareface.auditing.config_file import read_config
from bareface.errors import BarefaceError
from bareface.faces.aligning import read_landmarks
from bareface.faces.packs.records import RecordFile
from bareface.faces.packs.sidecars import read_list, read_property
from bareface.faces.packs.tar import TarPack
from bareface.faces.packs.verification import read_verification_pack
from bareface.faces.pairs import read_pairs
from bareface.inversion.checkpoints.store import read_card as read_generator_card
from bareface.inversion.eigenfaces.store import load_eigenfaces
from bareface.rosters.roster import read_manifest
from bareface.storage.columns import read_csv
from bareface.storage.files import sha256_of
from bareface.targets.card import read_card
from bareface.targets.kinds import load_any
from bareface.untrusted.regular import content_of, is_file, is_folder, is_there, what_lies_at

READERS: dict[str, Callable[[Path], object]] = {
    "configuration": read_config,
    "table": read_csv,
    "manifest": read_manifest,
    "landmarks": read_landmarks,
    "pairs": lambda path: read_pairs(path, path.parent),
    "verification pack": read_verification_pack,
    "records": RecordFile,
    "list of records": read_list,
    "property": read_property,
    "tar": TarPack,
    "card": read_card,
    "card of a generator": read_generator_card,
    "linear faces": load_eigenfaces,
    "model": load_any,
    "digest": sha256_of,
    "bytes": content_of,
}


@pytest.fixture(params=["pipe", "device", "link to a device", "folder"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Something that is no file."""
    path = tmp_path / "odd.json"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "link to a device":
        path.symlink_to("/dev/zero")
    else:
        path = Path("/dev/zero")
    return path


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_not_opened(odd: Path, reader: str) -> None:
    with pytest.raises((BarefaceError, OSError), match=r"a (pipe|device), not a file|folder|[Nn]o such file|backbone"):
        READERS[reader](odd)


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "x" * 10_000, "none", "none/none"])
def test_a_text_that_can_be_no_path_names_nothing(path: str) -> None:
    assert [is_there(path), is_file(path), is_folder(path)] == [False] * 3
    assert what_lies_at(path) not in ("a file", "a folder, not a file")


def test_more_than_was_asked_for_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert content_of(tmp_path / "x", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        content_of(tmp_path / "x", 4)
