"""An audit asks the same of people in packs as of people in folders, and gets the same answer."""

import json
import shutil
from pathlib import Path
from typing import Any

import packed
import pytest
from typer.testing import CliRunner

from bareface.cli.app import app

MAKERS = {"rec": packed.as_records, "shards": packed.as_shards}
QUICK = "model: {model}\nmembers: {members}\nnonmembers: {others}\nattacks: [flip-agreement]\n"


@pytest.fixture(scope="module")
def sides(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`members/` and `others/`, eight people each."""
    home = tmp_path_factory.mktemp("sides")
    for number, person in enumerate(sorted((world / "faces").iterdir())[:16]):
        shutil.copytree(person, home / ("members" if number < 8 else "others") / person.name)
    return home


def audited(world: Path, home: Path, members: str, others: str, run: Path) -> dict[str, Any]:
    """What an audit says, without what depends on names."""
    config = run.with_suffix(".yaml")
    config.write_text(QUICK.format(model=world / "target", members=home / members, others=home / others))
    result = CliRunner().invoke(app, ["audit", str(config), "-o", str(run)])
    assert result.exit_code == 0, result.output + repr(result.exception)
    said = json.loads((run / "result.json").read_text())
    return {"findings": said["findings"], "rejects": said["rejects"], "verdict": said["verdict"]}


@pytest.fixture(scope="module")
def from_folders(world: Path, sides: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return audited(world, sides, "members", "others", tmp_path_factory.mktemp("runs") / "folders")


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_people_in_packs_give_the_same_findings(
    kind: str, world: Path, sides: Path, from_folders: dict[str, Any], tmp_path: Path
) -> None:
    for side in ("members", "others"):
        MAKERS[kind](sides / side, sides / f"{side}.{kind}")
    assert audited(world, sides, f"members.{kind}", f"others.{kind}", tmp_path / "run") == from_folders


def test_a_manifest_may_name_records(world: Path, sides: Path, from_folders: dict[str, Any], tmp_path: Path) -> None:
    rows = ["image,subject,role"]
    for side, role in (("members", "member"), ("others", "outside")):
        packed.as_records(sides / side, sides / f"{side}-listed.rec")
        people = [name for name, images in packed.people_in(sides / side).items() for _ in images]
        rows += [f"{side}-listed.rec/{number},{person},{role}" for number, person in enumerate(people, start=1)]
    (sides / "listed.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "run.yaml").write_text(
        f"model: {world / 'target'}\nroster: {sides / 'listed.csv'}\nattacks: [flip-agreement]\n"
    )
    result = CliRunner().invoke(app, ["audit", str(tmp_path / "run.yaml"), "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output + repr(result.exception)
    assert json.loads((tmp_path / "run" / "result.json").read_text())["findings"] == from_folders["findings"]


def test_a_pack_as_roster_is_refused_with_advice(world: Path, sides: Path, tmp_path: Path) -> None:
    packed.as_tar(sides / "members", sides / "roster.tar")
    (tmp_path / "run.yaml").write_text(f"model: {world / 'target'}\nroster: {sides / 'roster.tar'}\n")
    result = CliRunner().invoke(app, ["audit", str(tmp_path / "run.yaml"), "-o", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert "got a pack as roster; expected a CSV or Parquet manifest" in result.stderr
    assert "Try: --members PACK --nonmembers PACK" in result.stderr
