"""Images, the people in them, and who was in training.

A role says what an image was to the target: `member` trained it; `heldout` shows a training person on a photo
that was not trained on; `outside` shows a person never trained on. `auxiliary` images are the auditor's own, to
train shadow models; `public` images are anybody's. Other role names are kept and counted, but no game uses them.

People are told apart by name, so names are kept in one form (`names.py`); image paths are as on the disk.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.rosters.image_folders import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from bareface.rosters.image_folders import LOOSE, people_in, refuse_links, without_links
from bareface.rosters.names import in_one_form, names_of, say_merged
from bareface.storage.columns import column, paths, read_csv, refuse_strays, refuse_unusable, write_csv
from bareface.storage.files import atomic_path
from bareface.untrusted.regular import is_file, is_folder, what_lies_at
from bareface.vocabulary import Role

# Cells of honest tables compress twenty to forty times.
MOST_INFLATED = 200
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_COLUMNS = frozenset({"image", "subject", "role", "membership"})
_YES, _NO = frozenset({"1", "1.0", "true", "yes", "member"}), frozenset({"0", "0.0", "false", "no", "nonmember"})


@dataclass(frozen=True)
class Ignored:
    """What lay in a folder that was brought and is nobody's picture.

    Attributes:
        role: of the folder.
        kind: of files, in words that go behind their number.
        count: how many.
    """

    role: str
    kind: str
    count: int


@dataclass(frozen=True)
class Roster:
    """Rows of image, subject and role.

    Attributes:
        root: folder that the image paths are relative to.
        image: n paths, relative to `root`, without duplicates.
        subject: (n,) who is on the image; names are brought into one form here.
        role: (n,) what the image was to the target.
        ignored: what lay beside the images where they were looked for, by kind.
    """

    root: Path
    image: tuple[str, ...]
    subject: NDArray[np.str_]
    role: NDArray[np.str_]
    ignored: tuple[Ignored, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject", in_one_form(self.subject))
        if len(set(self.image)) < len(self.image):
            repeated = [image for image, count in Counter(self.image).items() if count > 1]
            got = f"{len(repeated)} images listed more than once, the first is {self.shown(repeated[0])!r}"
            hint = "remove the repeated rows: an image with two roles has no membership"
            raise RosterError(self.called, got=got, expected="every image once", hint=hint)
        wrong = next((role for role in sorted(set(self.role.tolist())) if not _ROLE.fullmatch(role)), None)
        if wrong is not None:
            expected = "a role in small letters, such as member, heldout, outside, auxiliary, public"
            raise RosterError(self.called, got=f"role {wrong!r}", expected=expected)

    def __len__(self) -> int:
        return len(self.image)

    @property
    def paths(self) -> list[Path]:
        """Where the images lie."""
        return [self.root / image for image in self.image]

    @property
    def called(self) -> str:
        """What messages call it: the folder of its images; images of several folders have none in common but `/`."""
        return "the folders of people" if self.root == Path("/") else str(self.root)

    def shown(self, image: str) -> str:
        """What messages call an image: as it was listed, and with its whole path where there are several folders."""
        return str(self.root / image) if self.root == Path("/") else image

    def rows(self, *roles: str) -> NDArray[np.intp]:
        """Row numbers of the images with one of the roles, in order."""
        return np.flatnonzero(np.isin(self.role, roles))

    def take(self, rows: Sequence[int] | NDArray[np.intp] | NDArray[np.bool_]) -> "Roster":
        """The roster of some rows, in the order given."""
        chosen = np.asarray(rows)
        index = np.arange(len(self))[chosen if chosen.size else chosen.astype(np.intp)]
        image = tuple(self.image[i] for i in index)
        return Roster(self.root, image, self.subject[index], self.role[index], self.ignored)

    def __add__(self, other: "Roster") -> "Roster":
        """Both, one after the other, their images relative to `/`."""
        return join(self, other)

    def with_role(self, role: str) -> "Roster":
        """The same images, all in one role."""
        return Roster(self.root, self.image, self.subject, np.full(len(self), role), self.ignored)

    def head_count(self) -> dict[str, tuple[int, int]]:
        """For each role: how many people, how many images."""
        roles = sorted({str(role) for role in self.role})
        return {r: (len(np.unique(self.subject[self.role == r])), int((self.role == r).sum())) for r in roles}


def join(first: Roster, *others: Roster) -> Roster:
    """Rosters one after the other, their images relative to `/`."""
    parts = (first, *others)
    return Roster(
        Path("/"),
        tuple(path.lstrip("/") for part in parts for path in without_links(part.root, part.image)),
        np.concatenate([part.subject for part in parts]),
        np.concatenate([part.role for part in parts]),
        tuple(one for part in parts for one in part.ignored),
    )


def read_folder(folder: Path, role: str, *, links: bool = False) -> Roster:
    """The images of `folder/<subject>/<image>`, all in one role, sorted by path.

    Files that do not look like images are listed too: examining them later records why they are unusable. What lies
    elsewhere in the folder, or is hidden, is counted.

    Args:
        folder: of people.
        role: what the images were to the target.
        links: whether symbolic links may lead out of the folder.

    Raises:
        RosterError: the folder is missing, holds no image in a subject folder, people a folder deeper, or links that
            leave it.
    """
    if not is_folder(folder):
        raise RosterError(str(folder), got="no such folder", expected="a folder of subject/image files")
    found = people_in(folder)
    if not found.images:
        loose = found.ignored.get(LOOSE, 0)
        got = f"{loose} images lying loose" if loose else "no images"
        raise RosterError(
            str(folder),
            got=got,
            expected="one folder for each person with that person's images in it",
            hint="move the images to FOLDER/<person>/<image>, or write a CSV with the columns image, subject, role",
        )
    if not links:
        refuse_links(folder, found.images, folder)
    subject = np.array([image.partition("/")[0] for image in found.images])
    say_merged(folder, subject)
    ignored = tuple(Ignored(str(role), kind, count) for kind, count in found.ignored.items())
    return Roster(folder, found.images, subject, np.full(len(subject), role), ignored)


def read_manifest(path: Path, *, links: bool = False) -> Roster:
    """A CSV or Parquet table with the columns `image`, `subject` and `role` (or `membership`).

    Image paths are relative to the table's own folder and may not leave it. `membership` takes 1/0, true/false,
    yes/no or member/nonmember; a non-member image of a person who also has member images is `heldout`, of
    anybody else `outside`.

    Args:
        path: of the table.
        links: whether images may lie behind symbolic links that leave the folder.

    Raises:
        RosterError: the file is missing, a column or a cell is, or a path or a link leaves the folder.
    """
    columns = _columns(path)
    image, subject = _people(path, columns, links)
    if "role" in columns:
        role = column(path, columns, "role")
    elif "membership" in columns:
        role = _roles_from_membership(path, subject.tolist(), column(path, columns, "membership"))
    else:
        raise RosterError(
            str(path),
            got=f"the columns {', '.join(columns)}",
            expected="a column role or membership",
        )
    return Roster(path.parent, image, subject, names_of(path, "role", role))


def read_list(path: Path, *, links: bool = False) -> Roster:
    """A CSV or Parquet table with the columns `image` and `subject`, of people who have no role yet: all `outside`.

    Raises:
        RosterError: as `read_manifest`; or the table says roles.
    """
    columns = _columns(path)
    stated = next((name for name in ("role", "membership") if name in columns), None)
    if stated is not None:
        got, hint = f"a column {stated}", "leaving the column out, if nobody was trained on yet"
        raise RosterError(str(path), got=got, expected="a list of people and images without roles", hint=hint)
    image, subject = _people(path, columns, links)
    return Roster(path.parent, image, subject, np.full(len(image), str(Role.OUTSIDE)))


def _columns(path: Path) -> dict[str, list[str]]:
    if not is_file(path):
        raise RosterError(str(path), got=what_lies_at(path), expected="a CSV or Parquet manifest")
    return _read_parquet(path) if path.suffix.lower() == ".parquet" else read_csv(path)


def _people(path: Path, columns: dict[str, list[str]], links: bool) -> tuple[tuple[str, ...], NDArray[np.str_]]:
    """Images and who is on them."""
    image = paths(path, columns, "image")
    refuse_strays(path, image)
    if not links:
        refuse_links(path.parent, image, path)
    return tuple(image), in_one_form(names_of(path, "subject", column(path, columns, "subject")))


def write_manifest(roster: Roster, path: Path) -> None:
    """Write a roster as a CSV or Parquet table, whichever the suffix of `path` says.

    Raises:
        RosterError: a name holds bytes that are no UTF-8, which neither table can hold.
    """
    columns = {"image": list(roster.image), "subject": roster.subject.tolist(), "role": roster.role.tolist()}
    undecodable = next((n for n in columns["image"] + columns["subject"] if _SURROGATE.search(n)), None)
    if undecodable is not None:
        raise RosterError(str(path), got=f"the name {undecodable!a}", expected="names in UTF-8", hint="rename the file")
    if path.suffix.lower() == ".parquet":
        with atomic_path(path) as temporary:
            pq.write_table(pa.table(columns), temporary)
        return
    write_csv(path, columns)


def _read_parquet(path: Path) -> dict[str, list[str]]:
    try:
        with pq.ParquetFile(path) as file:
            names, types, said = file.schema_arrow.names, file.schema_arrow.types, file.metadata
        refuse_unusable(path, names, said.num_rows)
        _refuse_inflated(path, said)
        # Texts that repeat stay a dictionary, so that they take no room; other columns are listed but not read.
        texts = [name for name, kind in zip(names, types, strict=True) if name in _COLUMNS and kind == pa.string()]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read([name for name in names if name in _COLUMNS])
        if table.num_columns and len(table) != said.num_rows:
            got, expected = f"{len(table)} rows in its groups", f"{said.num_rows:,}, as its footer says"
            raise RosterError(str(path), got=got, expected=expected)
        table.validate(full=True)  # Arrow does not look whether the words that a damaged file names are there
        return {name: _as_text(table[name]) if name in _COLUMNS else [] for name in names}
    except (pa.ArrowException, OSError, ValueError) as error:
        got = f"a file that is no Parquet ({error})"
        raise RosterError(str(path), got=got, expected="a Parquet table") from error


def _refuse_inflated(path: Path, said: pq.FileMetaData) -> None:
    """Repeated values take next to no room in Parquet, but every row of a manifest is another image."""
    size = path.stat().st_size
    inflated = sum(said.row_group(group).total_byte_size for group in range(said.num_row_groups))
    if said.num_rows > size or inflated > MOST_INFLATED * size:
        got = f"{said.num_rows:,} rows and {inflated:,} bytes of cells in a file of {size:,} bytes"
        raise RosterError(str(path), got=got, expected="a row for each image, and every image once")


def _as_text(column: pa.ChunkedArray) -> list[str]:
    return [cell for chunk in column.chunks for cell in _cells(chunk)]


def _cells(chunk: pa.Array) -> Iterator[str]:
    """Cells of a chunk as texts; cells that repeat a word of a dictionary share it."""
    if not pa.types.is_dictionary(chunk.type):
        yield from ("" if cell is None else cell for cell in chunk.cast(pa.string()).to_pylist())
        return
    words = chunk.dictionary.cast(pa.string()).to_pylist()
    yield from ("" if number is None else words[number] or "" for number in chunk.indices.to_pylist())


def _roles_from_membership(path: Path, subject: Iterable[str], membership: Iterable[str]) -> list[str]:
    pairs = [(who, cell.lower()) for who, cell in zip(subject, membership, strict=True)]
    strange = next((cell for _, cell in pairs if cell not in _YES | _NO), None)
    if strange is not None:
        raise RosterError(
            str(path), got=f"membership {strange!r}", expected="1 or 0, true or false, member or nonmember"
        )
    trained = {who for who, cell in pairs if cell in _YES}
    return [Role.MEMBER if cell in _YES else Role.HELDOUT if who in trained else Role.OUTSIDE for who, cell in pairs]
