"""Tar archives and WebDataset shards, written by Python's own `tarfile`."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import RosterError
from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.packs import tar
from bareface.faces.packs.tar import TarPack
from bareface.faces.packs.tar_headers import members

FOLDERS = {"ada/1.jpg": b"a1", "ada/2.PNG": b"a2" * 400, "bob lee/1.jpg": b"b1", "bob lee/notes.txt": b"hm"}
SHARD = {"000.cls": b"7", "000.jpg": b"zero", "001.cls": b" 12\n", "001.jpg": b"one", "001.json": b"{}"}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def pack_of(path: Path, files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def add(path: Path, kind: bytes, name: str = "ada/3.jpg") -> Path:
    """An entry that is no plain file."""
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "ada/1.jpg"
        archive.addfile(info)
    return path


LETTERS = st.characters(exclude_characters="\0/", exclude_categories=("Cs",))
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=60), min_size=1, max_size=4).map("/".join)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, st.binary(max_size=1200), max_size=5), st.sampled_from(["gnu", "pax"]))
def test_every_member_is_found_where_tarfile_put_it(files: dict[str, bytes], form: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=FORMATS[form]) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    content = buffer.getvalue()
    found = {member.name: content[member.start : member.start + member.size] for member in members(content)}
    assert found == files
    assert not [member for member in members(content) if member.flaw]


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_folder_of_people(tmp_path: Path, form: int) -> None:
    long = "x" * 80 + "/" + "y" * 90 + ".jpg"
    pack = TarPack(pack_of(tmp_path / "faces.tar", FOLDERS | {long: b"long"}, form))
    listing = pack.listing()
    assert listing.names == ("ada/1.jpg", "ada/2.PNG", "bob lee/1.jpg", "bob lee/notes.txt", long)
    assert listing.subject.tolist() == ["ada", "ada", "bob lee", "bob lee", "x" * 80]
    assert not listing.numbered
    assert [pack.read(name) for name in listing.names] == [*FOLDERS.values(), b"long"]


def test_a_shard_of_webdataset(tmp_path: Path) -> None:
    pack = TarPack(pack_of(tmp_path / "shard.tar", SHARD | {"._001.jpg": b"of a Mac"}))
    listing = pack.listing()
    assert (listing.names, listing.subject.tolist(), listing.numbered) == (("000.jpg", "001.jpg"), ["7", "12"], True)


def test_a_sample_without_an_image_is_listed_once(tmp_path: Path) -> None:
    listing = TarPack(
        pack_of(tmp_path / "s.tar", SHARD | {"002.cls": b"3", "003.json": b"{}", "003.txt": b""})
    ).listing()
    assert listing.names == ("000.jpg", "001.jpg", "002.cls", "003.txt")
    assert listing.subject.tolist() == ["7", "12", "3", "unreadable"]


def test_names_stay_inside_and_apart(tmp_path: Path) -> None:
    path = pack_of(tmp_path / "s.tar", {"./ada//1.jpg": b"1", "/ada/2.jpg": b"2", "../../eve/3.jpg": b"3"})
    with tarfile.open(path, "a") as archive:
        for again in (b"4", b"5"):
            info = tarfile.TarInfo("ada/1.jpg")
            info.size = 1
            archive.addfile(info, io.BytesIO(again))
    pack = TarPack(path)
    names = pack.listing().names
    assert names == ("%2E%2E/%2E%2E/eve/3.jpg", "ada/1.jpg", "ada/1~2.jpg", "ada/1~3.jpg", "ada/2.jpg")
    assert [pack.read(name) for name in names] == [b"3", b"1", b"4", b"5", b"2"]


class TestDamage:
    """What cannot be read is listed with its reason; what lies behind it is still found."""

    def test_a_damaged_header_in_the_middle(self, tmp_path: Path) -> None:
        path = pack_of(tmp_path / "s.tar", FOLDERS)
        content = bytearray(path.read_bytes())
        content[1024 + 10] ^= 1
        path.write_bytes(content)
        pack = TarPack(path)
        listing = pack.listing()
        assert listing.names == ("ada/1.jpg", "bob lee/1.jpg", "bob lee/notes.txt", "bytes 1024-2560")
        assert listing.subject.tolist()[-1] == "unreadable"
        with pytest.raises(FlawedImage, match=r"s\.tar/bytes 1024-2560: got unreadable \(a damaged header\)"):
            pack.read("bytes 1024-2560")

    def test_an_archive_that_was_cut_off(self, tmp_path: Path) -> None:
        path = pack_of(tmp_path / "s.tar", FOLDERS)
        path.write_bytes(path.read_bytes()[: 1024 + 512 + 100])
        pack = TarPack(path)
        assert pack.listing().names == ("ada/1.jpg", "ada/2.PNG")
        with pytest.raises(FlawedImage, match=r"cut off: 800 bytes from byte 1,536 in a file of 1,636") as caught:
            pack.read("ada/2.PNG")
        assert caught.value.flaw is Flaw.TRUNCATED

    def test_cut_off_in_a_header_or_a_long_name(self, tmp_path: Path) -> None:
        path = pack_of(tmp_path / "s.tar", {"ada/1.jpg": b"1", "ada/" + "x" * 300 + ".jpg": b"2"}, tarfile.GNU_FORMAT)
        whole = path.read_bytes()
        for end, name in ((1100, "bytes 1024-1100"), (1700, "bytes 1024-1700")):
            path.write_bytes(whole[:end])
            assert TarPack(path).listing().names == ("ada/1.jpg", name)

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (tarfile.SYMTYPE, "a link to another file"),
            (tarfile.LNKTYPE, "a link to another file"),
            (tarfile.FIFOTYPE, "an entry of kind '6'"),
            (tarfile.GNUTYPE_SPARSE, "an entry of kind 'S'"),
        ],
    )
    def test_entries_that_are_no_files(self, tmp_path: Path, kind: bytes, told: str) -> None:
        pack = TarPack(add(pack_of(tmp_path / "s.tar", FOLDERS), kind))
        assert "ada/3.jpg" in pack.listing().names
        with pytest.raises(FlawedImage, match=told):
            pack.read("ada/3.jpg")

    def test_folders_are_no_entries(self, tmp_path: Path) -> None:
        pack = TarPack(add(pack_of(tmp_path / "s.tar", {"ada/1.jpg": b"1"}), tarfile.DIRTYPE, "bob"))
        assert pack.listing().names == ("ada/1.jpg",)

    def test_a_member_that_is_too_large_or_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pack = TarPack(pack_of(tmp_path / "s.tar", FOLDERS))
        monkeypatch.setattr(tar, "BYTE_CAP", 700)
        with pytest.raises(FlawedImage, match=r"got too large \(800 bytes"):
            pack.read("ada/2.PNG")
        with pytest.raises(FlawedImage, match="not in the archive"):
            pack.read("ada/9.jpg")


class TestRefusals:
    def test_images_without_people(self, tmp_path: Path) -> None:
        for files in ({"1.jpg": b"1"}, SHARD | {"002.jpg": b"2"}):
            with pytest.raises(RosterError, match=r"without a person; expected a \.cls file .* Try: a manifest"):
                TarPack(pack_of(tmp_path / "s.tar", files)).listing()

    def test_an_empty_class(self, tmp_path: Path) -> None:
        with pytest.raises(RosterError, match=r"000\.cls: got an empty class; expected a person's number"):
            TarPack(pack_of(tmp_path / "s.tar", SHARD | {"000.cls": b" "})).listing()

    def test_no_images(self, tmp_path: Path) -> None:
        with pytest.raises(RosterError, match="got 1 entries, none of them an image"):
            TarPack(pack_of(tmp_path / "s.tar", {"README": b""})).listing()

    def test_no_archive(self, tmp_path: Path) -> None:
        with pytest.raises(RosterError, match=r"got a file that cannot be read .*; expected a tar archive"):
            TarPack(tmp_path / "gone.tar")
