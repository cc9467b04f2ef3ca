"""Pairs of people of two sets who have a picture in common, or whom a recogniser takes for one person."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.overlap.near_duplicates import NearDuplicates
from bareface.auditing.overlap.people import SamePeople
from bareface.faces.examine import Examination


@dataclass(frozen=True)
class Link:
    """A person of the first set and one of the second.

    Attributes:
        first, second: their names.
        cosine: of their templates, where a recogniser links them.
        pictures: how many different pictures they have in common.
    """

    first: str
    second: str
    cosine: float | None
    pictures: int


def links(found: NearDuplicates, sets: Sequence[Examination], same: SamePeople | None) -> tuple[Link, ...]:
    """Everybody who is linked to somebody, the surest first."""
    pictures = _by_picture(found, *sets)
    cosine = {} if same is None else _by_face(same)
    rows = [Link(*pair, cosine.get(pair), pictures[pair]) for pair in pictures.keys() | cosine.keys()]
    return tuple(sorted(rows, key=lambda link: (-(link.cosine or 0.0), -link.pictures, link.first, link.second)))


def _by_picture(found: NearDuplicates, first: Examination, second: Examination) -> Counter[tuple[str, str]]:
    """How many pictures each pair of people has in common; a file that several people have counts for all of them."""
    whose, theirs = _people_of(first, found.first), _people_of(second, found.second)
    pairs = zip(first.digest[found.first].tolist(), second.digest[found.second].tolist(), strict=True)
    return Counter(pair for one, other in pairs for pair in product(whose[one], theirs[other]))


def _people_of(examination: Examination, rows: NDArray[np.intp]) -> dict[str, set[str]]:
    """Who is on the files with the bytes of these rows."""
    wanted = set(examination.digest[rows].tolist())
    people: dict[str, set[str]] = defaultdict(set)
    for digest, person in zip(examination.digest.tolist(), examination.accepted.subject.tolist(), strict=True):
        if digest in wanted:
            people[digest].add(person)
    return people


def _by_face(same: SamePeople) -> dict[tuple[str, str], float]:
    names = same.first.people[same.found.first].tolist(), same.second.people[same.found.second].tolist()
    return dict(zip(zip(*names, strict=True), same.found.product.astype(float).tolist(), strict=True))
