"""InsightFace packs: records, their index, list and property file, and the images among them."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import RosterError
from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.packs.record_pack import RecordPack
from bareface.faces.packs.record_writer import write_insightface, writing
from bareface.faces.packs.recordio import frame
from bareface.faces.packs.records import PackRecord, RecordFile
from bareface.faces.packs.sidecars import Listed, Property, read_index, read_list, read_property

PEOPLE = [[b"ada 1", b"ada 2"], [b"bob 1"], [b"cyd 1", b"cyd 2", b"cyd 3"]]

BOB = frame(struct.pack("<IfQQ", 0, 1.0, 3, 0) + b"bob 1")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    write_insightface(tmp_path / "train.rec", PEOPLE)
    return tmp_path / "train.rec"


def spoil(path: Path, content: bytes, by: bytes) -> None:
    """Replace some bytes of a file by as many others."""
    whole = path.read_bytes()
    assert whole.count(content) == 1
    assert len(content) == len(by)
    path.write_bytes(whole.replace(content, by))


LABELS = st.floats(width=32, allow_nan=False) | st.lists(st.floats(width=32, allow_nan=False), min_size=1).map(tuple)
RECORDS = st.dictionaries(st.integers(0, 1 << 40), st.tuples(LABELS, st.binary(max_size=40)), max_size=8)


@settings(max_examples=25)
@given(RECORDS.filter(bool), st.booleans())
def test_any_record_is_read_back_with_and_without_its_index(
    tmp_path_factory: pytest.TempPathFactory, records: dict[int, tuple[object, bytes]], with_index: bool
) -> None:
    path = tmp_path_factory.mktemp("records") / "any.rec"
    with writing(path) as writer:
        for key, (label, content) in records.items():
            writer.write(key, label, content)  # type: ignore[arg-type]
    if not with_index:
        path.with_suffix(".idx").unlink()
    file = RecordFile(path)
    expected = [
        PackRecord(key, label if isinstance(label, tuple) else (label,), c) for key, (label, c) in records.items()
    ]
    assert list(file) == expected
    assert [file.read(record.key) for record in reversed(expected)] == expected[::-1]
    headers = file.headers()
    assert headers.sound.all()
    assert headers.label.tolist() == [record.label[0] for record in expected]
    assert headers.empty.tolist() == [not record.content for record in expected]


def test_the_bytes_of_a_pack(tmp_path: Path) -> None:
    """Assembled by hand from the format: magic, length, flag, label, id, second id, image, padding."""
    write_insightface(tmp_path / "train.rec", [[b"jpeg!"]])
    magic = bytes.fromhex("0a23d7ce")
    image = magic + struct.pack("<IIfQQ", 29, 0, 0.0, 1, 0) + b"jpeg!\0\0\0"
    person = magic + struct.pack("<IIfQQff", 32, 2, 0.0, 2, 0, 1.0, 2.0)
    everybody = magic + struct.pack("<IIfQQff", 32, 2, 0.0, 0, 0, 2.0, 3.0)
    assert (tmp_path / "train.rec").read_bytes() == image + person + everybody
    assert (tmp_path / "train.idx").read_text() == "1\t0\n2\t40\n0\t80\n"
    assert read_property(tmp_path / "property") == Property(1, 112, 112)


class TestImages:
    """`RecordPack`: which records are images, and of whom."""

    @pytest.mark.parametrize("with_index", [True, False])
    def test_images_and_people_of_an_insightface_pack(self, pack: Path, with_index: bool) -> None:
        if not with_index:
            pack.with_suffix(".idx").unlink()
        opened = RecordPack(pack)
        listing = opened.listing()
        assert listing.names == ("1", "2", "3", "4", "5", "6")
        assert listing.subject.tolist() == ["0", "0", "1", "2", "2", "2"]
        assert listing.numbered
        assert [opened.read(name) for name in listing.names] == [image for images in PEOPLE for image in images]

    def test_a_pack_of_im2rec_has_no_record_about_others(self, tmp_path: Path) -> None:
        with writing(tmp_path / "train.rec") as writer:
            for key in (7, 0, 3):
                writer.write(key, (float(key % 2), 1.5), b"image")
        listing = RecordPack(tmp_path / "train.rec").listing()
        assert (listing.names, listing.subject.tolist()) == (("0", "3", "7"), ["0", "1", "1"])

    @pytest.mark.parametrize("with_index", [True, False])
    def test_a_damaged_record_is_listed_and_says_why(self, pack: Path, with_index: bool) -> None:
        spoil(pack, BOB, b"\0" * 8 + BOB[8:])
        if not with_index:
            pack.with_suffix(".idx").unlink()
        opened = RecordPack(pack)
        listing = opened.listing()
        assert listing.names == ("1", "2", "3", "4", "5", "6")
        assert listing.subject.tolist() == ["0", "0", "unreadable", "2", "2", "2"]
        with pytest.raises(
            FlawedImage, match=r"train\.rec, record 3: got unreadable \(no record at byte 80: the magic"
        ):
            opened.read("3")
        assert opened.read("4") == b"cyd 1"

    def test_the_person_of_a_damaged_record_may_stand_in_the_list(self, pack: Path) -> None:
        spoil(pack, BOB, b"\0" * 8 + BOB[8:])
        pack.with_suffix(".lst").write_text("2\t0\tada/2.jpg\n3\t1.000000\tbob/1.jpg\n")
        assert RecordPack(pack).listing().subject.tolist() == ["0", "0", "1", "2", "2", "2"]

    @pytest.mark.parametrize(
        ("content", "person"),
        [
            ("1\t/a/1.jpg\t0\n1\t/a/2.jpg\t0\n1\t/b/1.jpg\t1\n1\t/c/1.jpg\t2\n", "1"),  # flag, path, label
            ("1\t/a/1.jpg\t0\t1\t2\t3\t4\n1\t/a/2.jpg\t0\n1\t/b/1.jpg\t1\n", "1"),  # with a box
            ("1\t/a/1.jpg\t7\n1\t/a/2.jpg\t7\n1\t/b/1.jpg\t8\n", "unreadable"),  # the list of another pack
            ("name,label\n/a/1.jpg,0\n", "unreadable"),
            ("", "unreadable"),
            ("\x00\xff\n", "unreadable"),
        ],
    )
    @pytest.mark.parametrize("with_index", [True, False])
    def test_no_list_that_lies_beside_it_refuses_the_pack(
        self, pack: Path, content: str, person: str, with_index: bool
    ) -> None:
        spoil(pack, BOB, b"\0" * 8 + BOB[8:])
        if not with_index:
            pack.with_suffix(".idx").unlink()
        pack.with_suffix(".lst").write_text(content, encoding="latin-1")
        assert RecordPack(pack).listing().subject.tolist() == ["0", "0", person, "2", "2", "2"]

    def test_records_that_are_announced_but_gone_are_listed(self, pack: Path) -> None:
        index = pack.with_suffix(".idx")
        index.write_text("".join(line for line in index.read_text().splitlines(True) if not line.startswith("5\t")))
        opened = RecordPack(pack)
        assert opened.listing().names == ("1", "2", "3", "4", "5", "6")
        assert opened.listing().subject.tolist() == ["0", "0", "1", "2", "unreadable", "2"]
        with pytest.raises(FlawedImage, match=r"record 5: got unreadable \(no record has this number"):
            opened.read("5")

    def test_a_damaged_header_of_a_person_is_no_image(self, pack: Path) -> None:
        person = frame(struct.pack("<IfQQff", 2, 0.0, 7, 0, 1.0, 3.0))
        spoil(pack, person, b"\0" * len(person))
        assert RecordPack(pack).listing().names == ("1", "2", "3", "4", "5", "6")

    def test_a_file_that_was_cut_off(self, tmp_path: Path) -> None:
        with writing(tmp_path / "train.rec") as writer:
            for key in range(4):
                writer.write(key, 1.0, b"image" * 9)
        (tmp_path / "train.rec").write_bytes((tmp_path / "train.rec").read_bytes()[:-20])
        opened = RecordPack(tmp_path / "train.rec")
        assert opened.listing().subject.tolist() == ["1", "1", "1", "unreadable"]
        with pytest.raises(FlawedImage, match=r"record 3: got truncated \(cut off: 69 bytes from byte 248") as caught:
            opened.read("3")
        assert caught.value.flaw is Flaw.TRUNCATED

    @pytest.mark.parametrize("name", ["01", "x", "", "1.jpg", "+1", "1" * 30, "\u0661"])
    def test_other_names_are_no_records(self, pack: Path, name: str) -> None:
        with pytest.raises(FlawedImage, match="no record has this name"):
            RecordPack(pack).read(name)

    def test_more_promised_than_there(self, tmp_path: Path) -> None:
        with writing(tmp_path / "train.rec") as writer:
            writer.write(1, 0.0, b"image")
            writer.write(0, (1e9, 1e9 + 1))
        with pytest.raises(
            RosterError, match=r"got 2 records, where record 0 announces 999,999,999 images; .*its \.idx"
        ):
            RecordPack(tmp_path / "train.rec").listing()

    def test_a_file_of_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "train.rec").write_bytes(b"no records here" * 9)
        with pytest.raises(RosterError, match=r"train\.rec: got no record in it; expected a RecordIO file"):
            RecordPack(tmp_path / "train.rec").listing()


class TestDamage:
    """`RecordFile` tells, and goes on."""

    def test_iterating_gives_the_error_of_a_damaged_record_in_its_place(self, pack: Path) -> None:
        spoil(pack, BOB, b"\0" * 8 + BOB[8:])
        found = list(RecordFile(pack))
        assert [type(one) for one in found[:4]] == [PackRecord, PackRecord, FlawedImage, PackRecord]

    def test_too_many_labels(self, tmp_path: Path) -> None:
        content = (
            frame(struct.pack("<IfQQ", 1 << 30, 0.0, 0, 0)) + frame(b"short") + frame(struct.pack("<IfQQ", 0, 1, 2, 0))
        )
        (tmp_path / "x.rec").write_bytes(content)
        first, second, third = RecordFile(tmp_path / "x.rec")
        assert isinstance(first, FlawedImage)
        assert "1,073,741,824 labels in 24 bytes" in str(first)
        assert isinstance(second, FlawedImage)
        assert "too short for a header" in str(second)
        assert third == PackRecord(2, (1.0,), b"")
        assert RecordFile(tmp_path / "x.rec").headers().sound.tolist() == [False, False, True]

    def test_records_that_give_themselves_no_number_are_counted(self, tmp_path: Path) -> None:
        one = frame(struct.pack("<IfQQ", 0, 4.0, 0, 0) + b"image")
        (tmp_path / "x.rec").write_bytes(one * 3)
        assert RecordFile(tmp_path / "x.rec").keys.tolist() == [0, 1, 2]

    @pytest.mark.parametrize("ids", [[5, None, 7], [None, 3], [2, None, 3], [1, None, None, 2]])
    def test_damaged_records_get_numbers_of_their_own(self, tmp_path: Path, ids: list[int | None]) -> None:
        records = [frame(struct.pack("<IfQQ", 0, 4.0, i, 0)) if i is not None else b"?" * 32 + b"??? " for i in ids]
        (tmp_path / "x.rec").write_bytes(b"".join(records))
        keys = RecordFile(tmp_path / "x.rec").keys.tolist()
        sound = [i for i in ids if i is not None]
        assert [key for key in keys if key in sound] == sound
        assert len(set(keys)) == len(keys)

    def test_files_that_cannot_be_opened(self, tmp_path: Path) -> None:
        (tmp_path / "empty.rec").touch()
        with pytest.raises(RosterError, match=r"empty\.rec: got a file that cannot be read"):
            RecordFile(tmp_path / "empty.rec")
        with pytest.raises(RosterError, match=r"gone\.rec: got no such file; expected a RecordIO file"):
            RecordFile(tmp_path / "gone.rec")


class TestWriter:
    def test_a_number_is_written_once(self, tmp_path: Path) -> None:
        def twice() -> None:
            with writing(tmp_path / "x.rec") as writer:
                writer.write(1, 0.0)
                writer.write(1, 0.0)

        with pytest.raises(RosterError, match="record 1: got the same number twice"):
            twice()
        assert not list(tmp_path.iterdir()), "nothing half done is left"

    def test_nothing_too_large_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bareface.faces.packs.recordio.MAX_PAYLOAD", 100)
        with pytest.raises(RosterError, match="record 1: got a record of more"), writing(tmp_path / "x.rec") as writer:
            writer.write(1, 0.0, b"x" * 100)


class TestSidecars:
    @pytest.mark.parametrize(
        "text", ["1\tx\n", "1\n", "1\t2\t3\n", "1 2\n", "1.5\t2\n", "", "9" * 30 + "\t0\n", "\0\xff"]
    )
    def test_an_index_of_something_else(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "train.idx"
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(
            RosterError, match=r"train\.idx: got no index .*Try: remove train\.idx: the records will be"
        ):
            read_index(path)

    def test_an_index_that_lists_a_record_twice(self, tmp_path: Path) -> None:
        (tmp_path / "train.idx").write_text("1\t0\n1\t40\n")
        with pytest.raises(RosterError, match="got a record listed twice"):
            read_index(tmp_path / "train.idx")

    def test_an_index_that_gives_one_place_to_two_records(self, tmp_path: Path) -> None:
        (tmp_path / "train.idx").write_text("1\t0\n2\t0\n")
        with pytest.raises(RosterError, match="got two records at one byte"):
            read_index(tmp_path / "train.idx")

    def test_lists_of_im2rec(self, tmp_path: Path) -> None:
        (tmp_path / "x.lst").write_text(
            "0\t1.000000\tada lovelace/1.jpg\n5\t2\t0.5\tbob/\udce9.jpg\n", errors="surrogateescape"
        )
        found = read_list(tmp_path / "x.lst")
        assert found == {0: Listed((1.0,), "ada lovelace/1.jpg"), 5: Listed((2.0, 0.5), "bob/\udce9.jpg")}

    def test_lists_of_insightface_number_their_records_as_they_go(self, tmp_path: Path) -> None:
        box, landmarks = "\t1\t2\t3\t4", "\t5" * 10
        lines = ["1\t/data/ada/1.jpg\t7", f"0\t/data/b/2.jpg\t8{box}", f"0\t/data/c/3.jpg\t9{box}{landmarks}"]
        (tmp_path / "x.lst").write_text("\n".join(lines) + "\n")
        assert read_list(tmp_path / "x.lst") == {
            1: Listed((7.0,), "/data/ada/1.jpg"),
            2: Listed((9.0,), "/data/c/3.jpg"),
        }

    @pytest.mark.parametrize("line", ["x\t1\tpath", "1", "1\tlabel\tpath", ""])
    def test_a_list_of_something_else(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "x.lst").write_text(f"0\t1\tada/1.jpg\n{line}\n")
        with pytest.raises(RosterError, match=r"x\.lst, line 2: got a line that cannot be read"):
            read_list(tmp_path / "x.lst")

    @pytest.mark.parametrize("text", ["", "1,2", "a,b,c", "1,2,3,4"])
    def test_a_property_file_of_something_else(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "property").write_text(text)
        with pytest.raises(RosterError, match=r"got no property file .* expected people,height,width"):
            read_property(tmp_path / "property")


def test_reading_from_many_threads(pack: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    file = RecordFile(pack)
    keys = np.random.default_rng(0).integers(1, 7, 2_000).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert [record.key for record in pool.map(file.read, keys)] == keys
