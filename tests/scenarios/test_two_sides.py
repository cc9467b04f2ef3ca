"""Audits of rosters in which something stands on two sides."""

import io
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from command import run
from PIL import Image
from torch import nn
from typer.testing import Result

from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings
from bareface.auditing.usable import NO_RECOGNISER, usable_images
from bareface.errors import UsageError
from bareface.records.evidence import Evidence, read_evidence
from bareface.rosters.roster import Roster, read_manifest, write_manifest
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target

ATTACKS = ("--attack", "bn-distance", "--game", "dataset")


@pytest.fixture(scope="module")
def planted(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world with one member's file among the outsiders, and another's mirror image, recompressed."""
    home = tmp_path_factory.mktemp("planted")
    shutil.copytree(world / "faces", home / "faces")
    shutil.copytree(world / "target", home / "target")
    roster = read_manifest(world / "people.csv")
    member, outside = roster.rows("member"), roster.rows("outside")
    shutil.copy(home / roster.image[member[0]], home / roster.image[outside[0]])
    turned = Image.open(home / roster.image[member[3]]).convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = io.BytesIO()
    turned.save(buffer, format="JPEG", quality=80)
    (home / roster.image[outside[5]]).write_bytes(buffer.getvalue())
    write_manifest(Roster(home, roster.image, roster.subject, roster.role), home / "people.csv")
    return home


def audited(planted: Path, folder: Path, rate: float) -> tuple[Result, Evidence]:
    (planted / "audit.yaml").write_text(f"model: target\nroster: people.csv\nmax_shared_rate: {rate}\n")
    result = run("audit", planted / "audit.yaml", *ATTACKS, "-o", folder)
    return result, read_evidence(folder)


def test_many_shared_pictures_stop_an_audit(planted: Path, tmp_path: Path) -> None:
    result = run(
        "audit", "--model", planted / "target", "--roster", planted / "people.csv", *ATTACKS, "-o", tmp_path / "r"
    )
    assert result.exit_code == 2
    assert (
        "4 of 96 images on two sides: member and outside share 1 file and 1 near-duplicate (1 mirrored)"
        in result.output
    )
    assert "expected at most 1.0%" in result.output
    rejects = pq.read_table(tmp_path / "r" / "rejects.parquet").to_pylist()
    assert [r["reason"] for r in rejects] == ["picture on two sides"] * 4
    assert {r["detail"] for r in rejects} == {"also among the member images", "also among the outside images"}


def test_a_few_are_left_out_and_recorded(planted: Path, tmp_path: Path) -> None:
    result, evidence = audited(planted, tmp_path / "run", 0.05)
    assert result.exit_code == 0, result.output
    assert evidence.hygiene is not None
    assert (evidence.hygiene.images, evidence.hygiene.left_out) == (96, 4)
    assert [(p.first, p.second, p.exact, p.near, p.mirrored) for p in evidence.hygiene.pictures] == [
        ("member", "heldout", 0, 0, 0),
        ("member", "outside", 1, 1, 1),
        ("heldout", "outside", 0, 0, 0),
    ]
    assert sorted((r.role, r.reason) for r in evidence.rejects) == [
        *[("member", "picture on two sides")] * 2,
        *[("outside", "picture on two sides")] * 2,
    ]
    (finding,) = evidence.findings
    assert finding.image is not None
    assert (finding.image.members, finding.image.nonmembers) == (22, 46)
    assert evidence.hygiene.people.reason == NO_RECOGNISER
    said = " ".join(result.output.split())
    assert "Pictures: member and outside share 1 file and 1 near-duplicate (1 mirrored)" in said
    page = (tmp_path / "run" / "report.html").read_text()
    assert "picture on two sides" in page
    assert "p00003" not in page + (tmp_path / "run" / "result.json").read_text()


def test_an_inversion_of_it_meets_the_same_people(planted: Path, tmp_path: Path) -> None:
    from bareface.auditing.inversion.audited import read_audit
    from bareface.targets.store import load_target

    audited(planted, tmp_path / "run", 0.05)
    told = read_audit(tmp_path / "run", load_target(planted / "target"), read_manifest(planted / "people.csv"), silent)
    assert int(told.arena.member.sum()) == 22
    assert len(told.trace) == 68


def test_the_target_is_no_judge_of_its_own_people(planted: Path, tmp_path: Path) -> None:
    result = run(
        "audit", "--model", planted / "target", "--roster", planted / "people.csv", *ATTACKS,
        "--recogniser", planted / "target" / "backbone.safetensors", "-o", tmp_path / "run",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "got the audited target itself; expected another network" in result.output


def linear(seed: int) -> Target:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Target(f"net {seed}", "toy", nn.Sequential(nn.Flatten(), nn.Linear(3 * 144, 64)), ImageSpec(12, 12))


def crowd(folder: Path) -> Roster:
    """110 training people and 110 outsiders with one photo each; outsiders 3 and 7 are training people 5 and 6."""
    rng = np.random.default_rng(9)
    faces = rng.integers(0, 256, (220, 12, 12, 3))
    faces[[113, 117]] = np.clip(faces[[5, 6]] + rng.normal(0, 60, (2, 12, 12, 3)), 0, 255)
    for number, face in enumerate(faces.astype(np.uint8)):
        Image.fromarray(face).save(folder / f"{number}.png")
    names = np.array([f"someone {number}" for number in range(220)])
    roles = np.where(np.arange(220) < 110, "member", "outside")
    return Roster(folder, tuple(f"{number}.png" for number in range(220)), names, roles)


def test_people_under_two_names_are_found_by_a_recogniser(tmp_path: Path) -> None:
    roster = crowd(tmp_path)
    settings = AuditSettings(max_shared_rate=0.02)
    checked = usable_images(roster, linear(0), linear(1), settings, tmp_path, silent)
    people = checked.hygiene.people
    assert (people.status, people.recogniser, people.second_matched, people.second_people) == ("done", "net 1", 2, 110)
    assert [(r.image, r.reason) for r in checked.examination.rejects] == [
        ("113.png", "person on two sides"),
        ("117.png", "person on two sides"),
    ]
    assert len(checked.examination.accepted) == 218
    with pytest.raises(UsageError, match=r"recogniser: got the audited target itself; .*would remove its own leak"):
        usable_images(roster, linear(0), linear(0), settings, tmp_path, silent)


def test_without_outsiders_nobody_is_compared(tmp_path: Path) -> None:
    roster = crowd(tmp_path)
    members = roster.take(roster.rows("member"))
    checked = usable_images(members, linear(0), linear(1), AuditSettings(), tmp_path, silent)
    assert checked.hygiene.people.reason == "there is nobody who was never trained on"


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC")])
def test_one_person_in_two_spellings_of_one_name_is_one_person(
    world: Path, tmp_path: Path, forms: tuple[str, str]
) -> None:
    for number, form in enumerate(forms):
        for person in range(6):
            name = unicodedata.normalize(form, f"Zoë {person}")
            (tmp_path / f"side {number}" / name).mkdir(parents=True)
            Image.new("RGB", (8, 8), (40 * person, 100 * number, 0)).save(tmp_path / f"side {number}" / name / "0.png")
    result = run("audit", "--model", world / "target", "--members", tmp_path / "side 0", "--nonmembers",
                 tmp_path / "side 1", "-o", tmp_path / "run")  # fmt: skip
    assert result.exit_code == 2, result.output
    assert "got 6 people who are outside and also member or heldout" in result.stderr


@pytest.fixture(scope="module")
def contaminated(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world, where the files of eight auxiliary people are those of outsiders, byte for byte."""
    home = tmp_path_factory.mktemp("contaminated")
    shutil.copytree(world / "faces", home / "faces")
    shutil.copytree(world / "target", home / "target")
    roster = read_manifest(world / "people.csv")
    for theirs, ours in zip(roster.rows("outside")[:32], roster.rows("auxiliary")[:32], strict=True):
        shutil.copy(home / roster.image[theirs], home / roster.image[ours])
    write_manifest(Roster(home, roster.image, roster.subject, roster.role), home / "people.csv")
    return home


def test_auxiliary_people_who_are_outsiders_train_nobody(contaminated: Path, tmp_path: Path) -> None:
    result = run("audit", "--model", contaminated / "target", "--roster", contaminated / "people.csv", *ATTACKS,
                 "-o", tmp_path / "run")  # fmt: skip
    assert result.exit_code == 0, result.output
    evidence = read_evidence(tmp_path / "run")
    assert evidence.hygiene is not None
    (own,) = evidence.hygiene.own
    assert (own.role, own.people, own.left_out_people, own.left_out_images) == ("auxiliary", 12, 8, 32)
    assert {p.first: (p.exact, p.second_images) for p in own.pictures} == {
        "member": (0, 0),
        "heldout": (0, 0),
        "outside": (32, 32),
    }
    assert {(r.role, r.reason) for r in evidence.rejects} == {("auxiliary", "person in question")}
    assert {role.role: role.rejected for role in evidence.roles}["auxiliary"] == 32
    said = "Auxiliary people: 8 with 32 images are left out of all training and statistics"
    assert said in " ".join(result.output.split())
    assert said in (tmp_path / "run" / "report.html").read_text()


def test_too_few_others_to_train_shadows_on_are_refused(contaminated: Path, tmp_path: Path) -> None:
    (contaminated / "shadow.yaml").write_text("model: target\nroster: people.csv\nshadow: {}\n")
    result = run("audit", contaminated / "shadow.yaml", *ATTACKS, "-o", tmp_path / "run")
    assert result.exit_code == 2, result.output
    assert "auxiliary people: got 8 of 12 who are people in question by name, picture or face" in result.stderr
    assert not (tmp_path / "run" / "shadows").exists()
    rejects = pq.read_table(tmp_path / "run" / "rejects.parquet").to_pylist()
    assert {r["detail"] for r in rejects} == {"a name or a picture in common with the outside images"}


def strangers_as_heldout(world: Path, folder: Path) -> Path:
    """The small world with its held-out photos under other names than the members'."""
    roster = read_manifest(world / "people.csv")
    names = np.where(roster.role == "heldout", np.char.add("x", roster.subject), roster.subject)
    write_manifest(Roster(folder, roster.image, names, roster.role), folder / "people.csv")
    shutil.copytree(world / "faces", folder / "faces")
    return folder / "people.csv"


def test_heldout_people_who_are_no_members_by_name_play_no_record_game(world: Path, tmp_path: Path) -> None:
    roster = strangers_as_heldout(world, tmp_path)
    asked = ("audit", "--model", world / "target", "--roster", roster, "--attack", "embedding-norm")
    refused = run(*asked, "--game", "record", "-o", tmp_path / "refused")
    assert refused.exit_code == 2
    assert "record game: got 12 held-out people of whom nobody is a member by name ('xp00000', " in refused.stderr
    result = run(*asked, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    evidence = read_evidence(tmp_path / "run")
    assert {finding.game for finding in evidence.findings} == {"person", "dataset"}
    assert evidence.hygiene is not None
    assert evidence.hygiene.partners is not None
    assert (evidence.hygiene.partners.paired, evidence.hygiene.partners.lone_heldout) == (0, 12)
    assert "Record game: not played; 12 held-out people with 24 images" in " ".join(result.output.split())
