"""Names of people: short enough to be names, and in one form, so that equal names are equal.

The form is NFC without white space around it, in folders, manifests and seals alike: tables lose such space on the way.
"""

import logging
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError

_log = logging.getLogger(__name__)

LONGEST_NAME = 256
_LAST_ASCII = 127


def in_one_form(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """Names in NFC without white space around them: two that look alike are then equal, however they were typed.

    Args:
        names: (n,) of people.
    """
    bare = np.strings.strip(names)
    names = np.where(bare == "", names, bare)
    if not (np.ascontiguousarray(names).view(np.uint32) > _LAST_ASCII).any():
        return names
    known, number = np.unique(names, return_inverse=True)
    return np.array([unicodedata.normalize("NFC", name) for name in known.tolist()])[number]


def names_of(path: Path, what: str, names: Sequence[str]) -> NDArray[np.str_]:
    """Names as an array, where every name takes as much room as the longest.

    Args:
        path: whose names, for messages.
        what: they are, for messages.
        names: n of them.

    Raises:
        RosterError: one is too long to be a name.
    """
    longest = max(names, key=len, default="")
    if len(longest) > LONGEST_NAME:
        got = f"a {what} of {len(longest):,} characters, {longest[:40]!r}..."
        raise RosterError(str(path), got=got, expected=f"at most {LONGEST_NAME}")
    return np.array(names, dtype=str)


def first_names(names: NDArray[np.str_], most: int = 3) -> str:
    """The first few of some names, for an error that only who holds the roster reads."""
    shown = ", ".join(repr(name) for name in names[:most].tolist())
    return shown if len(names) <= most else f"{shown}, ..."


def near_names(names: NDArray[np.str_]) -> int:
    """How many people have a name that differs from another's in case, spaces or punctuation alone.

    Args:
        names: (n,) of people, with or without repetitions.
    """
    alike = Counter(map(_letters, set(names.tolist())))
    return sum(count for count in alike.values() if count > 1)


def _letters(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if sign.isalnum()) or folded


def say_merged(folder: Path, names: NDArray[np.str_]) -> None:
    """Tell through the log of this module where folders of other spelling hold one person.

    Args:
        folder: that they lie in.
        names: (n,) of folders, as they are on the disk.
    """
    folders = np.unique(names)
    spelt: dict[str, list[str]] = {}
    for name, one in zip(in_one_form(folders).tolist(), folders.tolist(), strict=True):
        spelt.setdefault(name, []).append(one)
    for name, several in spelt.items():
        if len(several) > 1:
            shown = ", ".join(map(ascii, several))
            _log.warning("%s: the folders %s are one person, %s", folder, shown, ascii(name))
