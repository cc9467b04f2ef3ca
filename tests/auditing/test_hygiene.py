"""What stands on two sides is left out and counted, or the audit refuses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bareface.auditing.hygiene import (
    MAX_SHARED_RATE,
    TWO_NAMES,
    TWO_ROLES,
    Checked,
    leave_out_shared,
    nobody_compared,
    refuse_contradictions,
    refuse_if_shared,
)
from bareface.auditing.overlap.people import SamePeople, Side, same_people
from bareface.errors import RosterError
from bareface.faces.examine import Examination, examine
from bareface.records.overlap import MatchThreshold, SharedPictures
from bareface.rosters.roster import Roster
from bareface.stats.matching import Matches
from bareface.synthetic import SyntheticFaces

FACES = [
    Image.fromarray(face)
    for face in SyntheticFaces(3, 48).render(np.arange(24), np.zeros(24, np.int64)).permute(0, 2, 3, 1).numpy()
]


def seen(folder: Path, **role_and_face: tuple[str, Image.Image]) -> Examination:
    """An examination of one picture for each person."""
    for name, (_, face) in role_and_face.items():
        face.save(folder / f"{name}.png")
    names = tuple(f"{name}.png" for name in role_and_face)
    roles = np.array([role for role, _ in role_and_face.values()])
    return examine(Roster(folder, names, np.array(list(role_and_face)), roles))


def checked(examination: Examination, same: SamePeople | None = None, most: float = MAX_SHARED_RATE) -> Checked:
    people = nobody_compared(examination.accepted, "nobody") if same is None else same.record("judge", "0" * 64)
    return leave_out_shared(examination, same, people, most)


def planted(folder: Path) -> Examination:
    """Twenty pictures; one file is member and outside, one near-duplicate member and heldout, one mirrored outside."""
    roles = ["member"] * 7 + ["heldout"] * 7 + ["outside"] * 6
    pictures = {f"p{n:02d}": (role, FACES[n]) for n, role in enumerate(roles)}
    pictures["p19"] = ("outside", FACES[0])
    pictures["p13"] = ("heldout", FACES[1].resize((40, 40), Image.Resampling.BILINEAR))
    pictures["p18"] = ("outside", FACES[12].transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return seen(folder, **pictures)


def test_pictures_in_two_roles_are_left_out_with_both_copies(tmp_path: Path) -> None:
    found = checked(planted(tmp_path))
    left = {reject.image: (reject.role, reject.reason, reject.detail) for reject in found.examination.rejects}
    assert left == {
        "p00.png": ("member", TWO_ROLES, "also among the outside images"),
        "p01.png": ("member", TWO_ROLES, "also among the heldout images"),
        "p12.png": ("heldout", TWO_ROLES, "also among the outside images"),
        "p13.png": ("heldout", TWO_ROLES, "also among the member images"),
        "p18.png": ("outside", TWO_ROLES, "also among the heldout images"),
        "p19.png": ("outside", TWO_ROLES, "also among the member images"),
    }
    assert list(left) == sorted(left)
    assert not set(left) & set(found.examination.accepted.image)
    assert len(found.examination.digest) == len(found.examination.hashes) == 14


def test_they_are_counted_by_kind(tmp_path: Path) -> None:
    hygiene = checked(planted(tmp_path)).hygiene
    counts = {
        (p.first, p.second): (p.exact, p.near, p.mirrored, p.first_images, p.second_images) for p in hygiene.pictures
    }
    assert counts == {
        ("member", "heldout"): (0, 1, 0, 1, 1),
        ("member", "outside"): (1, 0, 0, 1, 1),
        ("heldout", "outside"): (0, 1, 1, 1, 1),
    }
    assert (hygiene.images, hygiene.left_out) == (20, 6)


def test_many_are_refused_with_counts_and_advice(tmp_path: Path) -> None:
    with pytest.raises(RosterError) as caught:
        refuse_if_shared(checked(planted(tmp_path)).hygiene, "people.csv")
    said = str(caught.value)
    assert "people.csv: got 6 of 20 images on two sides:" in said
    assert "member and heldout share 0 files and 1 near-duplicate" in said
    assert "member and outside share 1 file and 0 near-duplicates" in said
    assert "heldout and outside share 0 files and 1 near-duplicate (1 mirrored)" in said
    assert "expected at most 1.0%; an image with two roles has no membership" in said
    assert "removing them from one side; rejects.parquet" in said
    refuse_if_shared(checked(planted(tmp_path), most=0.3).hygiene, "people.csv")


def test_a_clean_roster_loses_nothing(tmp_path: Path) -> None:
    roles = ["member", "heldout", "outside"] * 8
    found = checked(seen(tmp_path, **{f"p{n:02d}": (role, FACES[n]) for n, role in enumerate(roles)}))
    assert len(found.examination.accepted) == 24
    assert found.hygiene.left_out == 0
    assert all(p == SharedPictures(first=p.first, second=p.second, exact=0, near=0, mirrored=0, first_images=0,
                                   second_images=0) for p in found.hygiene.pictures)  # fmt: skip
    refuse_if_shared(found.hygiene, "people.csv")


def test_one_side_may_hold_a_picture_twice(tmp_path: Path) -> None:
    roles = [("member", 0), ("outside", 1), ("member", 0), ("unheard-of", 1)]
    found = checked(seen(tmp_path, **{f"p{n}": (role, FACES[face]) for n, (role, face) in enumerate(roles)}))
    assert len(found.examination.accepted) == 4


def compared(matched: list[tuple[int, int]], outsiders: int = 6) -> SamePeople:
    """Training people and outsiders of whom some are said to match."""
    first, second = (np.array([row[i] for row in matched], dtype=np.intp) for i in (0, 1))
    known = MatchThreshold(expected=1.0, comparisons=84, pairs=10_000, threshold=0.5, above=0)
    people = np.array([f"p{n:02d}" for n in range(14 + outsiders)])
    sides = Side(np.eye(14, dtype=np.float32), people[:14]), Side(np.eye(outsiders, dtype=np.float32), people[14:])
    return SamePeople(*sides, known, Matches(first, second, np.full(len(matched), 0.9, dtype=np.float32)))


def test_an_outsider_who_is_a_training_person_is_left_out(tmp_path: Path) -> None:
    roles = ["member"] * 7 + ["heldout"] * 7 + ["outside"] * 6
    examination = seen(tmp_path, **{f"p{n:02d}": (role, FACES[n]) for n, role in enumerate(roles)})
    found = checked(examination, compared([(3, 1)]))
    assert [(r.image, r.reason) for r in found.examination.rejects] == [("p15.png", TWO_NAMES)]
    people = found.hygiene.people
    assert (people.status, people.matches, people.first_matched, people.second_matched) == ("done", 1, 1, 1)
    refuse_if_shared(found.hygiene, "people.csv")


def test_many_such_outsiders_are_refused(tmp_path: Path) -> None:
    roles = ["member"] * 14 + ["outside"] * 6
    examination = seen(tmp_path, **{f"p{n:02d}": (role, FACES[n]) for n, role in enumerate(roles)})
    found = checked(examination, compared([(3, 1), (3, 2), (5, 4)]))
    with pytest.raises(
        RosterError, match="got 3 of 6 outsiders whom judge takes for training people; expected at most"
    ):
        refuse_if_shared(found.hygiene, "people.csv")


def test_a_person_cannot_be_trained_on_and_never_trained_on(tmp_path: Path) -> None:
    roster = Roster(
        tmp_path,
        ("a", "b", "c", "d"),
        np.array(["x", "x", "y", "y"]),
        np.array(["member", "outside", "heldout", "member"]),
    )
    with pytest.raises(
        RosterError, match=r"got 1 people who are outside and also member or heldout: 'x'; .* Try: the role"
    ):
        refuse_contradictions(roster)
    refuse_contradictions(roster.take([0, 2, 3]))


def test_too_few_people_are_said_to_be_too_few() -> None:
    sides = [Side(np.eye(5, dtype=np.float32), np.array(list("abcde"))) for _ in range(2)]
    record = same_people(*sides).record("judge", "0" * 64)
    assert (record.status, record.matches) == ("skipped", 0)
    assert record.reason == "10 pairs of different people, at least 4,950 (100 people in a set) are needed"


def test_a_planted_person_is_found_among_strangers() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.normal(size=(260, 64)).astype(np.float32)
    drawn[130:134] = drawn[:4] + 0.3 * rng.normal(size=(4, 64))
    unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    names = np.array([f"p{n:03d}" for n in range(260)])
    found = same_people(Side(unit[:130], names[:130]), Side(unit[130:], names[130:]))
    assert sorted(zip(found.found.first.tolist(), found.found.second.tolist(), strict=True)) == [
        (n, n) for n in range(4)
    ]
    everybody = same_people(found.first, found.second, threshold=-1.0)
    assert len(everybody.found) == 130 * 130
    assert everybody.calibration.threshold == -1.0
