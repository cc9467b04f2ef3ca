"""The images of a RecordIO file as a pack: `train.rec/17` is record 17.

What it tests:
The people of an InsightFace training set, without unpacking it.

What the attacker needs:
A `.rec` file; its `.idx` and `.lst` are read where they lie beside it.

How it works:
The first label of a record is the person; the person of a damaged record comes from the list. See `records.py`.

Known limits:
Its people are numbers that mean somebody within the file only.

Reference:
recognition/arcface_torch/dataset.py of deepinsight/insightface; the RecordIO of Apache MXNet.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.packs.listing import UNREADABLE, Listing
from bareface.faces.packs.records import Headers, RecordFile
from bareface.faces.packs.sidecars import beside, read_list

_NUMBER = re.compile("0|-?[1-9][0-9]{0,17}")


class RecordPack:
    """A `.rec` file, with its `.idx` and `.lst` where they lie beside it.

    Args:
        path: of the `.rec` file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, RecordFile(path)

    def read(self, name: str) -> bytes:
        """The bytes of the image in a record.

        Raises:
            FlawedImage: there is no such record, or it is damaged.
        """
        if not _NUMBER.fullmatch(name):
            raise FlawedImage(f"{self._path}/{name}", Flaw.UNREADABLE, "no record has this name", "a record's number")
        return self._file.read(int(name)).content

    def listing(self) -> Listing:
        """The images by number; the first label is the person.

        Listed are the records with an image, the damaged ones, and those that record 0 announces but that are not
        there. The person of a damaged record comes from the `.lst` file, where there is one.

        Raises:
            RosterError: no record is sound, or more than half of what record 0 announces is missing.
        """
        headers, keys = self._file.headers(), self._file.keys
        if not headers.sound.any():
            raise RosterError(str(self._path), got="no record in it", expected="a RecordIO file with images")
        announced = self._announced(headers)
        image = np.where(headers.sound, ~headers.empty, keys <= announced if announced else True)
        missing = np.setdiff1d(np.arange(1, announced + 1), keys)
        number = np.concatenate([keys[image], missing])
        person = np.concatenate([_people(headers)[image], np.full(len(missing), UNREADABLE)])
        order = np.argsort(number, kind="stable")
        names = tuple(map(str, number[order].tolist()))
        return Listing(names, self._with_list(names, person[order]), numbered=True)

    def _announced(self, headers: Headers) -> int:
        """How many images record 0 promises; 0 where it promises nothing."""
        first = np.flatnonzero((self._file.keys == 0) & headers.sound & headers.empty)
        if not len(first):
            return 0
        count = float(headers.label[first[0]]) - 1
        if not 0 <= count <= 2 * len(self._file):
            got = f"{len(self._file):,} records, where record 0 announces {count:,.0f} images"
            hint = "copying the file again; where it is whole, removing its .idx"
            raise RosterError(str(self._path), got=got, expected="most of what record 0 announces", hint=hint)
        return int(count)

    def _with_list(self, names: tuple[str, ...], subject: NDArray[np.str_]) -> NDArray[np.str_]:
        """The people of damaged records from the list beside the pack, if that is a list of this pack."""
        path = beside(self._path, ".lst")
        hidden = np.flatnonzero(subject == UNREADABLE)
        if not len(hidden) or path is None:
            return subject
        said = _said_by(path)
        listed = [said.get(int(name), UNREADABLE) for name in names]
        if any(UNREADABLE not in (here, there) and here != there for here, there in zip(listed, subject, strict=True)):
            return subject  # its numbers mean other records
        found = subject.astype(object)
        for row in hidden.tolist():
            found[row] = listed[row]
        return found.astype(str)


def _said_by(path: Path) -> dict[int, str]:
    """Number of a record -> person, as a list says; nothing where nobody knows how to read it."""
    try:
        return {number: _person(one.label[0]) for number, one in read_list(path).items() if one.label}
    except RosterError:
        return {}


def _people(headers: Headers) -> NDArray[np.str_]:
    """The first label of every record as a name."""
    labels, which = np.unique(headers.label, return_inverse=True)
    names = np.array([_person(float(label)) for label in labels])
    return np.where(headers.sound, names[which], UNREADABLE)


def _person(label: float) -> str:
    return str(int(label)) if label.is_integer() else str(label)
