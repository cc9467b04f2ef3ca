"""Rows by person, against looking for each."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.auditing.own_models import shadow_roster
from bareface.rosters.grouping import rows_of
from bareface.rosters.roster import Roster
from bareface.vocabulary import Role


@given(st.lists(st.sampled_from(["anna", "Ben", "c", "", "ö"]), max_size=30))
def test_the_rows_of_everybody(names: list[str]) -> None:
    codes = np.array(names, dtype="<U4")
    found = rows_of(codes)
    assert list(found) == sorted(set(names))
    assert {name: rows.tolist() for name, rows in found.items()} == {
        name: np.flatnonzero(codes == name).tolist() for name in set(names)
    }


def slowly_dealt(roster: Roster, share: float, rng: np.random.Generator) -> list[str]:
    """The roles of `shadow_roster` with a look at every image for each person."""
    subject = roster.subject[roster.rows(Role.AUXILIARY)]
    people, role = rng.permutation(np.unique(subject)), np.full(len(subject), "outside", dtype="<U16")
    for person in people[: max(2, round(share * len(people)))]:
        rows = rng.permutation(np.flatnonzero(subject == person))
        role[rows[::2]], role[rows[1::2]] = "member", "heldout"
    return list(role.tolist())


@pytest.mark.parametrize("seed", range(5))
def test_shadows_learn_from_the_same_images_as_if_everybody_were_looked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    subject = np.array([f"p{n}" for n in rng.integers(0, 15, 80)])
    role = np.where(rng.random(80) < 0.7, "auxiliary", "public")
    roster = Roster(Path(), tuple(map(str, range(80))), subject, role)
    dealt = shadow_roster(roster, 0.4, np.random.default_rng(seed))
    assert dealt.role.tolist() == slowly_dealt(roster, 0.4, np.random.default_rng(seed))
