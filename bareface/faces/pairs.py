"""Pairs of images for verification: the same person or two, dealt into folds.

A threshold chosen on nine folds is counted on the tenth, so the folds should have no person in common. Read are LFW's
`pairs.txt`, a CSV table, and InsightFace's packs; `drawn_pairs.py` draws pairs from a roster.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError, UsageError
from bareface.rosters.image_folders import IMAGE_SUFFIXES, is_picture
from bareface.storage.columns import column, read_csv, refuse_strays, refuse_unusable, write_csv
from bareface.untrusted.regular import content_of, is_file, what_lies_at

FOLDS = 10
_TABLES = (".csv", ".tsv")
_SAME = dict.fromkeys(("1", "1.0", "true", "t", "yes", "y", "same"), True)
_DIFFERENT = dict.fromkeys(("0", "0.0", "-1", "-1.0", "false", "f", "no", "n", "different"), False)


@dataclass(frozen=True)
class PairList:
    """n pairs of m images.

    Attributes:
        image: m names, each once.
        first, second: (n,) which images a pair is made of.
        same: (n,) whether they show one person.
        fold: (n,) numbers from 0.
    """

    image: tuple[str, ...]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    same: NDArray[np.bool_]
    fold: NDArray[np.intp]

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.same)

    @property
    def in_several_folds(self) -> int:
        """How many images stand in more than one fold; there should be none."""
        places = np.unique(np.stack([np.append(self.first, self.second), np.tile(self.fold, 2)], axis=1), axis=0)
        return int((np.bincount(places[:, 0]) > 1).sum())


def read_pairs(path: Path, folder: Path, *, folds: int = FOLDS) -> PairList:
    """The pairs in LFW's `pairs.txt`, in a CSV table, or in lines of two paths and a truth value.

    A table has the columns `first`, `second` (image paths) and `same` (1/0, true/false, yes/no), and perhaps `fold`.
    Pairs without folds are cut into stretches, those of each kind for itself.

    Args:
        path: the list; it is a table if its name ends with `.csv` or `.tsv`, or its first line names the columns;
            without that line it is lines of two paths and a truth value, separated by spaces, commas, semicolons or
            tabs.
        folder: what image paths are relative to; LFW's list says no suffix, so it is looked up here.
        folds: how many, where the list does not say.

    Raises:
        RosterError: the list is missing or damaged, or a path leaves the folder.
        UsageError: there are fewer pairs of a kind than folds.
    """
    if not is_file(path):
        raise RosterError(str(path), got=what_lies_at(path), expected="a list of pairs, .txt as LFW's or .csv")
    lines = _lines(path)
    is_table = path.suffix.lower() in _TABLES and not _names_paths(lines[0])
    if is_table or _is_header(lines[0]):
        return _read_table(path, folds)
    return _read_paths(path, lines, folds) if _names_paths(lines[0]) else _read_lfw(path, lines, folder, folds)


def write_pairs(pairs: PairList, path: Path) -> None:
    """Write pairs as a CSV table that `read_pairs` reads."""
    first, second = ([pairs.image[row] for row in side.tolist()] for side in (pairs.first, pairs.second))
    same, fold = (list(map(str, values.astype(int).tolist())) for values in (pairs.same, pairs.fold))
    write_csv(path, {"first": first, "second": second, "same": same, "fold": fold})


def consecutive_pairs(same: NDArray[np.bool_], *, folds: int = FOLDS) -> PairList:
    """The pairs of a pack, in which pair i is images 2i and 2i + 1; they are called by their numbers.

    The folds are stretches of the pack, the first ones longer by one where they do not come out even, as scikit-learn's
    `KFold` cuts it and InsightFace's evaluation with it.

    Raises:
        UsageError: there are fewer pairs than folds.
    """
    check_folds(len(same), folds, "pairs")
    image = tuple(map(str, range(2 * len(same))))
    rows = np.arange(len(same), dtype=np.intp)
    return PairList(image, 2 * rows, 2 * rows + 1, same, _stretches(len(same), folds))


def named_pairs(names: Sequence[Sequence[str]], same: NDArray[np.bool_], fold: NDArray[np.intp]) -> PairList:
    """Pairs of image names as pairs of numbers.

    Args:
        names: n pairs of names.
        same, fold: (n,) as in `PairList`.
    """
    flat = [name for pair in names for name in pair]
    number = {name: i for i, name in enumerate(dict.fromkeys(flat))}
    rows = np.array([number[name] for name in flat], dtype=np.intp).reshape(-1, 2)
    return PairList(tuple(number), rows[:, 0], rows[:, 1], same, fold)


def _is_header(words: Sequence[str]) -> bool:
    """Whether a line names the columns of a table rather than two images."""
    return {"first", "second", "same"} <= {word.lower() for word in words}


def _read_table(path: Path, folds: int) -> PairList:
    read = read_csv(path)
    columns = {name.strip().lower(): cells for name, cells in read.items()}
    refuse_unusable(path, [name.strip().lower() for name in read], len(next(iter(read.values()))))
    first, second, said = (column(path, columns, name) for name in ("first", "second", "same"))
    refuse_strays(path, first, "the folder of images")
    refuse_strays(path, second, "the folder of images")
    same = np.array([_truth(path, row, cell) for row, cell in enumerate(said, start=2)])
    fold = _numbers(path, column(path, columns, "fold")) if "fold" in columns else _dealt_in_order(same, folds)
    return named_pairs(list(zip(first, second, strict=True)), same, fold)


def _names_paths(words: Sequence[str]) -> bool:
    """Whether a line is two paths and a truth value, as in the lists that ArcFace trainings in torch come with."""
    return len(words) == 3 and words[2].lower() in _SAME | _DIFFERENT and not words[1].isdecimal()


def _read_paths(path: Path, lines: Sequence[Sequence[str]], folds: int) -> PairList:
    for row, words in enumerate(lines, start=1):
        if not _names_paths(words):
            got = repr(" ".join(words)[:80])
            raise RosterError(f"{path}, line {row}", got=got, expected="two paths and 1 or 0, as in the first line")
        refuse_strays(path, words[:2], "the folder of images", first=row)
    same = np.array([_truth(path, row, words[2]) for row, words in enumerate(lines, start=1)])
    return named_pairs([words[:2] for words in lines], same, _dealt_in_order(same, folds))


def _truth(path: Path, row: int, cell: str) -> bool:
    known = _SAME | _DIFFERENT
    if cell.lower() not in known:
        raise RosterError(f"{path}, line {row}", got=f"same {cell!r}", expected="1 or 0, true or false, yes or no")
    return known[cell.lower()]


def _numbers(path: Path, cells: Sequence[str]) -> NDArray[np.intp]:
    strange = next((row for row, cell in enumerate(cells, start=2) if not (cell.isdecimal() and len(cell) < 7)), None)
    if strange is not None:
        raise RosterError(f"{path}, line {strange}", got=f"fold {cells[strange - 2]!r}", expected="a number from 0 on")
    return np.unique([int(cell) for cell in cells], return_inverse=True)[1].astype(np.intp)


def _read_lfw(path: Path, lines: Sequence[Sequence[str]], folder: Path, folds: int) -> PairList:
    """LFW's list: `folds size`, then for each fold `size` lines `name i j` and `size` lines `name i other j`."""
    head, rows = lines[0], lines[1:]
    if not 1 <= len(head) <= 2 or not all(word.isdecimal() and len(word) < 7 for word in head):
        raise RosterError(f"{path}, line 1", got=" ".join(head)[:80], expected="numbers of folds and of pairs in each")
    pairs = [_lfw_pair(path, row, words) for row, words in enumerate(rows, start=2)]
    same = np.array([len(words) == 3 for words in rows])
    size = int(head[-1])
    promised = 2 * size * (int(head[0]) if len(head) == 2 else 1)
    if len(rows) != promised or not rows:
        raise RosterError(str(path), got=f"{len(rows)} pairs", expected=f"{promised}, as its first line says")
    fold = np.arange(len(rows), dtype=np.intp) // (2 * size) if len(head) == 2 else _dealt_in_order(same, folds)
    named = _Suffixes(folder)
    return named_pairs([(named(first), named(second)) for first, second in pairs], same, fold)


def _lines(path: Path) -> list[list[str]]:
    try:
        lines = [line for line in content_of(path).decode("utf-8-sig").splitlines() if line.strip()]
    except (UnicodeDecodeError, OSError) as error:
        raise RosterError(str(path), got=f"a file that is no text ({error})", expected="LFW's pairs.txt") from error
    if not lines:
        raise RosterError(str(path), got="an empty file", expected="LFW's pairs.txt")
    sign = next((sign for sign in ",;\t" if lines[0].count(sign) > 1), None)
    return [[cell.strip() for cell in line.split(sign)] for line in lines]


def _lfw_pair(path: Path, row: int, words: Sequence[str]) -> tuple[str, str]:
    match words:
        case [name, i, j] if i.isdecimal() and j.isdecimal():
            pair = _lfw_image(name, i), _lfw_image(name, j)
        case [name, i, other, j] if i.isdecimal() and j.isdecimal():
            pair = _lfw_image(name, i), _lfw_image(other, j)
        case _:
            expected = "name, number, number or name, number, name, number"
            raise RosterError(f"{path}, line {row}", got=repr(" ".join(words)[:80]), expected=expected)
    refuse_strays(path, pair, "the folder of images", first=row)
    return pair


def _lfw_image(name: str, number: str) -> str:
    return f"{name}/{name}_{number.zfill(4)}"


class _Suffixes:
    """Stems of images to names: each with the suffix that its file has, whichever and in whichever case.

    Raises:
        RosterError: the first image is not there. Of later ones the missing are found when they are read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._known, self._usual = folder, dict[str, dict[str, str]](), ""

    def __call__(self, stem: str) -> str:
        folder, _, name = stem.rpartition("/")
        if folder not in self._known:
            self._known[folder] = _pictures(self._folder / folder)
        found = self._known[folder].get(name, self._usual)
        if not found:
            hint = "--images with the folder that has one folder for each person"
            expected = f"one of {', '.join(sorted(IMAGE_SUFFIXES))}"
            raise RosterError(str(self._folder), got=f"no image {stem}", expected=expected, hint=hint)
        self._usual = self._usual or found
        return stem + found


def _pictures(folder: Path) -> dict[str, str]:
    """Stem -> suffix of the pictures in a folder."""
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except OSError:
        return {}
    return dict(os.path.splitext(name) for name in names if is_picture(name))


def _dealt_in_order(same: NDArray[np.bool_], folds: int) -> NDArray[np.intp]:
    """Stretches of the same-person pairs and of the others, so that each fold has both."""
    fold = np.empty(len(same), dtype=np.intp)
    for kind in (same, ~same):
        check_folds(int(kind.sum()), folds, "pairs of a kind")
        fold[kind] = _stretches(int(kind.sum()), folds)
    return fold


def _stretches(count: int, folds: int) -> NDArray[np.intp]:
    sizes = [len(part) for part in np.array_split(np.arange(count), folds)]
    return np.repeat(np.arange(folds, dtype=np.intp), sizes)


def check_folds(count: int, folds: int, what: str) -> None:
    """Raise unless there are at least two folds and no fewer pairs.

    Raises:
        UsageError: with the count of `what`.
    """
    if not 2 <= folds <= count:
        raise UsageError("folds", got=f"{folds} folds for {count} {what}", expected="at least two, and a pair in each")
