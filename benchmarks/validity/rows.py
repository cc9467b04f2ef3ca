"""How people come to stand where they stand: one function for each kind of roster that a user might bring."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.vocabulary import AssignmentWay, Game
from benchmarks.validity.world import Draw, Pool

People = NDArray[np.intp]
Make = Callable[[Pool, np.random.Generator], Draw]


@dataclass(frozen=True)
class Row:
    """One kind of roster.

    Attributes:
        name: in the table.
        how: what the audit is told of how membership came about.
        make: draws one roster.
    """

    name: str
    how: AssignmentWay
    make: Make


def lots(members: int, others: int, games: tuple[Game, ...] = ("dataset",), photos: tuple[int, int] = (2, 2)) -> Make:
    """People drawn by lot; with more games each member's photos are dealt to `member` and `heldout` in turn."""

    def make(whole: Pool, rng: np.random.Generator) -> Draw:
        people = rng.permutation(len(whole.people[0]))[: members + others]
        return _placed(whole, people[:members], people[members:], rng, games, photos)

    return make


def tilted(trait: str, strength: float, side: int) -> Make:
    """Members more of one kind: log odds of membership rise by `strength` for each deviation of a trait."""

    def make(whole: Pool, rng: np.random.Generator) -> Draw:
        value, people = whole.traits[trait], rng.permutation(len(whole.people[0]))[: 5 * side]
        member = rng.random(len(people)) < 1 / (1 + np.exp(-strength * value[people]))
        return _placed(whole, people[member][:side], people[~member][:side], rng)

    return make


def halves(trait: str, side: int) -> Make:
    """The upper half of people by a trait against the lower half: nobody could stand on either side."""

    def make(whole: Pool, rng: np.random.Generator) -> Draw:
        people = rng.permutation(len(whole.people[0]))[: 2 * side]
        ordered = people[np.argsort(whole.traits[trait][people])]
        return _placed(whole, ordered[side:], ordered[:side], rng)

    return make


def otherwise(changed: Pool, side: int) -> Make:
    """People drawn by lot, the members' pictures made in another way."""

    def make(whole: Pool, rng: np.random.Generator) -> Draw:
        people = rng.permutation(len(changed.people[0]))[: 2 * side]
        drawn = _placed(whole, people[:side], people[side:], rng)
        return Draw(drawn.rows, drawn.role, drawn.games, changed)

    return make


def leaking(make: Make, leak: float) -> Make:
    """The same with a planted leak."""

    def planted(whole: Pool, rng: np.random.Generator) -> Draw:
        drawn = make(whole, rng)
        return Draw(drawn.rows, drawn.role, drawn.games, drawn.member_pool, leak)

    return planted


THREE: tuple[Game, ...] = ("record", "person", "dataset")
NULLS = (
    Row("lots, 20 + 20", "randomised", lots(20, 20)),
    Row("lots, 60 + 60", "randomised", lots(60, 60)),
    Row("lots, 150 + 150", "randomised", lots(150, 150)),
    Row("lots, 30 v 200", "randomised", lots(30, 200)),
    Row("lots, photos 3 v 1", "randomised", lots(60, 60, photos=(3, 1))),
    Row("lots, three games, 60 + 60", "randomised", lots(60, 60, THREE)),
    Row("lots that nobody told of, 60 + 60", "observational", lots(60, 60)),
    Row("lots that nobody told of, three games", "observational", lots(60, 60, THREE)),
)
TILTS = (
    *(Row(f"people, strength {s:g}, {n} + {n}", "observational", tilted("people", s, n))
      for s in (0.5, 1.0, 2.0) for n in (60, 130)),
    Row("people, halves, 60 + 60", "observational", halves("people", 60)),
    Row("people, halves, 130 + 130", "observational", halves("people", 130)),
    Row("frontal, strength 1, 60 + 60", "observational", tilted("frontal", 1.0, 60)),
    Row("frontal, strength 2, 60 + 60", "observational", tilted("frontal", 2.0, 60)),
    Row("sharpness, strength 1, 60 + 60", "observational", tilted("sharpness", 1.0, 60)),
)  # fmt: skip
REVERSED = (
    Row("a signal in the outsiders, lots", "randomised", leaking(lots(60, 60), -0.7)),
    Row("a signal in the outsiders, nobody told", "observational", leaking(lots(60, 60), -0.7)),
)
EFFECTS = (0.2, 0.4, 0.6)
_MADE: tuple[tuple[str, AssignmentWay, Make], ...] = (
    ("lots, 60 + 60", "randomised", lots(60, 60)),
    ("lots that nobody told of, 60 + 60", "observational", lots(60, 60)),
    ("people, strength 1, 60 + 60", "observational", tilted("people", 1.0, 60)),
    ("people, strength 2, 130 + 130", "observational", tilted("people", 2.0, 130)),
    ("people, halves, 130 + 130", "observational", halves("people", 130)),
)
POWER = tuple(Row(f"{name}, leak {leak:g}", how, leaking(make, leak)) for name, how, make in _MADE for leak in EFFECTS)


def processed_rows(changed: dict[str, Pool]) -> Iterator[Row]:
    """The members' pictures in another way, a row for each."""
    return (Row(f"{how}, 60 + 60", "observational", otherwise(pool, 60)) for how, pool in changed.items())


def _placed(
    whole: Pool, inside: People, outside: People, rng: np.random.Generator, games: tuple[Game, ...] = ("dataset",),
    photos: tuple[int, int] = (2, 2),
) -> Draw:  # fmt: skip
    person = whole.people[1]
    rows, role = list[int](), list[str]()
    for people, side, most in ((inside, "member", photos[0]), (outside, "outside", photos[1])):
        for one in people:
            own = rng.permutation(np.flatnonzero(person == one))
            own = own if len(games) > 1 else own[:most]
            rows += own.tolist()
            dealt = ("member", "heldout") if side == "member" and len(games) > 1 else (side,)
            role += [dealt[number % len(dealt)] for number in range(len(own))]
    order = np.argsort(rows)
    return Draw(np.array(rows)[order], np.array(role, dtype="<U16")[order], games)
