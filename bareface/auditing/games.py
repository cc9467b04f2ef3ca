"""The three games: which images stand on which side, and who is judged by what was learned from whom.

record   a training image against another image of the same person: was this photo used?
person   unseen photos of a training person against photos of strangers: was this person used?
dataset  training images against images of strangers: both effects together, the paper's comparison.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.records.overlap import Partners
from bareface.rosters.roster import Roster
from bareface.streams import stream
from bareface.vocabulary import GAMES, Game, Role, Unit

# With fewer people on a side than folds, some fold would have nobody to learn from.
FEWEST_PEOPLE = 2


@dataclass(frozen=True)
class GameSplit:
    """One game on one roster; the truth of it.

    Attributes:
        game: which one.
        rows: (n,) row numbers in the roster.
        member: (n,) which side.
        subject: (n,) numbers of people.
        photo_set: (n,) numbers of photo sets: one person's images on one side; the number says nothing of the side.
        fold: (n,) folds; all images of a person are in one.
        trained: (t,) row numbers of the training images of the people in the game, be they in the game or not.
        trained_subject: (t,) numbers of the people on those.
    """

    game: Game
    rows: NDArray[np.intp]
    member: NDArray[np.bool_]
    subject: NDArray[np.int64]
    photo_set: NDArray[np.int64]
    fold: NDArray[np.int64]
    trained: NDArray[np.intp]
    trained_subject: NDArray[np.int64]

    @property
    def same_people(self) -> bool:
        """Whether both sides are photos of the same people, so that no difference between people can count."""
        return GAMES[self.game].same_people

    @property
    def unit(self) -> Unit:
        """The unit of the game's question; its measurement gives the verdict."""
        return GAMES[self.game].decides


def possible_games(roster: Roster) -> tuple[Game, ...]:
    """The games for which a roster has both sides, and people who can play."""
    return tuple(
        game for game in _named_by_roles(roster) if not GAMES[game].same_people or len(pairs(roster)) >= FEWEST_PEOPLE
    )


def pairs(roster: Roster) -> NDArray[np.str_]:
    """People with a training photo and another photo; only they can play the record game."""
    inside, outside = GAMES["record"].sides
    return np.intersect1d(roster.subject[roster.rows(inside)], roster.subject[roster.rows(outside)])


def partners(roster: Roster) -> Partners | None:
    """Who can play the record game and who cannot; None where the roster has no images for one of its sides."""
    if "record" not in _named_by_roles(roster):
        return None
    paired = pairs(roster)
    members, heldout = (roster.subject[roster.rows(role)] for role in GAMES["record"].sides)
    lone, others = (side[~np.isin(side, paired)] for side in (heldout, members))
    return Partners(
        paired=len(paired), lone_heldout=len(np.unique(lone)), lone_heldout_images=len(lone),
        lone_members=len(np.unique(others)), lone_member_images=len(others),
    )  # fmt: skip


def arena(roster: Roster, game: Game, *, folds: int, seed: int) -> GameSplit:
    """Set up a game: sides, photo sets and folds that are disjoint by person.

    In the record game only people with photos on both sides play.

    Raises:
        RosterError: a side has fewer than two people.
    """
    inside, outside = GAMES[game].sides
    rows = roster.rows(inside, outside)
    if GAMES[game].same_people:
        rows = rows[np.isin(roster.subject[rows], pairs(roster))]
    member = roster.role[rows] == inside
    names, subject = np.unique(roster.subject[rows], return_inverse=True)
    for role, side in ((inside, member), (outside, ~member)):
        people = len(np.unique(subject[side]))
        if people < FEWEST_PEOPLE:
            raise RosterError(
                f"{game} game",
                got=f"{people} people in the role {role}"
                + (" with photos of both kinds" if GAMES[game].same_people else ""),
                expected=f"at least {FEWEST_PEOPLE} on each side, and 10 for a verdict",
                hint="bring images of more people",
            )
    rng = stream(seed, "arena", game)
    fold = _deal(subject, member, folds, rng)
    trained = roster.rows(Role.MEMBER)
    trained = trained[np.isin(roster.subject[trained], names)]
    whose = np.searchsorted(names, roster.subject[trained]).astype(np.int64)
    return GameSplit(game, rows, member, subject, _photo_sets(subject, member, rng), fold, trained, whose)


def check_games(roster: Roster, games: Iterable[Game]) -> None:
    """Check that the roster has both sides of every game that is asked for.

    Raises:
        RosterError: one is missing; or nobody can play the record game, whose people need photos on both sides.
    """
    roles = set(roster.role.tolist())
    for game in games:
        missing = [role for role in GAMES[game].sides if role not in roles]
        if missing:
            raise RosterError(
                f"{game} game",
                got=f"no image in the role {missing[0]}",
                expected=f"images in the roles {GAMES[game].inside} and {GAMES[game].outside}",
                hint="leave the game out or bring the images",
            )
        if GAMES[game].same_people and not len(pairs(roster)):
            raise _without_partners(roster)


def refuse_without_games(roster: Roster) -> None:
    """Refuse a roster that allows no game, for the reason that is nearest.

    Raises:
        RosterError: always.
    """
    check_games(roster, _named_by_roles(roster))
    have = ", ".join(sorted({str(role) for role in roster.role})) or "none of them"
    raise RosterError(
        roster.called,
        got=f"images in the roles {have}",
        expected="two of the roles member, heldout, outside, with two people on each side",
        hint="bring images of people that the target was not trained on",
    )


def _named_by_roles(roster: Roster) -> tuple[Game, ...]:
    """The games for which a roster has both roles."""
    roles = set(roster.role.tolist())
    return tuple(game for game, facts in GAMES.items() if set(facts.sides) <= roles)


def _without_partners(roster: Roster) -> RosterError:
    heldout = np.unique(roster.subject[roster.rows(Role.HELDOUT)]).tolist()
    few = ", ".join(map(repr, heldout[:3])) + (", ..." if len(heldout) > 3 else "")
    return RosterError(
        "record game",
        got=f"{len(heldout)} held-out people of whom nobody is a member by name ({few})",
        expected="other photos of the members, under the same names",
        hint="the names of the members, or the role outside for people who were never trained on",
    )


def _deal(
    subject: NDArray[np.int64], member: NDArray[np.bool_], folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(n,) folds: people shuffled and dealt out, those with member images and those without separately."""
    fold_of = np.empty(subject.max() + 1, np.int64)
    with_members = np.unique(subject[member])
    for people in (with_members, np.setdiff1d(np.unique(subject), with_members)):
        fold_of[rng.permutation(people)] = np.arange(len(people)) % folds
    return fold_of[subject]


def _photo_sets(subject: NDArray[np.int64], member: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) a random number for each person and side."""
    _, number = np.unique(2 * subject + member, return_inverse=True)
    return rng.permutation(number.max() + 1)[number]
