"""A draw by lot: of names and a seed alone, sealed, and checked to the last image."""

import json
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import RosterError, UsageError
from bareface.rosters.assignment import Seal, Shares, check_seal, draw, read_seal, seal, seal_path, write_seal
from bareface.rosters.roster import Roster, join

NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
PEOPLE = st.dictionaries(
    NAME.map(lambda name: unicodedata.normalize("NFC", name).strip() or "x"), st.integers(1, 6), min_size=8
)
SHARES = st.builds(
    Shares, members=st.floats(0.3, 0.5), heldout=st.floats(0, 0.99), auxiliary=st.sampled_from([0.0, 0.1, 0.2])
)


def pool(people: dict[str, int], form: str = "NFC", order: np.random.Generator | None = None) -> Roster:
    rows = [(f"{who}/{number}.jpg", who) for who, photos in people.items() for number in range(photos)]
    rows = [rows[i] for i in order.permutation(len(rows))] if order is not None else rows
    image, subject = zip(
        *((unicodedata.normalize(form, a), unicodedata.normalize(form, b)) for a, b in rows), strict=True
    )
    return Roster(Path("pool"), image, np.array(subject), np.full(len(rows), "outside"))


def roles(roster: Roster) -> dict[str, str]:
    return {unicodedata.normalize("NFC", image): role for image, role in zip(roster.image, roster.role, strict=True)}


CROWD = {f"p{number:02d}": 1 + number % 5 for number in range(40)}


def sealed(seed: int = 3) -> tuple[Roster, Seal]:
    drawn = draw(pool(CROWD), Shares(), seed)
    return drawn, seal(drawn, Shares(), seed)


@given(people=PEOPLE, shares=SHARES, seed=st.integers(0, 2**40), order=st.integers(0, 99))
def test_names_and_seed_alone_decide(people: dict[str, int], shares: Shares, seed: int, order: int) -> None:
    drawn = draw(pool(people), shares, seed)
    shuffled = draw(pool(people, "NFD", np.random.default_rng(order)), shares, seed)
    assert roles(shuffled) == roles(drawn)
    stated = seal(drawn, shares, seed)
    assert check_seal(drawn, stated) is None
    assert check_seal(shuffled, stated) is None
    assert check_seal(drawn, Seal.model_validate_json(stated.model_dump_json())) is None


@given(people=PEOPLE, shares=SHARES, seed=st.integers(0, 2**40))
def test_shares_are_kept_and_one_photo_is_not_given_away(people: dict[str, int], shares: Shares, seed: int) -> None:
    drawn = draw(pool(people), shares, seed)
    of_person: dict[str, Counter[str]] = {who: Counter() for who in people}
    for who, role in zip(drawn.subject.tolist(), drawn.role.tolist(), strict=True):
        of_person[who][role] += 1
    inside = [who for who, count in of_person.items() if count["member"]]
    assert len(inside) == int(shares.members * len(people) + 0.5)
    assert sum(count["auxiliary"] > 0 for count in of_person.values()) == int(shares.auxiliary * len(people) + 0.5)
    for who, count in of_person.items():
        assert set(count) <= ({"member", "heldout"} if who in inside else {"outside"}) or set(count) == {"auxiliary"}
        if who in inside:
            assert count["member"] >= 1
            assert (count["heldout"] >= 1) == (people[who] >= 2 and shares.heldout > 0)


def test_lots_are_fair() -> None:
    """Over many seeds everybody is a member about half of the time, and so is every pair of people together."""
    draws = [roles(draw(pool({f"p{n}": 1 for n in range(10)}), Shares(heldout=0.0), seed)) for seed in range(2000)]
    inside = np.array([[one[f"p{n}/0.jpg"] == "member" for n in range(10)] for one in draws])
    assert np.abs(inside.mean(0) - 0.5).max() < 0.06
    together = (inside.T.astype(float) @ inside) / len(draws)
    assert np.abs(together[~np.eye(10, dtype=bool)] - 5 * 4 / (10 * 9)).max() < 0.06


def test_another_seed_is_another_draw() -> None:
    assert roles(sealed(seed=3)[0]) != roles(sealed(seed=4)[0])


def with_roles(roster: Roster, role: np.ndarray) -> Roster:
    return Roster(roster.root, roster.image, roster.subject, role)


def test_exchanged_roles_are_named() -> None:
    drawn, stated = sealed()
    assert check_seal(drawn, stated) is None
    swapped = with_roles(drawn, np.where(drawn.role == "outside", "member", "outside"))
    assert "have another role than lots drawn with seed 3 give them" in str(check_seal(swapped, stated))
    role = drawn.role.copy()
    role[np.flatnonzero(role == "heldout")[0]] = "member"
    assert str(check_seal(with_roles(drawn, role), stated)).startswith("1 images of 1 people have another role")


def test_other_people_and_other_images_are_named() -> None:
    drawn, stated = sealed()
    gone = drawn.take(drawn.subject != "p07")
    assert check_seal(gone, stated) == "the roster has other people than were sealed (39 now, 40 then)"
    less = drawn.take(np.arange(len(drawn)) != np.flatnonzero(drawn.subject == "p04")[0])
    assert (
        check_seal(less, stated)
        == f"the roster has other images than were sealed ({len(drawn) - 1} now, {len(drawn)} then)"
    )
    renamed = Roster(drawn.root, ("new.jpg", *drawn.image[1:]), drawn.subject, drawn.role)
    assert "other images than were sealed" in str(check_seal(renamed, stated))
    someone = drawn.subject.copy()
    someone[drawn.subject == "p03"] = "q03"
    assert "other people than were sealed (40 now, 40 then)" in str(
        check_seal(Roster(drawn.root, drawn.image, someone, drawn.role), stated)
    )
    other_photo = drawn.subject.copy()
    other_photo[np.flatnonzero(drawn.subject == "p04")[0]] = "p03"
    assert "other images" in str(check_seal(Roster(drawn.root, drawn.image, other_photo, drawn.role), stated))


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", 4), ("shares", Shares(members=0.4)), ("shares", Shares(heldout=0.2)), ("roster_sha256", "0" * 64)],
)
def test_a_seal_that_was_edited_does_not_fit(field: str, value: object) -> None:
    drawn, stated = sealed()
    assert check_seal(drawn, stated.model_copy(update={field: value})) is not None


def test_shares_that_cannot_be_drawn_are_a_reason_too() -> None:
    drawn, stated = sealed()
    told = check_seal(drawn, stated.model_copy(update={"shares": Shares(members=0.99)}))
    assert told is not None
    assert "the sealed shares cannot be drawn" in told


def test_roles_that_no_lot_gives_may_be_added() -> None:
    drawn, stated = sealed()
    added = Roster(drawn.root, ("x/1.jpg", "y/1.jpg"), np.array(["x", "y"]), np.array(["public", "auxiliary"]))
    image, columns = (*drawn.image, *added.image), ("subject", "role")
    both = Roster(drawn.root, image, *(np.concatenate([getattr(p, c) for p in (drawn, added)]) for c in columns))
    assert check_seal(both, stated) is None
    assert check_seal(join(drawn), stated) is not None, "images seen from another folder are other images"


@pytest.mark.parametrize(
    ("shares", "got"),
    [(Shares(members=0.01), "0 members and 40"), (Shares(members=0.6, auxiliary=0.5), "24 members and 0")],
)
def test_too_few_on_a_side_are_refused(shares: Shares, got: str) -> None:
    with pytest.raises(
        UsageError, match=rf"split: got {got} people outside, of 40; .* Try: a larger pool, or other shares"
    ):
        draw(pool(CROWD), shares, 0)


def test_a_seal_on_the_disk(tmp_path: Path) -> None:
    drawn, _ = sealed()
    when = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    stated = seal(drawn, Shares(), 3, when)
    assert stated.drawn == "2026-03-01T10:00:00+00:00"
    path = seal_path(tmp_path / "roster.v2.csv")
    assert path == tmp_path / "roster.v2.seal.json"
    write_seal(stated, path)
    assert read_seal(path) == stated
    assert datetime.fromisoformat(seal(drawn, Shares(), 3).drawn) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "bareface-seal-2"}, r"no seal of this version \(format"),
        ({"seed": "3"}, r"no seal of this version \(seed"),
        ({"drawn": "yesterday"}, r"no seal of this version \(drawn"),
        ({"roster_sha256": "abc"}, r"no seal of this version \(roster_sha256"),
        ({"more": 1}, r"no seal of this version \(more"),
    ],
)
def test_a_damaged_seal_is_none(tmp_path: Path, change: dict[str, object], said: str) -> None:
    _, stated = sealed()
    path = tmp_path / "x.seal.json"
    path.write_text(json.dumps(json.loads(stated.model_dump_json()) | change))
    with pytest.raises(
        RosterError, match=said + r".*expected the format bareface-seal-1\. Try: the file as bareface split"
    ):
        read_seal(path)


def test_what_is_no_seal_at_all(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match=r"got no readable file .*expected the seal that bareface split wrote"):
        read_seal(tmp_path / "none.seal.json")
    (tmp_path / "long").write_bytes(b" " * 70_000)
    with pytest.raises(RosterError, match="got more than 65,536 bytes"):
        read_seal(tmp_path / "long")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_seal_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.seal.json"
    path.write_bytes(content)
    with pytest.raises(RosterError, match="no seal of this version"):
        read_seal(path)
