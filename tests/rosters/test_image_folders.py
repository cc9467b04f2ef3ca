"""Nothing in a folder of people is gained or lost in silence."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import RosterError
from bareface.faces.packs.tar import TarPack
from bareface.faces.people import read_people
from bareface.rosters.image_folders import (
    COPIES,
    DEEPER,
    EMPTY,
    HIDDEN,
    LINKED,
    LOOSE,
    OTHERS,
    UNDECODABLE,
    is_hidden,
    is_picture,
    people_in,
    pictures_below,
)
from bareface.rosters.roster import join, read_folder, read_manifest, write_manifest


def put(folder: Path, *names: str) -> Path:
    """Files under these names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


NAMES = st.sampled_from(
    ["ada", "bo", ".ipynb_checkpoints", "__MACOSX", "@eaDir", "x.jpg", "X.PNG", ".x.jpg", "Thumbs.db", "n.txt"]
)


def hides_people(files: set[tuple[str, ...]]) -> bool:
    """Whether a folder without files of its own has pictures further down."""
    shown = [parts for parts in files if not is_hidden(parts[0]) and len(parts) > 1 and not is_hidden(parts[1])]
    own = {parts[0] for parts in shown if len(parts) == 2}
    return any(len(parts) > 2 and parts[0] not in own and is_picture(parts[-1]) for parts in shown)


@given(st.sets(st.lists(NAMES, min_size=1, max_size=4).map(tuple), max_size=12))
def test_every_file_is_listed_or_counted(tmp_path_factory: pytest.TempPathFactory, paths: set[tuple[str, ...]]) -> None:
    folder = tmp_path_factory.mktemp("people")
    written = set()
    for parts in sorted(paths):
        if any(parts[:n] in written for n in range(1, len(parts))) or folder.joinpath(*parts).is_dir():
            continue
        put(folder, "/".join(parts))
        written.add(parts)
    if hides_people(written):
        with pytest.raises(RosterError, match="a folder deeper"):
            people_in(folder)
        return
    found = people_in(folder)
    counted = sum(count for kind, count in found.ignored.items() if kind != EMPTY)
    assert len(found.images) + counted == len(written)
    assert not [image for image in found.images if is_hidden(image) or image.count("/") != 1]


def test_kinds_have_names(tmp_path: Path) -> None:
    put(
        tmp_path, "ada/1.jpg", "ada/notes.txt", "ada/.x.jpg", "ada/deep/1.jpg", "ada/deep/2.jpg",
        ".ipynb_checkpoints/1.jpg", "__MACOSX/ada/._1.jpg", "loose.JPG", "readme.md",
    )  # fmt: skip
    (tmp_path / "bo").mkdir()
    found = people_in(tmp_path)
    assert found.images == ("ada/1.jpg", "ada/notes.txt")
    assert found.ignored == {HIDDEN: 3, LOOSE: 1, OTHERS: 1, DEEPER: 2, EMPTY: 1}
    assert {(one.role, one.kind, one.count) for one in read_folder(tmp_path, "member").ignored} >= {
        ("member", HIDDEN, 3)
    }


def test_copies_bins_of_file_servers_and_names_that_are_no_text_are_left_aside(tmp_path: Path) -> None:
    put(
        tmp_path, "ada/1.jpg", "ada/1.jpg~", "ada/2.jpg.part", "ada/3.png.crdownload", "#recycle/1.jpg",
        "System Volume Information/1.jpg", "@Recycle/1.jpg",
    )  # fmt: skip
    for name in (b"ada/\xff.jpg", b"b\xff/1.jpg"):
        put(tmp_path, os.fsdecode(name))
    found = read_folder(tmp_path, "outside")
    assert found.image == ("ada/1.jpg",)
    assert {one.kind: one.count for one in found.ignored} == {HIDDEN: 3, COPIES: 3, UNDECODABLE: 2}


NAMED = st.text(st.characters(codec="utf-8", exclude_characters="/\0\r\n"), min_size=1, max_size=12).filter(
    lambda name: name.strip() not in ("", ".", "..") and not is_hidden(name) and len(name.encode()) < 200
)


@given(
    st.sets(NAMED, min_size=1, max_size=6), st.text("\u00a0\u2003 \t", max_size=2), st.sampled_from(["csv", "parquet"])
)
def test_a_name_is_the_same_in_a_folder_and_in_the_table_that_is_written_of_it(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], space: str, suffix: str
) -> None:
    home = tmp_path_factory.mktemp("names")
    for name in names:
        put(home, f"{space}{name}{space}/{space}1.jpg{space}")
    listed = read_folder(home, "outside")
    assert len(listed) == len(names)
    write_manifest(listed, home / f"people.{suffix}")
    again = read_manifest(home / f"people.{suffix}")
    assert again.subject.tolist() == listed.subject.tolist()
    assert again.image == listed.image
    assert all(path.is_file() for path in again.paths)


def test_two_folders_that_become_one_person_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "lead/1.jpg", " lead\u00a0/1.jpg", "other/1.jpg")
    assert sorted(set(read_folder(tmp_path, "member").subject.tolist())) == ["lead", "other"]
    assert "the folders ' lead\\xa0', 'lead' are one person, 'lead'" in caplog.text


def test_people_a_folder_deeper_are_refused_with_their_number(tmp_path: Path) -> None:
    put(tmp_path, "ada/1.jpg", "more/bo/1.jpg", "more/cy/1.jpg", "more/cy/2.jpg")
    with pytest.raises(
        RosterError, match=r"got 3 pictures a folder deeper, in 2 folders inside 'more'; .* Try: naming"
    ):
        read_folder(tmp_path, "member")


def test_a_folder_that_holds_no_picture_at_all_is_counted(tmp_path: Path) -> None:
    put(tmp_path, "ada/1.jpg", "cache/a/b.txt")
    assert people_in(tmp_path).ignored == {DEEPER: 1}


def test_pipes_and_dangling_links_are_listed_so_that_somebody_says_why_they_are_no_pictures(tmp_path: Path) -> None:
    put(tmp_path, "ada/1.jpg")
    os.mkfifo(tmp_path / "ada" / "2.jpg")
    (tmp_path / "ada" / "3.jpg").symlink_to("nothing")
    (tmp_path / "ada" / "4.jpg").symlink_to("4.jpg")
    assert people_in(tmp_path).images == ("ada/1.jpg", "ada/2.jpg", "ada/3.jpg", "ada/4.jpg")


def test_hidden_folders_of_a_tar_are_no_people(tmp_path: Path) -> None:
    import tarfile

    put(tmp_path / "in", "ada/1.jpg", ".ipynb_checkpoints/1.jpg", "bo/._1.jpg", "bo/1.jpg")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "in", "in")
    assert sorted(set(TarPack(tmp_path / "x.tar").listing().subject)) == ["ada", "bo"]
    assert [(one.kind, one.count) for one in read_people(tmp_path / "x.tar", "member").ignored] == [(HIDDEN, 2)]


def test_pictures_below_leaves_hidden_folders_out(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg", "a/b/2.PNG", ".c/3.jpg", "a/.d.jpg", "a/x.txt")
    found = pictures_below(tmp_path)
    assert found.images == ("1.jpg", "a/b/2.PNG")
    assert found.ignored == {HIDDEN: 2, OTHERS: 1}


class TestLinks:
    """Pictures of somebody else, behind a link."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        put(tmp_path, "elsewhere/eve/1.jpg", "in/ada/1.jpg", "in/bo/1.jpg")
        return tmp_path / "in"

    @pytest.mark.parametrize("absolute", [True, False])
    def test_a_picture(self, folder: Path, absolute: bool) -> None:
        there = folder.parent / "elsewhere" / "eve" / "1.jpg"
        (folder / "ada" / "2.jpg").symlink_to(there if absolute else os.path.relpath(there, folder / "ada"))
        self.is_refused(folder, "ada/2.jpg")

    def test_a_person(self, folder: Path) -> None:
        (folder / "eve").symlink_to(folder.parent / "elsewhere" / "eve")
        self.is_refused(folder, "eve/1.jpg")

    def test_a_link_to_a_link(self, folder: Path) -> None:
        (folder.parent / "between").symlink_to("elsewhere/eve")
        (folder / "eve").symlink_to("../between")
        self.is_refused(folder, "eve/1.jpg")

    def test_links_that_stay_inside_and_a_folder_that_is_one_itself(self, folder: Path) -> None:
        (folder / "ada" / "2.jpg").symlink_to("1.jpg")
        (folder.parent / "name").symlink_to("in")
        found = read_folder(folder.parent / "name", "member")
        assert found.image == ("ada/1.jpg", "bo/1.jpg")
        assert [(one.kind, one.count) for one in found.ignored] == [(LINKED, 1)]

    def test_a_second_link_to_one_picture_and_links_to_folders_that_are_listed(self, folder: Path) -> None:
        for name in ("ada/2.jpg", "ada/3.jpg"):
            (folder / name).symlink_to(folder.parent / "elsewhere" / "eve" / "1.jpg")
        (folder / "bob").symlink_to("bo")
        (folder / "around").symlink_to(".")
        found = read_folder(folder, "member", links=True)
        assert found.image == ("ada/1.jpg", "ada/2.jpg", "bo/1.jpg")
        assert [(one.kind, one.count) for one in found.ignored] == [(LINKED, 3)]
        assert len(join(found, found.take([]))) == 3

    def test_a_link_to_nothing_keeps_its_own_name(self, folder: Path) -> None:
        (folder / "ada" / "2.jpg").symlink_to("nothing")
        joined = join(read_folder(folder, "member"))
        assert [Path(image).name for image in joined.image] == ["1.jpg", "2.jpg", "1.jpg"]

    def test_a_name_that_begins_alike_is_outside(self, folder: Path) -> None:
        put(folder.parent, "inner/1.jpg")
        (folder / "ada" / "2.jpg").symlink_to(folder.parent / "inner" / "1.jpg")
        self.is_refused(folder, "ada/2.jpg")

    @staticmethod
    def is_refused(folder: Path, image: str) -> None:
        told = f"got 1 pictures behind links that leave the folder, the first is '{image}'; .* Try: --allow-links"
        with pytest.raises(RosterError, match=told):
            read_folder(folder, "member")
        assert image in read_folder(folder, "member", links=True).image
        (folder / "people.csv").write_text(f"image,subject,role\n{image},x,member\n")
        with pytest.raises(RosterError, match=told):
            read_manifest(folder / "people.csv")
        assert read_manifest(folder / "people.csv", links=True).image == (image,)
