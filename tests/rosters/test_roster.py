import os
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bareface.errors import RosterError
from bareface.rosters.roster import Roster, join, read_folder, read_manifest, write_manifest
from bareface.storage.columns import write_csv
from bareface.vocabulary import Role

# A name as file systems hold them, without the white space around it that a table drops.
NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and name not in ("", ".", "..")
)
ROW = st.tuples(st.lists(NAME, min_size=1, max_size=3).map("/".join), NAME, st.sampled_from([*map(str, Role), "other"]))


def roster(*rows: tuple[str, str, str], root: Path = Path("faces")) -> Roster:
    image, subject, role = zip(*rows, strict=True) if rows else ((), (), ())
    return Roster(root, image, np.array(subject, dtype=str), np.array(role, dtype=str))


def table_of(one: Roster) -> list[tuple[str, str, str]]:
    return list(zip(one.image, one.subject.tolist(), one.role.tolist(), strict=True))


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "faces.csv"
    path.write_text(text, encoding="utf-8")
    return path


THREE = roster(("a/0.jpg", "a", "member"), ("a/1.jpg", "a", "heldout"), ("b/0.jpg", "b", "outside"))


class TestRoster:
    """The rows and what can be asked of them."""

    def test_an_image_listed_twice_is_refused(self):
        with pytest.raises(
            RosterError, match=r"1 images listed more than once, the first is 'x\.jpg'; expected every image once"
        ):
            roster(("x.jpg", "a", "member"), ("x.jpg", "a", "outside"))

    @pytest.mark.parametrize("role", ["Member", "", "held out", "-x", "x" * 33, "<b>"])
    def test_a_role_that_is_no_role_is_refused(self, role):
        with pytest.raises(RosterError, match="expected a role in small letters"):
            roster(("x.jpg", "a", role))

    def test_rows_of_roles_are_in_order(self):
        assert THREE.rows("outside", "member").tolist() == [0, 2]
        assert THREE.rows("public").size == 0

    def test_take_by_numbers_by_mask_and_none(self):
        assert table_of(THREE.take([2, 0])) == [table_of(THREE)[2], table_of(THREE)[0]]
        assert table_of(THREE.take(THREE.role == "heldout")) == [table_of(THREE)[1]]
        assert len(THREE.take([])) == len(THREE.take(THREE.rows("public"))) == 0
        assert len(roster().take(np.zeros(0, dtype=bool))) == 0

    def test_head_count_counts_people_and_images(self):
        assert THREE.head_count() == {"heldout": (1, 1), "member": (1, 1), "outside": (1, 1)}
        assert THREE.with_role("public").head_count() == {"public": (2, 3)}

    def test_join_keeps_where_the_files_lie(self, tmp_path):
        one = roster(("a/0.jpg", "a", "member"), root=tmp_path / "one")
        two = roster(("a/0.jpg", "a", "outside"), root=tmp_path / "two")
        both = join(one, two)
        assert [path.resolve() for path in both.paths] == [path.resolve() for path in one.paths + two.paths]
        assert both.role.tolist() == ["member", "outside"]
        assert not any(Path(image).is_absolute() for image in both.image)

    def test_joining_a_file_with_itself_is_refused(self, tmp_path):
        one = roster(("a/0.jpg", "a", "member"), root=tmp_path)
        with pytest.raises(RosterError, match="more than once"):
            join(one, one.with_role("outside"))


class TestReadFolder:
    """Folders of subject/image."""

    def test_files_are_sorted_and_hidden_ones_left_out(self, tmp_path):
        for name in ("bo/1.jpg", "ada/2.jpg", "ada/10.png", "ada/.DS_Store", "ada/notes.txt", "ada/deep/x.jpg"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        found = read_folder(tmp_path, "outside")
        assert found.image == ("ada/10.png", "ada/2.jpg", "ada/notes.txt", "bo/1.jpg")
        assert found.subject.tolist() == ["ada", "ada", "ada", "bo"]
        assert set(found.role.tolist()) == {"outside"}

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(RosterError, match="no such folder; expected a folder of subject/image files"):
            read_folder(tmp_path / "gone", "member")

    def test_loose_images_are_recognised(self, tmp_path):
        (tmp_path / "0.JPG").touch()
        with pytest.raises(
            RosterError, match=r"1 images lying loose; .* Try: move the images to FOLDER/<person>/<image>"
        ):
            read_folder(tmp_path, "member")

    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(RosterError, match="got no images"):
            read_folder(tmp_path, "member")


class TestRoundTrip:
    """What is written is what is read."""

    @settings(max_examples=100)
    @given(st.lists(ROW, min_size=1, max_size=6, unique_by=lambda row: row[0]), st.sampled_from(["csv", "parquet"]))
    @example([('a,"b"\r\n/c.jpg', "\ufeffx\ny", "member"), ("=cmd/1.jpg", "'", "public")], "csv")
    def test_any_names(self, rows, suffix):
        assume(all(cell == cell.strip() for row in rows for cell in row))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"faces.{suffix}"
            write_manifest(roster(*rows), path)
            back = read_manifest(path)
        assert table_of(back) == [(image, unicodedata.normalize("NFC", who), role) for image, who, role in rows]
        assert back.root == path.parent

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_an_empty_roster_is_written_but_refused_when_read(self, tmp_path, suffix):
        write_manifest(roster(), tmp_path / f"faces.{suffix}")
        with pytest.raises(RosterError, match="no rows; expected one row for each image"):
            read_manifest(tmp_path / f"faces.{suffix}")

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_a_name_that_is_not_utf8_is_refused_by_name(self, tmp_path, suffix):
        name = os.fsdecode(b"caf\xe9.jpg")
        with pytest.raises(RosterError, match=r"'caf\\udce9\.jpg'; expected names in UTF-8\. Try: rename the file"):
            write_manifest(roster((name, "a", "member")), tmp_path / f"faces.{suffix}")
        assert list(tmp_path.iterdir()) == []


class TestMembershipColumn:
    """The short form that people bring."""

    @pytest.mark.parametrize("yes", ["1", "true", "YES", "Member"])
    @pytest.mark.parametrize("no", ["0", "False", "no", "nonmember"])
    def test_unused_photos_of_training_people_are_heldout(self, tmp_path, yes, no):
        text = f"image,subject,membership\n0.jpg,ada,{no}\n1.jpg,ada,{yes}\n2.jpg,bo,{no}\n"
        assert read_manifest(csv_file(tmp_path, text)).role.tolist() == ["heldout", "member", "outside"]

    def test_role_wins_over_membership(self, tmp_path):
        text = "membership,image,subject,role\n1,0.jpg,ada,public\n"
        assert read_manifest(csv_file(tmp_path, text)).role.tolist() == ["public"]

    def test_another_word_is_refused(self, tmp_path):
        with pytest.raises(RosterError, match="membership 'maybe'; expected 1 or 0"):
            read_manifest(csv_file(tmp_path, "image,subject,membership\n0.jpg,ada,maybe\n"))

    @pytest.mark.parametrize("column", [[1, 0], [True, False], pa.array(["yes", "no"]).dictionary_encode()])
    def test_parquet_numbers_booleans_and_categories(self, tmp_path, column):
        table = pa.table({"image": ["0.jpg", "1.jpg"], "subject": [7, 8], "membership": column})
        pq.write_table(table, tmp_path / "faces.parquet")
        found = read_manifest(tmp_path / "faces.parquet")
        assert found.role.tolist() == ["member", "outside"]
        assert found.subject.tolist() == ["7", "8"]


class TestManifestsThatAreOff:
    """Each with its message."""

    @pytest.mark.parametrize("name", ["../x.jpg", "a/../../x.jpg", "/etc/passwd", "a/.."])
    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_paths_that_leave_the_folder(self, tmp_path, name, suffix):
        write_manifest(roster(("ok.jpg", "a", "member"), (name, "a", "member")), tmp_path / f"faces.{suffix}")
        with pytest.raises(RosterError, match=r"line 3: got image .*; expected a path inside the table's folder"):
            read_manifest(tmp_path / f"faces.{suffix}")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "got no rows"),
            ("image,subject,role\n", "got no rows"),
            ("image,subject\n0.jpg,ada\n", r"the columns image, subject; expected a column role or membership"),
            ("image,role\n0.jpg,member\n", "expected a column subject"),
            (
                "image,subject,role\n0.jpg,ada,member\n1.jpg,ada\n",
                "line 3: got another number of cells; expected 3 cells",
            ),
            ("image,subject,role\n0.jpg,ada,member,9\n", "line 2: got another number of cells; expected 3 cells"),
            ("image,subject,role\n0.jpg, ,member\n", "line 2: got an empty subject; expected a subject in every row"),
            (
                "image,subject,role,role\n0.jpg,ada,member,outside\n",
                "the column role twice; expected every column once",
            ),
            ('image,subject,role\n"0.jpg,ada,member\n', "a file that is no CSV"),
            ("image,subject,role\n0.jpg,ada,member\n0.jpg,ada,outside\n", "listed more than once"),
        ],
    )
    def test_csv(self, tmp_path, text, message):
        with pytest.raises(RosterError, match=message):
            read_manifest(csv_file(tmp_path, text))

    def test_a_byte_order_mark_blank_lines_and_spaces_do_no_harm(self, tmp_path):
        path = csv_file(tmp_path, "\ufeffimage,subject,role\r\n\r\n0.jpg , ada,member\r\n")
        assert table_of(read_manifest(path)) == [("0.jpg", "ada", "member")]

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(RosterError, match="no such file; expected a CSV or Parquet manifest"):
            read_manifest(tmp_path / "gone.csv")

    @pytest.mark.parametrize(
        ("suffix", "reader"), [("csv", "pathlib.Path.open"), ("parquet", "bareface.rosters.roster.pq.ParquetFile")]
    )
    def test_a_file_that_may_not_be_read(self, tmp_path, monkeypatch, suffix, reader):
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        (tmp_path / f"faces.{suffix}").touch()
        monkeypatch.setattr(reader, refuse)
        with pytest.raises(RosterError, match="Permission denied"):
            read_manifest(tmp_path / f"faces.{suffix}")

    def test_columns_of_other_types_do_no_harm(self, tmp_path):
        # A time in nanoseconds has no Python value, yet every data frame writes one.
        columns = {
            "image": ["0.jpg"],
            "subject": ["ada"],
            "role": ["member"],
            "when": pa.array([1], pa.timestamp("ns")),
        }
        pq.write_table(pa.table(columns), tmp_path / "faces.parquet")
        assert table_of(read_manifest(tmp_path / "faces.parquet")) == [("0.jpg", "ada", "member")]

    def test_a_parquet_column_twice(self, tmp_path):
        cells = [pa.array(["0.jpg"]), pa.array(["ada"]), pa.array(["member"]), pa.array(["outside"])]
        pq.write_table(pa.Table.from_arrays(cells, ["image", "subject", "role", "role"]), tmp_path / "faces.parquet")
        with pytest.raises(RosterError, match="the column role twice"):
            read_manifest(tmp_path / "faces.parquet")

    def test_a_folder_named_like_a_column_adds_no_column(self, tmp_path):
        path = tmp_path / "role=member" / "faces.parquet"
        path.parent.mkdir()
        pq.write_table(pa.table({"image": ["0.jpg"], "subject": ["ada"]}), path)
        with pytest.raises(RosterError, match="expected a column role or membership"):
            read_manifest(path)

    def test_parquet_of_lists_and_missing_cells(self, tmp_path):
        pq.write_table(
            pa.table({"image": [["0.jpg"]], "subject": ["a"], "role": ["member"]}), tmp_path / "lists.parquet"
        )
        with pytest.raises(RosterError, match="expected a Parquet table"):
            read_manifest(tmp_path / "lists.parquet")
        pq.write_table(
            pa.table({"image": ["0.jpg"], "subject": pa.nulls(1), "role": ["member"]}), tmp_path / "nulls.parquet"
        )
        with pytest.raises(RosterError, match="got an empty subject"):
            read_manifest(tmp_path / "nulls.parquet")


class TestTablesThatInflate:
    """A manifest takes memory by what it holds, not by what it claims."""

    def test_one_row_repeated_without_end(self, tmp_path):
        cells = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, np.int32)), ["a/1.jpg"])
        pq.write_table(pa.table({"image": cells, "subject": cells, "role": cells}), tmp_path / "faces.parquet")
        with pytest.raises(
            RosterError, match=r"got 200,000 rows and .* in a file of \d,\d{3} bytes; expected a row for each"
        ):
            read_manifest(tmp_path / "faces.parquet")

    def test_one_text_that_packs_well(self, tmp_path):
        columns = {"image": ["1.jpg"], "subject": ["x" * 2_000_000], "role": ["member"]}
        pq.write_table(pa.table(columns), tmp_path / "faces.parquet", compression="zstd")
        with pytest.raises(RosterError, match=r"got 1 rows and 2,\d{3},\d{3} bytes of cells in a file of"):
            read_manifest(tmp_path / "faces.parquet")

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_a_name_that_is_none(self, suffix, tmp_path):
        """One long subject would make every subject as long: 100,000 characters for each of the images."""
        columns = {"image": ["1.jpg", "2.jpg"], "subject": ["a", "b" * 100_000], "role": ["member", "member"]}
        path = tmp_path / f"faces.{suffix}"
        if suffix == "csv":
            csv_file(
                tmp_path, "\n".join(",".join(row) for row in [tuple(columns), *zip(*columns.values(), strict=True)])
            )
        else:
            pq.write_table(pa.table(columns), path, compression="none")
        with pytest.raises(
            RosterError, match=r"got a subject of 100,000 characters, 'b{40}'\.\.\.; expected at most 256"
        ):
            read_manifest(path)


class TestArbitraryBytes:
    """Whatever a manifest holds, a roster or a RosterError comes out."""

    folder = tempfile.TemporaryDirectory()

    def attempt(self, content: bytes, suffix: str) -> None:
        path = Path(self.folder.name) / f"faces.{suffix}"
        path.write_bytes(content)
        try:
            found = read_manifest(path)
        except RosterError:
            return
        assert all(".." not in image.parts and not image.is_absolute() for image in map(Path, found.image))
        assert len(found.image) == len(found.subject) == len(found.role) > 0

    @settings(max_examples=200)
    @given(st.binary(max_size=200))
    def test_csv_of_bytes(self, body):
        self.attempt(body, "csv")
        self.attempt(b"image,subject,membership\n" + body, "csv")

    @settings(max_examples=200)
    @given(
        st.lists(st.lists(st.text(max_size=8) | st.sampled_from(["..", "/", "member", "1"]), max_size=4), max_size=4)
    )
    def test_csv_of_cells(self, rows):
        body = "\n".join(",".join(row) for row in rows)
        self.attempt(("image,subject,role\n" + body).encode("utf-8", "surrogatepass"), "csv")

    @settings(max_examples=200)
    @given(st.data())
    def test_mutated_parquet(self, data):
        content = bytearray(self.parquet(data.draw(st.sampled_from(["none", "snappy"]))))
        changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
        for at, value in data.draw(st.lists(changes, min_size=1, max_size=4)):
            content[at] = value
        self.attempt(bytes(content), "parquet")

    def test_any_byte_of_a_parquet_file_lost(self):
        content = self.parquet("snappy")
        for at in range(len(content)):
            self.attempt(content[:at] + b"\0" + content[at + 1 :], "parquet")

    def parquet(self, compression: str) -> bytes:
        path = Path(self.folder.name) / "seed.parquet"
        table = pa.table({"image": ["a/0.jpg", "a/é.jpg"], "subject": ["ä", "b"], "membership": [1, 0]})
        pq.write_table(table, path, compression=compression)
        return path.read_bytes()


class TestOneForm:
    """A name is one name, however its accents were typed and wherever it is read."""

    @given(st.lists(NAME, min_size=1, max_size=6))
    def test_both_forms_are_one_person(self, names):
        image = tuple(f"{number}.jpg" for number in range(len(names)))
        roles = np.full(len(names), "member")
        found = [
            Roster(Path("x"), image, np.array([unicodedata.normalize(form, name) for name in names]), roles)
            for form in ("NFC", "NFD")
        ]
        assert found[0].subject.tolist() == found[1].subject.tolist()
        assert found[0].subject.tolist() == [unicodedata.normalize("NFC", name) for name in names]

    @given(st.lists(NAME, min_size=1, max_size=6), st.sampled_from(["csv", "parquet"]), st.booleans())
    def test_in_tables(self, names, suffix, by_membership):
        """A non-member image in one form of somebody with a member image in the other is held out."""
        form = {
            number: unicodedata.normalize(("NFC", "NFD")[number % 2], name) for number, name in enumerate(names * 2)
        }
        said = [int(number < len(names)) for number in form]
        cells = (
            {"membership": list(map(str, said))}
            if by_membership
            else {"role": [("heldout", "member")[s] for s in said]}
        )
        columns = {"image": [f"{number}.jpg" for number in form], "subject": list(form.values()), **cells}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"people.{suffix}"
            pq.write_table(pa.table(columns), path) if suffix == "parquet" else write_csv(path, columns)
            found = read_manifest(path)
        assert found.subject.tolist() == [unicodedata.normalize("NFC", name) for name in names] * 2
        assert found.role.tolist() == ["member"] * len(names) + ["heldout"] * len(names)

    def test_in_folders_whose_paths_stay_as_they_are(self, tmp_path):
        for form in ("NFC", "NFD"):
            (tmp_path / unicodedata.normalize(form, "José")).mkdir()
            (tmp_path / unicodedata.normalize(form, "José") / f"{form}.jpg").touch()
        found = read_folder(tmp_path, "member")
        assert set(found.subject.tolist()) == {unicodedata.normalize("NFC", "José")}
        assert all(path.is_file() for path in found.paths)
        assert len({os.path.dirname(image) for image in found.image}) == 2

    def test_longer_in_one_form_than_in_the_other(self):
        """Some signs have no composed form and become longer."""
        name = "\u0958\u2adc"
        assert len(unicodedata.normalize("NFC", name)) > len(name)
        assert roster(("a.jpg", name, "member")).subject.tolist() == [unicodedata.normalize("NFC", name)]
