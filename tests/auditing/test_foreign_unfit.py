"""Whether a foreign model counts: only where something says that it recognises people."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bareface.auditing.traces import UNCHECKED, _unfit
from bareface.rosters.roster import Roster
from bareface.settings.spec import ImageSpec
from bareface.targets.table import EmbeddingTable
from bareface.trace import Channel, Trace
from bareface.vocabulary import Role


class Network:
    """Sees people, or nothing at all, and remembers which rows it was asked about."""

    spec, sha256, centres = ImageSpec(16, 16), "foreign", None

    def __init__(self, *, sees: bool) -> None:
        self.sees = sees


def asking(roster: Roster, asked: list[NDArray[np.intp]]) -> Any:
    rng = np.random.default_rng(0)
    people, person = np.unique(roster.subject, return_inverse=True)
    own = rng.normal(size=(len(people), 8))

    def about(model: Any, rows: NDArray[np.intp], what: str) -> Trace:
        asked.append(rows)
        seen = own[person[rows]] if getattr(model, "sees", True) else 0.0
        embedding = (seen + 0.2 * rng.normal(size=(len(rows), 8)))[:, None].astype(np.float32)
        return Trace(rows.astype(str), rows, {Channel.EMBEDDING: embedding}, ("image",))

    return SimpleNamespace(examination=SimpleNamespace(accepted=roster), about=about)


def roster(photos: Sequence[tuple[Role, int, int]]) -> Roster:
    """People of each role with as many photos as said: (role, people, photos)."""
    subject, role = [], []
    for part, people, each in photos:
        for number in range(people):
            subject += [f"{part} {number}"] * each
            role += [str(part)] * each
    image = tuple(f"{row}.png" for row in range(len(subject)))
    return Roster(Path(), image, np.array(subject), np.array(role))


def unfit(everybody: Roster, *, sees: bool, asked: list[NDArray[np.intp]] | None = None, model: Any = None) -> str:
    rows = everybody.rows(Role.MEMBER, Role.OUTSIDE)
    target, seen = SimpleNamespace(sha256="target"), [] if asked is None else asked
    return _unfit(target, model or Network(sees=sees), (), rows, asking(everybody, seen))  # type: ignore[arg-type]


ONE_EACH = [(Role.MEMBER, 30, 1), (Role.OUTSIDE, 30, 1)]


@pytest.mark.parametrize("sees", [True, False])
def test_unknown_is_not_taken_for_yes(sees: bool) -> None:
    assert unfit(roster(ONE_EACH), sees=sees) == UNCHECKED


def test_with_two_photos_of_the_people_themselves_nobody_else_is_asked_about() -> None:
    asked: list[NDArray[np.intp]] = []
    everybody = roster([(Role.MEMBER, 30, 2), (Role.OUTSIDE, 30, 1), (Role.AUXILIARY, 30, 2)])
    assert unfit(everybody, sees=True, asked=asked) == ""
    assert len(asked) == 1
    assert "hardly recognises these people" in unfit(everybody, sees=False)


@pytest.mark.parametrize("role", [Role.AUXILIARY, Role.PUBLIC])
def test_second_photos_of_others_tell_as_well(role: Role) -> None:
    everybody = roster([*ONE_EACH, (role, 25, 2), (role, 0, 1)])
    assert unfit(everybody, sees=True) == ""
    assert "hardly recognises these people" in unfit(everybody, sees=False)


def test_of_a_table_nothing_is_asked_that_it_need_not_know() -> None:
    asked: list[NDArray[np.intp]] = []
    table = EmbeddingTable("table", {}, ("image",), np.zeros((0, 1, 4), np.float32), "of the table")
    assert unfit(roster([*ONE_EACH, (Role.PUBLIC, 25, 2)]), sees=True, asked=asked, model=table) == UNCHECKED
    assert len(asked) == 1
