"""An audit asks the same of people in packs as of people in folders, and gets the same answer."""

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import packed
import pytest
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.faces.packs.recordio import scan

MAKERS = {"rec": packed.as_records, "shards": packed.as_shards}
QUICK = "model: {model}\nmembers: {members}\nnonmembers: {others}\nattacks: [flip-agreement]\n"
pytestmark = pytest.mark.usefixtures("pageless")


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


def damaged(pack: Path) -> tuple[Path, str]:
    """A pack with one record or member hurt in its middle, and the name of that one."""
    content = bytearray(pack.read_bytes())
    if pack.suffix == ".rec":
        starts = scan(bytes(content))
        content[int(starts[3])] ^= 255
        pack.with_suffix(".idx").unlink(missing_ok=True)
        name = f"{pack.name}/4"  # the first has number 1
    else:
        with tarfile.open(pack) as archive:
            hurt = [member for member in archive.getmembers() if member.isfile()][3]
        content[hurt.offset_data : hurt.offset_data + 16] = bytes(16)
        name = f"{pack.name}/{hurt.name.removeprefix('./')}"
    pack.write_bytes(content)
    return pack, name


@pytest.mark.parametrize("kind", ["rec", "tar"])
def test_a_damaged_record_of_a_small_pack_is_named(kind: str, world: Path, sides: Path, tmp_path: Path) -> None:
    make = {"rec": packed.as_records, "tar": packed.as_tar}[kind]
    for side in ("members", "others"):
        make(sides / side, tmp_path / f"{side}.{kind}")
    _, name = damaged(tmp_path / f"members.{kind}")
    call = ["--model", str(world / "target"), "--attack", "flip-agreement", "-o", str(tmp_path / "run")]
    call += ["--members", str(tmp_path / f"members.{kind}"), "--nonmembers", str(tmp_path / f"others.{kind}")]
    result = CliRunner().invoke(app, ["audit", *call])
    assert result.exit_code == 2, result.output
    assert "images unusable (1 " in result.stderr
    assert re.search(rf"copying again \(whole packs\), or leaving out, \S*{re.escape(name)} \(", result.stderr)
