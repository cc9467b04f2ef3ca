"""LMDB packs, written by the `lmdb` package."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bareface.errors import RosterError, UsageError
from bareface.faces.decode import FlawedImage
from bareface.faces.packs import lightning
from bareface.faces.packs.lightning import LightningPack

lmdb = pytest.importorskip("lmdb")

FOLDERS = {b"ada/1.jpg": b"a1", b"ada/2.jpg": b"a2" * 3000, b"bob/1.jpg": b"b1", b"__len__": b"3"}
PAIRS = {
    b"image-000001": b"one",
    b"label-000001": b"7",
    b"image-000002": b"two",
    b"label-000002": b"8",
    b"num-samples": b"2",
}


def pack_of(path: Path, entries: Mapping[bytes, bytes], **how: object) -> Path:
    with lmdb.open(str(path), map_size=1 << 22, **how) as environment, environment.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    return path


@pytest.mark.parametrize("folder", [True, False])
def test_keys_that_are_paths(tmp_path: Path, folder: bool) -> None:
    pack = LightningPack(pack_of(tmp_path / "faces.lmdb", FOLDERS, subdir=folder))
    listing = pack.listing()
    assert listing.names == ("ada/1.jpg", "ada/2.jpg", "bob/1.jpg")
    assert (listing.subject.tolist(), listing.numbered) == (["ada", "ada", "bob"], False)
    assert [pack.read(name) for name in listing.names] == [b"a1", b"a2" * 3000, b"b1"]


def test_numbered_pairs(tmp_path: Path) -> None:
    pack = LightningPack(pack_of(tmp_path / "faces.lmdb", PAIRS))
    listing = pack.listing()
    assert listing.names == ("image-000001", "image-000002")
    assert (listing.subject.tolist(), listing.numbered) == (["7", "8"], True)


def test_odd_keys_become_names_that_stay_inside(tmp_path: Path) -> None:
    keys = [b"../eve/1.jpg", b"/ada/1.jpg", b"a//ada/1.jpg", b"./ada/1.jpg", b"ada/\xff\xfe.jpg", b"ada/100%.jpg"]
    pack = LightningPack(pack_of(tmp_path / "faces.lmdb", {key: key for key in keys}))
    names = pack.listing().names
    assert not [name for name in names for part in name.split("/") if part in ("", ".", "..")]
    assert sorted(pack.read(name) for name in names) == sorted(keys)


def test_one_environment_serves_everybody(tmp_path: Path) -> None:
    path = pack_of(tmp_path / "faces.lmdb", FOLDERS)
    first, second = LightningPack(path), LightningPack(path)
    del first
    assert second.read("ada/1.jpg") == b"a1"


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RosterError, match=r"got the key '1\.jpg', which names no person; .* Try: a manifest"):
        LightningPack(pack_of(tmp_path / "flat.lmdb", {b"1.jpg": b""})).listing()
    with pytest.raises(RosterError, match="got no images"):
        LightningPack(pack_of(tmp_path / "none.lmdb", {b"__len__": b"0"})).listing()
    with pytest.raises(RosterError, match=r"gone\.lmdb: got no whole LMDB"):
        LightningPack(tmp_path / "gone.lmdb")
    (tmp_path / "junk.lmdb").write_bytes(b"junk" * 4096)
    with pytest.raises(RosterError, match=r"junk\.lmdb: got no whole LMDB"):
        LightningPack(tmp_path / "junk.lmdb")
    pack = LightningPack(pack_of(tmp_path / "faces.lmdb", FOLDERS))
    for name in ("ada/9.jpg", "", "x" * 600):
        with pytest.raises(FlawedImage, match=r"no such key|damaged"):
            pack.read(name)
    monkeypatch.setattr(lightning, "BYTE_CAP", 100)
    with pytest.raises(FlawedImage, match=r"got too large \(6,000 bytes"):
        pack.read("ada/2.jpg")


def test_a_file_that_was_cut_off_is_refused_before_it_is_touched(tmp_path: Path) -> None:
    path = pack_of(tmp_path / "faces.lmdb", FOLDERS, subdir=False)
    path.write_bytes(path.read_bytes()[:12_000])
    with pytest.raises(RosterError, match=r"got no whole LMDB \(cut off at byte 12,000 of"):
        LightningPack(path)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(UsageError, match=r'got an LMDB; .* Try: pip install "bareface\[lmdb\]"'):
        LightningPack(tmp_path)
