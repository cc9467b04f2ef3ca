"""The images of a RecordIO file as a pack: `train.rec/17` is record 17."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.packs.pack import UNREADABLE, Listing
from bareface.faces.packs.records import Headers, RecordFile
from bareface.faces.packs.sidecars import Listed, read_list

# Sound records whose own label is held against that in the list.
_COMPARED = 10_000
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
        path = self._path.with_suffix(".lst")
        hidden = np.flatnonzero(subject == UNREADABLE)
        if not len(hidden) or not path.is_file():
            return subject
        listed = _list_of(path, names, subject)
        known = {row: listed[int(names[row])].label for row in hidden.tolist() if int(names[row]) in listed}
        found = subject.astype(object)
        for row, label in known.items():
            found[row] = _person(label[0]) if label else UNREADABLE
        return found.astype(str)


def _list_of(path: Path, names: tuple[str, ...], subject: NDArray[np.str_]) -> dict[int, Listed]:
    """What a `.lst` file says of the records; nothing where it cannot be read, or is that of another pack.

    It only helps with damaged records. Whatever a list does not tell leaves their people unknown, as they are without
    one, and every such record is among the rejects.
    """
    try:
        listed = read_list(path)
    except RosterError:
        return {}
    sound = np.flatnonzero(subject != UNREADABLE)
    for row in sound[:: max(1, len(sound) // _COMPARED)].tolist():
        one = listed.get(int(names[row]))
        if one is not None and one.label and _person(one.label[0]) != subject[row]:
            return {}
    return listed


def _people(headers: Headers) -> NDArray[np.str_]:
    """The first label of every record as a name."""
    labels, which = np.unique(headers.label, return_inverse=True)
    names = np.array([_person(float(label)) for label in labels])
    return np.where(headers.sound, names[which], UNREADABLE)


def _person(label: float) -> str:
    return str(int(label)) if label.is_integer() else str(label)
