"""A table of embeddings as a target: somebody asked the model before, and this is what it said.

name.parquet   columns `image`, `embedding` (lists of numbers) and, where there is more than one view, `view`
name.npy       (rows, d) numbers, with name.csv beside it: the columns `image` and `view`, a line for each row

`image` is the image as the roster writes it, its absolute path, or the SHA-256 of the file. The view `image` is the
picture as it is; `flip` is its mirror image; others may have any name.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.errors import TargetError
from bareface.records.evidence import TargetCard
from bareface.settings.spec import USUAL_INPUT, ImageSpec
from bareface.storage.columns import column, read_csv
from bareface.storage.files import sha256_of
from bareface.targets.printable import printable
from bareface.untrusted.regular import is_file, open_file, what_lies_at

PLAIN, FLIP, NPY = "image", "flip", b"\x93NUMPY"
LAYOUT = "the layout in docs/targets.md, Embeddings only"
ONCE = "one row for each image and view; where images have no mirror image, leave that view out for all"
GAPS = "leaving these images out of the table and of the roster"
EXPECTED = "a table of embeddings: .parquet, or .npy with a .csv beside it"
MOST_ROWS, MOST_NUMBERS, MOST_INFLATED, MOST_VIEWS = 50_000_000, 1 << 33, 200, 64
_ARROW_GIVES_UP = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError)
# NumPy reads the header of an .npy file as Python source.
_NUMPY_GIVES_UP = (
    *(ValueError, OSError, EOFError, MemoryError, SyntaxError, OverflowError, TypeError, RecursionError),
    TokenError,
)

Embeddings = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """What a model said about some images.

    Attributes:
        name: what reports call it.
        keys: which image each row of the answers is about; row numbers by key.
        views: names of the views, `image` first, then `flip`, then the others by name.
        values: (images, views, d) float32.
        sha256: fingerprint of the numbers' file and, for .npy, of the names beside it.
        source: the file, shown only to the owner.
        spec: the size at which controls of this audit look at the images; the table does not say what the model takes.
        centres: none.
    """

    name: str
    keys: Mapping[str, int]
    views: tuple[str, ...]
    values: Embeddings
    sha256: str
    source: str = ""
    spec: ImageSpec = USUAL_INPUT
    centres: ClassVar[None] = None
    architecture: ClassVar[str] = "unknown (embeddings only)"

    @property
    def embedding_size(self) -> int:
        """d."""
        return int(self.values.shape[2])

    def without_head(self) -> "EmbeddingTable":
        """The same."""
        return self

    def card(self) -> TargetCard:
        """What a report says of it; None and `unknown` for whatever it hides."""
        return TargetCard(
            name=self.name,
            source="embeddings",
            sha256=self.sha256,
            architecture=self.architecture,
            parameters=None,
            embedding_size=self.embedding_size,
            input="images that somebody else showed to the model",
            batchnorm_layers=None,
            degenerate_layers=(),
            head_identities=None,
        )

    def rows_of(self, images: Sequence[str], digests: Sequence[str]) -> dict[str, int]:
        """Digest -> row, for images that are called so in the roster and have these SHA-256.

        Raises:
            TargetError: the table says nothing about some of them.
        """
        rows = {}
        missing = []
        for image, digest in zip(images, digests, strict=True):
            row = next((self.keys[key] for key in (image, f"/{image}", digest) if key in self.keys), None)
            if row is None:
                missing.append(image)
            else:
                rows[digest] = row
        if missing:
            raise TargetError(
                self.name,
                got=f"no embedding for {len(missing):,} of {len(images):,} images, first {printable(missing[0])!r}",
                expected="one for every image whose membership is asked for",
                hint="writing images as the roster does, or leaving these out of the roster",
            )
        return rows


def is_table(path: Path) -> bool:
    """Whether a path is called like a table of embeddings."""
    return path.suffix.lower() in (".parquet", ".npy")


def read_table(path: Path, *, name: str | None = None) -> EmbeddingTable:
    """The table at `path`.

    Raises:
        TargetError: it is missing or damaged, holds no embeddings, or lacks views of some images.
    """
    if not is_file(path):
        raise TargetError(str(path), got=what_lies_at(path), expected=EXPECTED, hint="checking the path")
    images, views, values = (_npy if path.suffix.lower() == ".npy" else _parquet)(path)
    refuse_odd_numbers(str(path), values)
    return assembled(str(path), images, views, values, name or path.stem, _fingerprint(path))


def refuse_odd_numbers(where: str, values: Embeddings) -> None:
    """Refuse what is no matrix of finite numbers."""
    if not len(values) or values.ndim != 2 or values.shape[1] < 2:
        got = f"numbers of shape {values.shape}"
        raise TargetError(
            where, got=got, expected="embeddings (rows, d), at least one row and two numbers", hint=LAYOUT
        )
    bad = int((~np.isfinite(values).all(1)).sum())
    if bad:
        got = f"{bad:,} of {len(values):,} embeddings with NaN or infinite numbers"
        raise TargetError(where, got=got, expected="numbers", hint=GAPS)


def assembled(
    where: str, images: list[str], views: list[str], values: Embeddings, name: str, fingerprint: str
) -> EmbeddingTable:
    """One row for each image, one column for each view; every image has every view."""
    keys = {image: row for row, image in enumerate(dict.fromkeys(images))}
    names = sorted(set(views), key=lambda view: (view != PLAIN, view != FLIP, view))
    if names[0] != PLAIN or len(names) > MOST_VIEWS:
        got = f"the views {printable(', '.join(names[:8]))}"
        raise TargetError(
            where, got=got, expected=f"a view {PLAIN!r}, the picture as it is, {MOST_VIEWS} at most", hint=LAYOUT
        )
    row = np.array([keys[image] for image in images])
    view = np.array([names.index(one) for one in views])
    counts = np.zeros((len(keys), len(names)), np.int64)
    np.add.at(counts, (row, view), 1)
    if (counts != 1).any():
        odd = np.argwhere(counts != 1)[0]
        image, times = list(keys)[odd[0]], counts[tuple(odd)]
        got = f"the view {printable(names[odd[1]])!r} of {printable(image)!r} {times} times"
        raise TargetError(where, got=got, expected="every view of every image once", hint=ONCE)
    arranged = np.empty((len(keys), len(names), values.shape[1]), np.float32)
    arranged[row, view] = values
    return EmbeddingTable(name, keys, tuple(names), arranged, fingerprint, where)


def _parquet(path: Path) -> tuple[list[str], list[str], Embeddings]:
    try:
        with pq.ParquetFile(path) as file:
            names, said = file.schema_arrow.names, file.metadata
            _refuse_sizes(path, said.num_rows, sum(_claimed(said)))
        if not {"image", "embedding"} <= set(names):
            got = f"the columns {printable(', '.join(names))}"
            raise TargetError(str(path), got=got, expected="the columns image, embedding and perhaps view", hint=LAYOUT)
        wanted = [name for name in ("image", "view", "embedding") if name in names]
        # Texts that repeat stay a dictionary, so that they take no room.
        with pq.ParquetFile(path, read_dictionary=wanted[:-1]) as file:
            table = file.read(columns=wanted)
        table.validate(full=True)  # Arrow does not look whether the words that a damaged file names are there
        images = _texts(table["image"], "image")
        views = _texts(table["view"], "view") if "view" in wanted else [PLAIN] * len(images)
        return images, views, _lists(path, table["embedding"])
    except _ARROW_GIVES_UP as error:
        raise _damaged(path, str(error)) from None


def _claimed(said: pq.FileMetaData) -> Iterator[int]:
    """How many bytes the cells of each row group take, as the file says."""
    for group in range(said.num_row_groups):
        yield max(0, said.row_group(group).total_byte_size)


def _texts(column: pa.ChunkedArray, name: str) -> list[str]:
    texts: list[str] = []
    for chunk in column.chunks:
        encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.cast(pa.string()).dictionary_encode()
        words = encoded.dictionary.cast(pa.string()).to_pylist()
        if encoded.indices.null_count or None in words:
            raise ValueError(f"empty cells in the column {name}")
        texts += [words[number] for number in encoded.indices.to_pylist()]
    return texts


def _lists(path: Path, cells: pa.ChunkedArray) -> Embeddings:
    kind = cells.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise TargetError(
            str(path), got=f"embeddings of type {printable(str(kind))}", expected="lists of numbers", hint=LAYOUT
        )
    lengths = compute.unique(compute.list_value_length(cells)).to_pylist()
    if len(lengths) != 1 or None in lengths:
        shown = ", ".join(str(length) for length in sorted(lengths, key=str)[:4]) or "no rows"
        raise TargetError(
            str(path), got=f"embeddings of {shown} numbers", expected="the same number in every row", hint=GAPS
        )
    chunks = [np.asarray(chunk.flatten().cast(pa.float32())) for chunk in cells.chunks]
    return np.concatenate(chunks).reshape(len(cells), -1)


def _npy(path: Path) -> tuple[list[str], list[str], Embeddings]:
    with open_file(path) as file:
        begins = file.read(len(NPY))
    if begins != NPY:  # NumPy would try other formats, archives and pickles among them
        raise _damaged(path, "the file does not begin as one of NumPy does")
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except _NUMPY_GIVES_UP as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(mapped, np.ndarray) or mapped.dtype.kind != "f":
        got = f"an array of {getattr(mapped, 'dtype', type(mapped).__name__)}"
        raise TargetError(
            str(path), got=got, expected="floating point numbers (rows, d)", hint="array.astype('float32')"
        )
    _refuse_sizes(path, len(mapped) if mapped.ndim else 0, mapped.nbytes)
    listed = names_beside(path)
    columns = _names(listed)
    images = column(listed, columns, "image")
    views = column(listed, columns, "view") if "view" in columns else [PLAIN] * len(images)
    if mapped.ndim != 2 or len(mapped) != len(images):
        got = f"{len(images):,} names for numbers of shape {mapped.shape}"
        raise TargetError(str(path), got=got, expected="one line in the .csv for each row of (rows, d)", hint=LAYOUT)
    with np.errstate(over="ignore"):  # what overflows is not finite, and refused later
        return images, views, np.asarray(mapped, np.float32)


def names_beside(path: Path) -> Path:
    """Where the names of the rows of an .npy file stand: in the .csv of the same name, whichever case that has."""
    return next(
        (found for suffix in (".csv", ".CSV") if is_file(found := path.with_suffix(suffix))), path.with_suffix(".csv")
    )


def _names(path: Path) -> dict[str, list[str]]:
    if not is_file(path):
        raise TargetError(
            str(path),
            got=what_lies_at(path),
            expected="a CSV with the columns image and view beside the .npy",
            hint=LAYOUT,
        )
    return read_csv(path)


def _refuse_sizes(path: Path, rows: int, size: int) -> None:
    """Embeddings hardly compress: a table that claims far more than the file holds is no honest one."""
    held = path.stat().st_size
    if rows > min(MOST_ROWS, held) or size > min(MOST_NUMBERS, MOST_INFLATED * held):
        got = f"{rows:,} rows and {size:,} bytes of cells in a file of {held:,} bytes"
        raise TargetError(str(path), got=got, expected=f"embeddings, {MOST_NUMBERS:,} bytes of them at most")


def _fingerprint(path: Path) -> str:
    parts = [sha256_of(path), *([sha256_of(names_beside(path))] if path.suffix.lower() == ".npy" else [])]
    return hashlib.sha256(" ".join(["embeddings", *parts]).encode()).hexdigest()


def _damaged(path: Path, said: str) -> TargetError:
    first = printable(said.strip().partition("\n")[0], 200) or "no reason given"
    return TargetError(
        str(path), got=f"a file that cannot be read ({first})", expected=EXPECTED, hint="writing it again"
    )
