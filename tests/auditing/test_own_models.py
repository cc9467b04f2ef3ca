"""References that saw a part of the images in question: who learned what, and what it is good for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_audit import SmallAudit, small_audit

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.own_models import Kept, reference_roster, train_backbone, train_references
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.errors import RunError
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe, ReferenceSettings
from bareface.settings.spec import ImageSpec
from bareface.storage.cache import Room
from bareface.vocabulary import Role

ONLINE = attacks_named("lira:mode=online")
TRAINING = Recipe(spec=ImageSpec(height=16, width=16), embedding_size=16, epochs=1, warmup_epochs=0, batch_size=16)


def crowd(people: int, images: int) -> Roster:
    """As many members, with other photos held out, as strangers; and somebody whom nobody asks about."""
    subject = np.repeat([f"p{n}" for n in range(people)], images)
    number = np.tile(np.arange(images), people)
    member = np.repeat(np.arange(people) % 2 == 0, images)
    role = np.where(member, np.where(number % 2 == 0, str(Role.MEMBER), str(Role.HELDOUT)), str(Role.OUTSIDE))
    image = (*(f"{who}/{n}" for who, n in zip(subject, number, strict=True)), "public")
    return Roster(Path(), image, np.array([*subject, "somebody"]), np.array([*role, str(Role.PUBLIC)]))


@pytest.mark.parametrize("four", [0, 1])
def test_every_four_share_out_the_images(four: int) -> None:
    roster = crowd(9, 5)
    taught = [reference_roster(roster, 4 * four + place, seed=3) for place in range(4)]
    assert all(one.image == roster.image[:-1] for one in taught)
    learned = np.stack([one.role == Role.MEMBER for one in taught])
    assert (learned.sum(0) == 1).all(), "each image was in the training of one"
    for person in np.unique(roster.subject[:-1]):
        of_person = learned[:, roster.subject[:-1] == person]
        assert of_person.any(1).sum() == 2, "and its person in that of two"
        assert sorted(of_person.sum(1)) == [0, 0, 2, 3]
    first_two = [set(one.subject[one.role == Role.MEMBER]) for one in taught[:2]]
    assert not first_two[0] & first_two[1]
    assert first_two[0] | first_two[1] == set(roster.subject[:-1])


def test_roles_are_not_looked_at_and_every_four_are_dealt_anew() -> None:
    roster = crowd(9, 5)
    turned = Roster(
        roster.root, roster.image, roster.subject, np.where(roster.role == Role.MEMBER, "outside", "member")
    )
    one, same = reference_roster(roster, 1, seed=3), reference_roster(turned.take(np.arange(45)), 1, seed=3)
    assert one.role.tolist() == same.role.tolist()
    assert one.role.tolist() != reference_roster(roster, 5, seed=3).role.tolist()
    assert one.role.tolist() != reference_roster(roster, 1, seed=4).role.tolist()


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> SmallAudit:
    return small_audit(tmp_path_factory.mktemp("audited"))


def _question(**more: object) -> AuditSettings:
    return AuditSettings(attacks=ONLINE, games=("dataset",), selfcheck="skip", **more)  # type: ignore[arg-type]


def test_online_attacks_want_references_that_saw_some_of_the_images(audited: SmallAudit, tmp_path: Path) -> None:
    brought = AuditInputs(audited.target, audited.roster)
    (without,) = conduct(brought, _question(), tmp_path / "without").findings
    assert (without.status, without.image) == ("abstained", None)
    seen: list[str] = []
    evidence = conduct(
        brought, _question(trained_references=ReferenceSettings(count=4, train=TRAINING)), tmp_path / "with",
        progress=lambda stage, done, total: seen.append(stage),
    )  # fmt: skip
    (found,) = evidence.findings
    assert found.status == "done", found.reason
    assert found.image is not None
    assert found.image.auc is not None
    assert {"training references", *(f"probing reference {n}" for n in range(4))} <= set(seen)
    assert any(note.startswith("4 reference models were trained on half of the people") for note in evidence.notes)
    assert sorted(path.name for path in (tmp_path / "with" / "references").iterdir()) == [
        f"reference-{n}" for n in range(4)
    ]


def test_exchanged_references_are_made_again_and_said(
    audited: SmallAudit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ReferenceSettings(count=2, train=TRAINING)

    def trained() -> list[str]:
        kept = Kept(Room(tmp_path / "references"), dict.fromkeys(audited.roster.image, ""))
        made = train_references(audited.roster, settings, kept, 3, lambda *_: None)
        return [one.target.sha256 for one in made]

    before = trained()
    assert before[0] != before[1]
    first, second = (tmp_path / "references" / f"reference-{number}" for number in (0, 1))
    first.rename(tmp_path / "kept")
    second.rename(first)
    (tmp_path / "kept").rename(second)
    assert trained() == before
    assert caplog.text.count("training.json is of another run (a run with seed = ") == 2
    with pytest.raises(RunError, match="got a run with seed = "):  # what a person named is not set aside
        train_backbone(reference_roster(audited.roster, 0, 3), replace(TRAINING, seed=5), first)
