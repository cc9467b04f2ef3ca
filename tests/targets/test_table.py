"""Tables of embeddings: what is read, how images are found in them, what is refused."""

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import BarefaceError, TargetError
from bareface.targets.table import EmbeddingTable, is_table, read_table

IMAGES = ["a/1.png", "a/2.png", "b/1.png"]
VALUES = np.arange(24, dtype=np.float32).reshape(6, 4)


def parquet(path: Path, **columns: object) -> Path:
    usual = {"image": IMAGES * 2, "view": ["image"] * 3 + ["flip"] * 3, "embedding": VALUES.tolist()}
    table = {**usual, **columns}
    pq.write_table(pa.table({name: column for name, column in table.items() if column is not None}), path)
    return path


def npy(path: Path, values: np.ndarray = VALUES, lines: str | None = None) -> Path:
    rows = zip(IMAGES * 2, ["image"] * 3 + ["flip"] * 3, strict=True)
    np.save(path, values)
    path.with_suffix(".csv").write_text(lines or "image,view\n" + "".join(f"{i},{v}\n" for i, v in rows))
    return path


@pytest.mark.parametrize("write", [parquet, npy])
def test_every_view_of_every_image_is_in_its_place(write: object, tmp_path: Path) -> None:
    table = read_table(write(tmp_path / ("t.npy" if write is npy else "t.parquet")))  # type: ignore[operator]
    assert (table.views, table.embedding_size, table.name) == (("image", "flip"), 4, "t")
    for row, image in enumerate(IMAGES):
        np.testing.assert_array_equal(table.values[table.keys[image]], VALUES[[row, row + 3]])


def test_rows_come_in_any_order_and_views_in_one(tmp_path: Path) -> None:
    order = [5, 0, 3, 2, 1, 4, 8, 6, 7]
    views = ["image"] * 3 + ["flip"] * 3 + ["bright"] * 3
    values = np.arange(36, dtype=np.float32).reshape(9, 4)
    shuffled = {
        "image": [(IMAGES * 3)[n] for n in order],
        "view": [views[n] for n in order],
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(values[order].ravel()), 4),
    }
    table = read_table(parquet(tmp_path / "t.parquet", **shuffled))
    assert table.views == ("image", "flip", "bright")
    np.testing.assert_array_equal(table.values[table.keys["b/1.png"]], values[[2, 5, 8]])


def test_without_views_there_is_the_image_alone(tmp_path: Path) -> None:
    table = read_table(parquet(tmp_path / "t.parquet", image=IMAGES, view=None, embedding=VALUES[:3].tolist()))
    assert table.views == ("image",)


@pytest.mark.parametrize(
    ("key", "image", "digest"),
    [("a/1.png", "a/1.png", "d1"), ("/home/a/1.png", "home/a/1.png", "d1"), ("d1", "elsewhere.png", "d1")],
    ids=["as the roster writes it", "absolute path", "SHA-256"],
)
def test_an_image_is_found_by_name_path_or_digest(key: str, image: str, digest: str, tmp_path: Path) -> None:
    table = read_table(parquet(tmp_path / "t.parquet", image=[key], view=None, embedding=VALUES[:1].tolist()))
    assert table.rows_of([image], [digest]) == {digest: 0}


def test_an_image_without_an_embedding_is_an_error(tmp_path: Path) -> None:
    table = read_table(parquet(tmp_path / "t.parquet"))
    expected = r"t: got no embedding for 1 of 2 images, first 'c.png'; expected one for every image .* Try: writing"
    with pytest.raises(TargetError, match=expected):
        table.rows_of(["a/1.png", "c.png"], ["d1", "d2"])


def test_other_numbers_or_names_are_another_target(tmp_path: Path) -> None:
    one = read_table(npy(tmp_path / "1.npy")).sha256
    assert read_table(npy(tmp_path / "2.npy")).sha256 == one
    assert read_table(npy(tmp_path / "3.npy", VALUES + 1)).sha256 != one
    lines = (tmp_path / "1.csv").read_text().replace("a/1", "a/9")
    assert read_table(npy(tmp_path / "4.npy", lines=lines)).sha256 != one


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"embedding": None}, r"got the columns image, view; expected the columns image, embedding"),
        ({"embedding": [[1.0, 2.0]] * 5 + [[1.0]]}, r"got embeddings of 1, 2 numbers; expected the same number"),
        ({"embedding": [[1.0]] * 6}, r"got numbers of shape \(6, 1\); expected embeddings"),
        ({"embedding": [[float("nan"), 1.0]] * 6}, r"got 6 of 6 embeddings with NaN or infinite numbers"),
        ({"embedding": ["x"] * 6}, r"got embeddings of type string; expected lists of numbers"),
        ({"embedding": [None, *VALUES[1:].tolist()]}, r"got embeddings of 4, None numbers"),
        ({"image": [None, *(IMAGES * 2)[1:]]}, r"got a file that cannot be read \(empty cells in the column image\)"),
        ({"view": ["flip"] * 6}, r"got the views flip; expected a view 'image', the picture as it is"),
        ({"view": ["image"] * 6}, r"got the view 'image' of 'a/1.png' 2 times; expected every view of every"),
        ({"view": ["image"] * 5 + ["flip"], "image": [*IMAGES, "c", "d", "b/1.png"]}, r"the view 'flip' .* 0 times"),
        ({"view": [f"v{n}" for n in range(6)]}, r"got the views v0, v1, v2, v3, v4, v5; expected a view 'image'"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(columns: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=message):
        read_table(parquet(tmp_path / "t.parquet", **columns))


@pytest.mark.parametrize(
    ("values", "lines", "message"),
    [
        (VALUES[:5], None, r"got 6 names for numbers of shape \(5, 4\); expected one line in the .csv for each row"),
        (VALUES.ravel(), None, r"got 6 names for numbers of shape \(24,\)"),
        (VALUES.astype(int), None, r"got an array of int64; expected floating point numbers"),
        (VALUES, "picture\na\n", r"got the columns picture; expected a column image"),
    ],
)
def test_what_is_no_array_with_names_is_refused(
    values: np.ndarray, lines: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BarefaceError, match=message):
        read_table(npy(tmp_path / "t.npy", values, lines))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "t.csv").write_text("image\na\n")
    with pytest.raises(TargetError, match=r"got a file that cannot be read \(.*[Oo]bjects"):
        read_table(tmp_path / "t.npy")


def test_an_archive_in_the_place_of_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.npy").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "t.csv").write_text("image\na\n")
    with pytest.raises(TargetError, match="got a file that cannot be read"):
        read_table(tmp_path / "t.npy")


def test_a_table_that_inflates_is_refused(tmp_path: Path) -> None:
    many = pa.table({"image": ["a"] * 1_000_000, "embedding": pa.array([[0.0, 0.0]] * 1_000_000)})
    pq.write_table(many, tmp_path / "t.parquet", compression="zstd")
    with pytest.raises(TargetError, match=r"got 1,000,000 rows and [\d,]+ bytes of cells in a file of [\d,]+ bytes"):
        read_table(tmp_path / "t.parquet")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"t.parquet: got no such file; expected a table of embeddings"):
        read_table(tmp_path / "t.parquet")
    np.save(tmp_path / "t.npy", VALUES)
    with pytest.raises(TargetError, match=r"t.csv: got no such file; expected a CSV with the columns image and view"):
        read_table(tmp_path / "t.npy")


def test_tables_are_known_by_their_names() -> None:
    assert is_table(Path("a.parquet"))
    assert is_table(Path("a.npy"))
    assert is_table(Path("A.NPY"))
    assert not is_table(Path("a.onnx"))


def test_a_table_has_no_head(tmp_path: Path) -> None:
    table: EmbeddingTable = read_table(parquet(tmp_path / "t.parquet"))
    assert table.without_head() is table
    assert table.centres is None


def seeds() -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        table, array = parquet(Path(folder) / "t.parquet"), npy(Path(folder) / "t.npy")
        return table.read_bytes(), array.read_bytes()


PARQUET, NPY = seeds()


@settings(max_examples=80)
@given(
    which=st.booleans(),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8), st.booleans()), min_size=1, max_size=4
    ),
)
def test_broken_tables_are_refused_by_the_house(
    which: bool, edits: list[tuple[float, bytes, bool]], tmp_path: Path
) -> None:
    path = npy(tmp_path / "t.npy") if which else parquet(tmp_path / "t.parquet")
    content = NPY if which else PARQUET
    for share, piece, over in edits:
        at = int(share * len(content))
        content = content[:at] + piece + content[at + over * len(piece) :]
    path.write_bytes(content)
    with suppress(BarefaceError):
        read_table(path)
