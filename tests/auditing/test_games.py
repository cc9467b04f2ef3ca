"""The three games are set up as DESIGN says, on any roster."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.auditing.games import arena, check_games, partners, possible_games, refuse_without_games
from bareface.errors import RosterError
from bareface.rosters.roster import Roster
from bareface.vocabulary import GAMES, Role


def roster_of(rows: list[tuple[str, str]]) -> Roster:
    image = tuple(f"{i}.png" for i in range(len(rows)))
    return Roster(Path(), image, np.array([s for s, _ in rows]), np.array([r for _, r in rows]))


def full_roster(trained: int, strangers: int, images: int) -> Roster:
    rows = [(f"t{p}", role) for p in range(trained) for role in (Role.MEMBER, Role.HELDOUT) for _ in range(images)]
    return roster_of(rows + [(f"s{p}", Role.OUTSIDE) for p in range(strangers) for _ in range(images)])


@settings(max_examples=40)
@given(
    trained=st.integers(2, 12),
    strangers=st.integers(2, 12),
    images=st.integers(1, 4),
    folds=st.integers(2, 6),
    seed=st.integers(0, 50),
    game=st.sampled_from(list(GAMES)),
)
def test_folds_and_photo_sets(trained: int, strangers: int, images: int, folds: int, seed: int, game: str) -> None:
    roster = full_roster(trained, strangers, images)
    made = arena(roster, game, folds=folds, seed=seed)  # type: ignore[arg-type]
    inside, outside = GAMES[game].sides  # type: ignore[index]
    assert roster.role[made.rows][made.member].tolist() == [inside] * made.member.sum()
    assert roster.role[made.rows][~made.member].tolist() == [outside] * (~made.member).sum()
    for person in np.unique(made.subject):
        assert len(np.unique(made.fold[made.subject == person])) == 1
    for number in np.unique(made.photo_set):
        rows = made.photo_set == number
        assert len(np.unique(made.subject[rows])) == len(np.unique(made.member[rows])) == 1


def test_the_number_of_a_photo_set_says_nothing_of_its_side() -> None:
    correlations = [
        np.corrcoef(made.photo_set, made.member)[0, 1]
        for made in (arena(full_roster(30, 30, 2), "dataset", folds=5, seed=seed) for seed in range(30))
    ]
    assert abs(np.mean(correlations)) < 3 * np.std(correlations) / np.sqrt(len(correlations))


def test_each_fold_has_people_of_both_sides() -> None:
    made = arena(full_roster(12, 10, 1), "dataset", folds=5, seed=0)
    for fold in range(5):
        assert set(made.member[made.fold == fold]) == {True, False}


def test_games_follow_from_the_roles() -> None:
    assert possible_games(full_roster(2, 2, 1)) == ("record", "person", "dataset")
    two = roster_of([("a", Role.MEMBER), ("b", Role.OUTSIDE)])
    assert possible_games(two) == ("dataset",)


def test_a_game_without_its_side_is_refused() -> None:
    two = roster_of([("a", Role.MEMBER), ("b", Role.OUTSIDE)])
    with pytest.raises(RosterError, match=r"record game: got no image in the role heldout; .* Try: leave the game out"):
        check_games(two, ["record"])


def test_a_one_subject_side_is_refused() -> None:
    one = roster_of([("a", Role.MEMBER), ("a", Role.MEMBER), ("b", Role.OUTSIDE), ("c", Role.OUTSIDE)])
    with pytest.raises(RosterError, match=r"dataset game: got 1 people in the role member; expected at least 2"):
        arena(one, "dataset", folds=2, seed=0)


def lone(heldout_of: str = "stranger") -> Roster:
    rows = [(f"t{p}", role) for p in range(4) for role in (Role.MEMBER, Role.HELDOUT)]
    rows += [(f"{heldout_of} {p}", Role.HELDOUT) for p in range(3)] + [("alone", Role.MEMBER)] * 2
    return roster_of(rows + [(f"s{p}", Role.OUTSIDE) for p in range(4)])


def test_people_without_a_partner_do_not_play_the_record_game() -> None:
    made = arena(lone(), "record", folds=2, seed=0)
    assert set(lone().subject[made.rows].tolist()) == {"t0", "t1", "t2", "t3"}
    assert len(arena(lone(), "person", folds=2, seed=0).rows) == 4 + 3 + 4
    assert len(arena(lone(), "dataset", folds=2, seed=0).rows) == 4 + 2 + 4
    found = partners(lone())
    assert found is not None
    assert (found.paired, found.lone_heldout, found.lone_heldout_images) == (4, 3, 3)
    assert (found.lone_members, found.lone_member_images) == (1, 2)
    assert partners(roster_of([("a", Role.MEMBER), ("b", Role.OUTSIDE)])) is None


def test_without_partners_there_is_no_record_game() -> None:
    rows = [(f"m{p}", Role.MEMBER) for p in range(5)] + [(f"h{p}", Role.HELDOUT) for p in range(5)]
    told = (
        r"record game: got 5 held-out people of whom nobody is a member by name \('h0', 'h1', 'h2', \.\.\.\); expected "
        r"other photos of the members, under the same names\. Try: the names of the members, or the role outside"
    )
    assert possible_games(roster_of(rows)) == ()
    with pytest.raises(RosterError, match=told):
        check_games(roster_of(rows), ["record"])
    with pytest.raises(RosterError, match=told):
        refuse_without_games(roster_of(rows))
    with_others = roster_of([*rows, ("x", Role.OUTSIDE), ("y", Role.OUTSIDE)])
    assert possible_games(with_others) == ("person", "dataset")


def test_no_roles_no_game() -> None:
    with pytest.raises(
        RosterError, match=r"got images in the roles auxiliary, member; expected two of the roles member"
    ):
        refuse_without_games(roster_of([("a", Role.MEMBER), ("b", Role.AUXILIARY)]))
