"""A finished audit of raw photos, asked further: about one person's photos, and about everybody's."""

import json
from pathlib import Path

import needs_detect  # noqa: F401
import numpy as np
import pyarrow.parquet as pq
import pytest
from album import on_a_wall, take_photos
from command import run
from embedded import save_foreign_table, save_table

from bareface.auditing.progress import silent
from bareface.auditing.usable import examined
from bareface.rosters.roster import Roster, read_folder, write_manifest
from bareface.vocabulary import Role

MEMBERS, STRANGERS, UNKNOWN, PHOTOS = 16, 16, 4, 2
EVERYBODY = MEMBERS + STRANGERS + UNKNOWN
TRAINED = {EVERYBODY - 2, EVERYBODY - 1}
"""Those of the unknown whom the target was trained on, too."""


@pytest.fixture(scope="module")
def home(pageless_file: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw photos of everybody in `photos`, and a finished audit of most of them.

    Embeddings of faces that the target was trained on are longer.
    """
    folder = tmp_path_factory.mktemp("asked")
    person, number = np.repeat(np.arange(EVERYBODY), PHOTOS), np.tile(np.arange(PHOTOS), EVERYBODY)
    names = [f"p{who:02d}/{which}.jpg" for who, which in zip(person, number, strict=True)]
    take_photos([folder / "photos" / name for name in names], person, number)
    listed = read_folder(folder / "photos", Role.OUTSIDE)
    seen = examined(listed, folder / "cut", silent, detect=True, face=None)
    who = np.array([int(name[1:]) for name in seen.accepted.subject])
    trained = (who < MEMBERS) | np.isin(who, list(TRAINED))
    drawn = np.random.default_rng(0).normal(size=(len(who), 8))
    save_table(folder / "target.npy", drawn * np.where(trained, 2.5, 1.0)[:, None], seen.digest.tolist())
    save_foreign_table(folder, seen.digest.tolist())
    role = np.where(np.array([int(name[1:]) for name in listed.subject]) < MEMBERS, Role.MEMBER, Role.OUTSIDE)
    known = [row for row, name in enumerate(listed.subject.tolist()) if int(name[1:]) < MEMBERS + STRANGERS]
    image = tuple(f"photos/{name}" for name in listed.image)
    write_manifest(Roster(folder, image, listed.subject, role.astype(str)).take(known), folder / "people.csv")
    (folder / "audit.yaml").write_text(
        "model: target.npy\nroster: people.csv\nforeign: foreign.npy\ndetect: true\nassignment: randomised\n"
        "attacks: [embedding-norm]\ngames: [dataset]\nselfcheck: skip\nmax_reject_rate: 0.2\nmax_smallest_effect: 1\n"
    )
    audited = run("audit", folder / "audit.yaml", "-o", folder / "run", "--fail-if-leak")
    assert audited.exit_code == 1, audited.output
    return folder


def ask(home: Path, photos: Path) -> dict[str, object]:
    result = run("query", home / "run", "--photos", photos, "--fpr", "0.1", "--json")
    assert result.exit_code == 0, result.output + repr(result.exception)
    told: dict[str, object] = json.loads(result.stdout)
    return told


def people_with_faces(home: Path) -> set[int]:
    """Whoever has a photo on which the detector found a face."""
    return {int(path.parent.name[1:]) for path in (home / "cut/faces").rglob("*.jpg")}


def test_raw_photos_of_one_person_are_cut_as_the_audit_cut_its_own(home: Path) -> None:
    before = sorted((home / "run").rglob("*"))
    unknown = people_with_faces(home) & set(range(MEMBERS + STRANGERS, EVERYBODY))
    assert unknown & TRAINED, "the detector lost everybody whom this is about"
    assert unknown - TRAINED, "the detector lost everybody whom this is about"
    for person in unknown:
        told = ask(home, home / "photos" / f"p{person:02d}")
        assert (told["known"], told["stands_out"]) == (False, person in TRAINED), told
    assert sorted((home / "run").rglob("*")) == before


def test_whoever_stands_in_the_audit_is_known_again_by_the_raw_photo(home: Path) -> None:
    person = min(people_with_faces(home))
    told = ask(home, home / "photos" / f"p{person:02d}")
    assert (told["known"], told["stands_out"]) == (True, True)


def test_a_photo_without_a_face_is_no_answer(home: Path, tmp_path: Path) -> None:
    on_a_wall().save(tmp_path / "wall.jpg")
    result = run("query", home / "run", "--photos", tmp_path)
    assert result.exit_code == 3
    assert "none of the photos can be used" in result.output
    assert "no face found: wall.jpg" in result.output


def test_everybodys_raw_photos_are_scored_by_their_faces(home: Path, tmp_path: Path) -> None:
    on_a_wall().save(home / "photos" / "p00" / "wall.jpg")
    result = run("score", home / "run", "--images", home / "photos", "--out", tmp_path / "scores")
    (home / "photos/p00/wall.jpg").unlink()
    assert result.exit_code == 0, result.output + repr(result.exception)
    rejected = pq.read_table(tmp_path / "scores/rejects-00000.parquet").to_pylist()
    assert {"image": "p00/wall.jpg", "reason": "no face found"}.items() <= rejected[0].items()
    assert len(rejected) == 1 + EVERYBODY * PHOTOS - len(list((home / "cut/faces").rglob("*.jpg")))
    people = {row["person"]: row for row in pq.read_table(tmp_path / "scores/people-00000.parquet").to_pylist()}
    faces = people_with_faces(home)
    unknown = {person: people[f"p{person:02d}"]["fpr"] for person in faces & set(range(MEMBERS + STRANGERS, EVERYBODY))}
    assert {person for person, rate in unknown.items() if rate <= 0.1} == faces & TRAINED
    person = max(faces)
    asked = ask(home, home / "photos" / f"p{person:02d}")
    assert unknown[person] == pytest.approx(asked["p_value"]), "a query and a score cut and judge alike"
    assert not list((tmp_path / "scores").rglob("*.jpg")), "faces are forgotten"
