"""People drawn by lot: as many as were asked for, always the same ones, whoever else is there."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.rosters.assignment import Shares, draw
from bareface.rosters.roster import Roster
from bareface.rosters.sampling import MOST_IMAGES, USUAL, drawn, usual_sample
from bareface.settings.closed import checked
from bareface.settings.sampling import SampleSettings
from bareface.vocabulary import Role


def crowd(trained: int, outside: int, photos: int = 4) -> Roster:
    """Training people with half of their photos held out, and strangers."""
    names = [f"in{n}" for n in range(trained)] + [f"out{n}" for n in range(outside)]
    subject = np.repeat(names, photos)
    number = np.tile(np.arange(photos), len(names))
    role = np.where(np.char.startswith(subject, "out"), str(Role.OUTSIDE),
                    np.where(number % 2 == 0, str(Role.MEMBER), str(Role.HELDOUT)))  # fmt: skip
    image = tuple(f"{who}/{n}" for who, n in zip(subject.tolist(), number.tolist(), strict=True))
    return Roster(Path(), image, subject, role)


def names(roster: Roster, role: str) -> set[str]:
    return set(roster.subject[roster.rows(role)].tolist())


def test_as_many_of_each_role_as_were_asked_for_and_counted() -> None:
    found = drawn(crowd(30, 50), SampleSettings(people=10, photos=1), seed=7)
    assert found.roster.head_count() == {"heldout": (10, 10), "member": (10, 10), "outside": (10, 10)}
    counts = {one.role: (one.people, one.of_people, one.images, one.of_images) for one in found.roles}
    assert counts == {"heldout": (10, 30, 10, 60), "member": (10, 30, 10, 60), "outside": (10, 50, 10, 200)}
    assert names(found.roster, "member") == names(found.roster, "heldout")


def test_everybody_is_nobody_drawn() -> None:
    roster = crowd(3, 3)
    for sample in (None, SampleSettings()):
        assert drawn(roster, sample, 7).roster is roster
        assert not drawn(roster, sample, 7).roles


def test_few_held_out_people_keep_their_training_photos() -> None:
    roster = crowd(40, 40)
    few = np.char.startswith(roster.subject, "in") & ~np.isin(roster.subject, ["in1", "in2", "in3"])
    roster = roster.take(~(few & (roster.role == Role.HELDOUT)))
    found = drawn(roster, SampleSettings(people=5), seed=1).roster
    assert names(found, "heldout") == {"in1", "in2", "in3"} <= names(found, "member")
    assert 5 <= len(names(found, "member")) <= 8


@given(st.integers(0, 1000), st.integers(0, 30), st.integers(2, 12))
def test_more_people_change_nobodys_lot(seed: int, more: int, people: int) -> None:
    """Whoever was drawn is drawn again or made room for somebody with a lower lot; nobody else comes in."""
    few, many = crowd(20, 20), crowd(20 + more, 20 + more)
    for role in ("member", "outside"):
        before = names(drawn(few, SampleSettings(people=people), seed).roster, role)
        after = names(drawn(many, SampleSettings(people=people), seed).roster, role)
        assert after & names(few, role) <= before


def test_photos_of_a_person_do_not_depend_on_others() -> None:
    few, many = crowd(2, 3, photos=9), crowd(6, 8, photos=9)
    small, large = (drawn(roster, SampleSettings(photos=2), seed=3).roster for roster in (few, many))
    assert set(small.image) <= set(large.image)
    assert set(Counter(zip(large.subject.tolist(), large.role.tolist(), strict=True)).values()) == {2}


def test_the_order_of_the_list_and_another_seed() -> None:
    roster = crowd(30, 30)
    turned = roster.take(np.arange(len(roster))[::-1])
    sample = SampleSettings(people=6, photos=2)
    assert set(drawn(roster, sample, 7).roster.image) == set(drawn(turned, sample, 7).roster.image)
    assert set(drawn(roster, sample, 8).roster.image) != set(drawn(roster, sample, 7).roster.image)


def test_lots_of_a_sample_know_nothing_of_the_lots_of_a_split() -> None:
    """Of people who were drawn into training by lot, a sample is drawn as of any others: half of 400, give or take."""
    pool = crowd(0, 400)
    split = draw(pool, Shares(members=0.5, heldout=0.0), seed=7)
    whole = split.take(split.rows(Role.MEMBER, Role.OUTSIDE)).with_role("outside")
    low = names(drawn(whole, SampleSettings(people=200), seed=7).roster, "outside")
    both = len(low & names(split, "member"))
    assert 80 <= both <= 120  # 100 expected, standard deviation 5


def test_without_a_word_large_rosters_are_sampled_and_small_ones_are_not() -> None:
    small = crowd(2, 2)
    assert usual_sample(small, None) is None
    large = Roster(Path(), tuple(map(str, range(MOST_IMAGES + 1))), np.full(MOST_IMAGES + 1, "x"),
                   np.full(MOST_IMAGES + 1, "outside"))  # fmt: skip
    assert usual_sample(large, None) == USUAL
    assert usual_sample(large, SampleSettings()) == SampleSettings()


def test_a_sample_of_one_is_none() -> None:
    with pytest.raises(UsageError, match="sample, people: got 1; expected at least 2"):
        checked(SampleSettings, {"people": 1}, "sample")
