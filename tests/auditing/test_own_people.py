"""The auditor's own people are nobody in question, in whatever way they could be."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bareface.auditing.hygiene import leave_out_shared as checked_for
from bareface.auditing.hygiene import nobody_compared
from bareface.auditing.overlap.people import SamePeople, Side
from bareface.auditing.own_models import shadow_roster
from bareface.auditing.own_people import IN_QUESTION, RecognisedPeople, familiar, fewest_for_shadow, refuse_too_few
from bareface.auditing.settings import AuditSettings
from bareface.errors import UsageError
from bareface.faces.examine import Examination, examine
from bareface.records.overlap import MatchThreshold, OwnPeople
from bareface.rosters.roster import Roster
from bareface.settings.recipe import ShadowSettings
from bareface.stats.matching import Matches
from bareface.synthetic import SyntheticFaces
from bareface.vocabulary import CANDIDATES, Role

FACES = [
    Image.fromarray(face)
    for face in SyntheticFaces(3, 48)
    .render(np.repeat(np.arange(20), 2), np.tile(np.arange(2), 20))
    .permute(0, 2, 3, 1)
    .numpy()
]
NOBODY = RecognisedPeople({}, reason="no recogniser")
FLIP = Image.Transpose.FLIP_LEFT_RIGHT


def seen(folder: Path, rows: list[tuple[str, str, Image.Image]]) -> Examination:
    """An examination of (person, role, picture)."""
    for number, (_, _, face) in enumerate(rows):
        face.save(folder / f"{number:03d}.png")
    names, roles = (np.array([row[i] for row in rows]) for i in (0, 1))
    return examine(Roster(folder, tuple(f"{n:03d}.png" for n in range(len(rows))), names, roles))


def world(*more: tuple[str, str, Image.Image]) -> list[tuple[str, str, Image.Image]]:
    """Four people in question, four auxiliary, two public, with two photos each; and some more photos."""
    roles = ["member", "member", "outside", "outside", *["auxiliary"] * 4, *["public"] * 2]
    rows = [(f"p{n}", role, FACES[2 * n + photo]) for n, role in enumerate(roles) for photo in range(2)]
    return [*rows, *more]


def left_out(found: tuple[OwnPeople, ...]) -> dict[str, tuple[int, int]]:
    return {one.role: (one.left_out_people, one.left_out_images) for one in found}


def test_clean_roles_lose_nobody(tmp_path: Path) -> None:
    found, rejects = familiar(seen(tmp_path, world()), NOBODY)
    assert rejects == ()
    assert left_out(found) == {"auxiliary": (0, 0), "public": (0, 0)}
    assert [(one.people, one.images) for one in found] == [(4, 8), (2, 4)]
    assert [p.first for p in found[1].pictures] == ["member", "outside", "auxiliary"]
    assert found[0].recognised.reason == "no recogniser"


@pytest.mark.parametrize("theirs", [0, 4], ids=["member", "outside"])
@pytest.mark.parametrize("copy", [lambda f: f, lambda f: f.resize((40, 40)), lambda f: f.transpose(FLIP)])
@pytest.mark.parametrize("own", ["auxiliary", "public"])
def test_a_copy_of_a_picture_in_question_takes_its_person_along(tmp_path: Path, theirs: int, copy, own: str) -> None:  # type: ignore[no-untyped-def]
    name = {"auxiliary": "p5", "public": "p9"}[own]
    found, rejects = familiar(seen(tmp_path, world((name, own, copy(FACES[theirs])))), NOBODY)
    assert left_out(found) == {"auxiliary": (0, 0), "public": (0, 0)} | {own: (1, 3)}
    assert {(r.role, r.reason) for r in rejects} == {(own, IN_QUESTION)}
    role = {0: "member", 4: "outside"}[theirs]
    assert {r.detail for r in rejects} == {f"a name or a picture in common with the {role} images"}
    shared = {p.first: (p.exact + p.near, p.second_images) for one in found for p in one.pictures if p.second == own}
    assert shared[role] == (1, 1)


@pytest.mark.parametrize("own", ["auxiliary", "public"])
@pytest.mark.parametrize("name", ["p1", "p3"])
def test_a_name_in_question_is_enough(tmp_path: Path, own: str, name: str) -> None:
    found, rejects = familiar(seen(tmp_path, world((name, own, FACES[30]), (name, own, FACES[31]))), NOBODY)
    assert left_out(found)[own] == (1, 2)
    role = {"p1": "member", "p3": "outside"}[name]
    (record,) = [one for one in found if one.role == own]
    assert {n.first: n.people for n in record.names if n.people} == {role: 1}
    assert [r.image for r in rejects] == ["020.png", "021.png"]


def test_auxiliary_people_are_no_public_ones(tmp_path: Path) -> None:
    found, rejects = familiar(seen(tmp_path, world(("p9", "public", FACES[10]), ("p6", "public", FACES[30]))), NOBODY)
    assert left_out(found) == {"auxiliary": (0, 0), "public": (2, 4)}
    assert {r.role for r in rejects} == {"public"}


def test_a_face_in_question_is_enough(tmp_path: Path) -> None:
    known = MatchThreshold(expected=1.0, comparisons=16, pairs=10_000, threshold=0.5, above=0)
    sides = (
        Side(np.eye(4, dtype=np.float32), np.array(["p0", "p1", "p2", "p3"])),
        Side(np.eye(4, dtype=np.float32), np.array(["p4", "p5", "p6", "p7"])),
    )
    one = np.array([2], dtype=np.intp)
    same = SamePeople(*sides, known, Matches(np.array([0], dtype=np.intp), one, np.array([0.9], dtype=np.float32)))
    found, rejects = familiar(seen(tmp_path, world()), RecognisedPeople({Role.AUXILIARY: same}, "judge", "0" * 64))
    assert left_out(found) == {"auxiliary": (1, 2), "public": (0, 0)}
    assert {r.detail for r in rejects} == {"the face of a person in question"}
    assert (found[0].recognised.status, found[0].recognised.second_matched) == ("done", 1)


def test_no_shadow_learns_from_people_in_question(tmp_path: Path) -> None:
    """Half of the auxiliary people are outsiders' files under other names."""
    copies = [(f"copy{n}", "auxiliary", FACES[4 + n]) for n in range(4)]
    examination = seen(tmp_path, world(*copies))
    people = nobody_compared(examination.accepted, "no recogniser")
    found = checked_for(examination, None, people, recognised=NOBODY)
    rest = found.examination.accepted
    learned = shadow_roster(rest, 0.7, np.random.default_rng(0))
    assert set(learned.subject.tolist()) == {"p4", "p5", "p6", "p7"}
    assert len(rest.rows(*CANDIDATES)) == 8, "those in question keep their place"
    assert found.hygiene.left_out == 0
    assert [left_out((one,)) for one in found.hygiene.own] == [{"auxiliary": (4, 4)}, {"public": (0, 0)}]


def own(people: int, gone: int) -> OwnPeople:
    roster = Roster(Path(), (), np.empty(0, dtype=str), np.empty(0, dtype=str))
    return OwnPeople(
        role="auxiliary", people=people, images=people, left_out_people=gone, left_out_images=gone, pictures=(),
        names=(), recognised=nobody_compared(roster, "none"),
    )  # fmt: skip


def test_too_few_that_remain_are_refused_where_they_are_needed() -> None:
    shadows = AuditSettings(shadow=ShadowSettings())
    told = (
        r"auxiliary people: got 20 of 25 who are people in question by name, picture or face; expected at least 6 "
        r"others, to train shadows on\. Try: removing those from auxiliary and bringing others; rejects\.parquet"
    )
    with pytest.raises(UsageError, match=told):
        refuse_too_few([own(25, 20)], shadows)
    refuse_too_few([own(25, 19)], shadows)
    refuse_too_few([own(25, 20)], AuditSettings())
    refuse_too_few([own(3, 0)], shadows)


@given(st.floats(0.01, 0.99))
def test_the_fewest_leave_both_kinds(share: float) -> None:
    people = fewest_for_shadow(share)
    trained = max(2, round(share * people))
    assert trained >= 2
    assert people - trained >= 2
