"""Rosters from packs, and the way from their paths to the pixels."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import packed
import pytest

from bareface.errors import BarefaceError, RosterError, UsageError
from bareface.faces.contents import Contents
from bareface.faces.decode import FlawedImage
from bareface.faces.examine import examine
from bareface.faces.images import RosterImages
from bareface.faces.packs.pack import is_pack, open_pack
from bareface.faces.people import read_people
from bareface.rosters.roster import Roster, join, read_folder, read_manifest, write_manifest
from bareface.synthetic import write_folder

KINDS = {
    "train.rec": packed.as_records,
    "train.tar": packed.as_tar,
    "shards": packed.as_shards,
    "train.lmdb": packed.as_lmdb,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`faces/` with 6 people of 4 images, and the same people in every kind of pack."""
    folder = tmp_path_factory.mktemp("packs")
    write_folder(folder / "faces", people=6, images=4, size=16, seed=1)
    for name, make in KINDS.items():
        if not name.endswith(".lmdb"):
            make(folder / "faces", folder / name)
    return folder


@pytest.fixture(params=KINDS)
def pack(request: pytest.FixtureRequest, home: Path) -> Path:
    if request.param.endswith(".lmdb"):
        pytest.importorskip("lmdb")
        if not (home / request.param).exists():
            packed.as_lmdb(home / "faces", home / request.param)
    return home / request.param


def test_a_pack_holds_the_people_and_the_images_of_the_folder(home: Path, pack: Path) -> None:
    folder, found = read_folder(home / "faces", "member"), read_people(pack, "member")
    assert len(found) == len(folder)
    assert (np.unique(found.subject, return_inverse=True)[1] == np.unique(folder.subject, return_inverse=True)[1]).all()
    mine, theirs = examine(found), examine(folder)
    assert mine.digest.tolist() == theirs.digest.tolist()
    np.testing.assert_allclose(mine.blind, theirs.blind, atol=1e-6)
    rows = np.arange(len(found))[::-1].copy()
    assert RosterImages(found, 16, 16).load(rows).equal(RosterImages(folder, 16, 16).load(rows))


def test_rosters_of_packs_are_joined_written_and_read_like_any(home: Path, pack: Path, tmp_path: Path) -> None:
    both = join(read_people(pack, "member"), read_folder(home / "faces", "public"))
    assert Contents().read(both.paths[0]) == Contents().read(both.paths[24])
    relative = Roster(home, tuple(str(path.relative_to(home)) for path in both.paths), both.subject, both.role)
    write_manifest(relative, home / f"{pack.name}.csv")
    back = read_manifest(home / f"{pack.name}.csv")
    assert [Contents().read(path) for path in back.paths[:3]] == [Contents().read(path) for path in both.paths[:3]]


def test_numbers_mean_somebody_only_in_their_own_pack(home: Path) -> None:
    subject = {
        role: read_people(home / "train.rec", role).subject.tolist()[0] for role in ("member", "heldout", "outside")
    }
    assert subject == {"member": "0", "heldout": "0", "outside": "outside 0"}
    assert read_people(home / "shards", "public").subject[0] == "public 0"
    assert read_people(home / "train.tar", "outside").subject[0] == read_folder(home / "faces", "outside").subject[0]


def test_damage_is_rejected_with_its_reason_and_the_rest_is_used(home: Path, tmp_path: Path) -> None:
    path = shutil.copy(home / "train.rec", tmp_path / "train.rec")
    shutil.copy(home / "train.idx", tmp_path / "train.idx")
    content = bytearray(path.read_bytes())
    starts = dict(line.split("\t") for line in (home / "train.idx").read_text().splitlines())
    content[0] = 0
    content[int(starts["24"]) + 4 : int(starts["24"]) + 6] = (40).to_bytes(2, "little")
    path.write_bytes(content)
    seen = examine(read_people(path, "member"))
    assert [(reject.image, reject.reason) for reject in seen.rejects] == [
        ("train.rec/1", "unreadable"),
        ("train.rec/24", "truncated"),  # of its image, 16 bytes are left
    ]
    assert seen.rejects[0].detail == "no record at byte 0: the magic number is missing"
    assert len(seen.accepted) == 22


class TestWhichPack:
    """A folder stands for the pack in it, when that is clear."""

    def test_a_folder_with_one_pack(self, home: Path, tmp_path: Path) -> None:
        for name in ("train.rec", "train.idx", "property"):
            shutil.copy(home / name, tmp_path)
        assert read_people(tmp_path, "member").image[0] == "train.rec/1"

    def test_two_packs_are_one_too_many(self, home: Path, tmp_path: Path) -> None:
        for name in ("a.rec", "b.rec"):
            shutil.copy(home / "train.rec", tmp_path / name)
        with pytest.raises(RosterError, match=r"got 2 packs, a\.rec and b\.rec among them; .* Try: naming one of them"):
            read_people(tmp_path, "member")

    def test_a_pack_beside_folders_of_images(self, home: Path, tmp_path: Path) -> None:
        shutil.copytree(home / "faces", tmp_path / "both")
        shutil.copy(home / "train.rec", tmp_path / "both")
        with pytest.raises(RosterError, match=r"got the pack train\.rec beside folders of images; .*naming train\.rec"):
            read_people(tmp_path / "both", "member")

    def test_files_that_cannot_be_a_roster(self, home: Path, tmp_path: Path) -> None:
        for name, told in {
            "lfw.bin": "got a verification pack, which has pairs but no people; .* Try: bareface verify",
            "faces.tar.gz": "got a compressed archive; .* Try: gunzip",
            "faces.zip": "got a zip archive; .* Try: unpacking it",
            "faces.txt": "got a file of another kind; expected a .rec, .tar or .lmdb pack",
        }.items():
            (tmp_path / name).write_bytes(gzip.compress(b""))
            with pytest.raises(RosterError, match=told):
                read_people(tmp_path / name, "member")
            with pytest.raises(RosterError, match=told):
                open_pack(tmp_path / name)
        (tmp_path / "lfw" / "meta").mkdir(parents=True)
        (tmp_path / "lfw" / "meta" / "sizes").touch()
        with pytest.raises(RosterError, match=r"lfw: got a bcolz array: .* Try: bareface verify with the \.bin"):
            read_people(tmp_path / "lfw", "member")
        with pytest.raises(
            RosterError, match=r"gone\.rec: got no such file or folder; expected a folder of people, or a"
        ):
            read_people(tmp_path / "gone.rec", "member")
        assert not is_pack(tmp_path / "gone.rec")


class TestContents:
    def test_a_path_in_a_folder_or_a_pack_that_is_not_there(self, home: Path) -> None:
        contents = Contents()
        for path in (
            home / "faces" / "gone" / "1.jpg",
            home / "train.rec" / "999",
            home / "train.tar" / "gone" / "1.jpg",
        ):
            with pytest.raises(FlawedImage, match="got unreadable"):
                contents.read(path)

    def test_a_pack_that_cannot_be_opened_is_a_flaw_of_its_images(self, tmp_path: Path) -> None:
        (tmp_path / "empty.rec").touch()
        with pytest.raises(FlawedImage, match=r"empty\.rec: got unreadable \(a file that cannot be read"):
            Contents().read(tmp_path / "empty.rec" / "1")

    def test_a_missing_package_is_said_and_no_flaw(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "lmdb", None)
        (tmp_path / "data.mdb").touch()
        with pytest.raises(UsageError, match="pip install"):
            Contents().read(tmp_path / "ada" / "1.jpg")
        assert issubclass(UsageError, BarefaceError)
