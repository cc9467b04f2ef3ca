"""A target that is fed in another way than in training is not audited, unless somebody insists."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import Result
from command import run

from bareface.auditing.images import images_for
from bareface.auditing.input_check import fed_as_trained, foreign_fed_as_trained
from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings
from bareface.faces.examine import examine
from bareface.records.evidence import read_evidence
from bareface.records.selfcheck import SelfCheck
from bareface.report.html import render_html
from bareface.report.selfcheck import selfcheck_pairs
from bareface.report.text import render_text
from bareface.rosters.roster import read_folder, read_manifest
from bareface.settings.spec import ImageSpec
from bareface.targets.store import load_target, save_target
from bareface.training.recalibrate import estimate_statistics
from bareface.vocabulary import Role

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="module")
def bgr(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of one backbone whose statistics are those of BGR faces: `right` says so, `wrong` says RGB."""
    home, target = tmp_path_factory.mktemp("bgr"), load_target(world / "target")
    people = read_manifest(world / "people.csv")
    fed = replace(target, spec=ImageSpec(32, 32, "BGR"))
    fed = estimate_statistics(fed, images_for(fed, people.take(people.rows(Role.AUXILIARY))))
    save_target(fed, home / "right")
    save_target(replace(fed, spec=target.spec), home / "wrong")
    return home


def audit(world: Path, model: Path, folder: Path, *more: str) -> Result:
    asked = ("--roster", world / "people.csv", "--attack", "bn-distance", "--game", "dataset", "-o", folder)
    return run("audit", "--model", model, *asked, *more)


@pytest.mark.usefixtures("pageless")
def test_an_audit_is_refused_until_somebody_insists(world: Path, bgr: Path, tmp_path: Path) -> None:
    refused = audit(world, bgr / "wrong", tmp_path / "run")
    assert refused.exit_code == 2
    said = " ".join(refused.stderr.split())
    assert "TargetError input of small: got RGB, (x - 127.5) / 127.5 has misfit" in said
    assert "BGR, (x - 127.5) / 127.5 has 0.0" in said
    assert "--selfcheck report" in said
    insisted = audit(world, bgr / "wrong", tmp_path / "run", "--selfcheck", "report")
    assert insisted.exit_code == 0, insisted.output
    evidence = read_evidence(tmp_path / "run")
    assert evidence.selfcheck is not None
    assert (evidence.selfcheck.verdict, evidence.selfcheck.overridden) == ("misfit", True)
    assert evidence.limits[0].startswith("The target does not seem to be fed as in training, and the audit went on")
    for page in (render_text(evidence), render_html(evidence)):
        assert "DOES NOT FIT, and the audit went on all the same" in " ".join(page.split())


@pytest.mark.usefixtures("pageless")
def test_an_audit_takes_the_input_on_its_command_line(world: Path, bgr: Path, tmp_path: Path) -> None:
    """As the self-check writes it; the short way of writing is read alike (tests/targets/test_spec.py)."""
    result = audit(world, bgr / "wrong", tmp_path / "run", "--spec", "32x32 BGR, (x - 127.5) / 127.5")
    assert result.exit_code == 0, result.output
    evidence = read_evidence(tmp_path / "run")
    assert evidence.selfcheck is not None
    assert evidence.selfcheck.verdict in ("fits", "cannot tell")


def test_an_input_that_nobody_could_mean_is_refused(world: Path, bgr: Path, tmp_path: Path) -> None:
    refused = audit(world, bgr / "wrong", tmp_path / "run", "--spec", "32x32:CMYK")
    assert refused.exit_code == 2
    assert "spec: got '32x32:CMYK'; expected HEIGHTxWIDTH RGB|BGR|GRAY" in " ".join(refused.stderr.split())
    assert not (tmp_path / "run").exists()


def test_a_target_that_is_fed_rightly_passes_and_the_report_says_so(world: Path, bgr: Path) -> None:
    seen = examine(read_manifest(world / "people.csv"))
    check = fed_as_trained(load_target(bgr / "right"), seen, AuditSettings(), silent)
    assert check.verdict in ("fits", "cannot tell")
    assert check.source == "120 non-member images"
    assert not check.overridden
    said = dict(selfcheck_pairs(check))
    assert said["Checked on"] == "120 non-member images, 22 BatchNorm layers"
    assert said["Input self-check"].endswith(check.sentence)
    assert dict(selfcheck_pairs(None)) == {"Input self-check": "not made: the run is from before there was one"}


@pytest.mark.usefixtures("pageless")
def test_a_foreign_model_is_checked_but_never_refused(world: Path, bgr: Path, tmp_path: Path) -> None:
    result = audit(world, bgr / "right", tmp_path / "run", "--foreign", str(bgr / "wrong"))
    assert result.exit_code == 0, result.output
    evidence = read_evidence(tmp_path / "run")
    assert evidence.selfcheck is not None
    assert evidence.foreign_selfcheck is not None
    assert (evidence.selfcheck.overridden, evidence.foreign_selfcheck.verdict) == (False, "misfit")
    limit = "The foreign model does not seem to be fed as in training, so that its control may be easier to beat"
    assert evidence.limits[0].startswith(limit)
    for page in (render_text(evidence), render_html(evidence)):
        assert limit in " ".join(page.split())
    assert "DOES NOT FIT, and the audit went on all the same" in " ".join(render_html(evidence).split())


def test_a_foreign_model_that_nobody_brought_is_not_checked(world: Path, bgr: Path) -> None:
    seen = examine(read_manifest(world / "people.csv"))
    assert foreign_fed_as_trained(None, seen, AuditSettings(), silent) is None


def test_why_there_was_no_check_is_recorded(world: Path, bgr: Path) -> None:
    people = read_manifest(world / "people.csv")
    seen = examine(people.take(people.rows(Role.OUTSIDE)))
    wrong, fresh = load_target(bgr / "wrong"), load_target(world / "target")
    table = SimpleNamespace(name="a table of embeddings", spec=wrong.spec)
    asked = ((wrong, AuditSettings(selfcheck="skip")), (fresh, AuditSettings()), (table, AuditSettings()))
    assert [fed_as_trained(target, seen, settings, silent).sentence for target, settings in asked] == [
        "Not checked: it was not asked for.",
        "Not checked: no BatchNorm layer with running statistics that were ever updated.",
        "Not checked: only a backbone in torch can be fed in several ways and looked into.",
    ]
    nonsense = audit(world, bgr / "wrong", bgr / "run", "--selfcheck", "sometimes")
    assert nonsense.exit_code == 2
    assert "got 'sometimes'; expected 'refuse', 'report' or 'skip'" in nonsense.stderr


def test_the_command_names_the_way_that_fits(world: Path, bgr: Path) -> None:
    faces = world / "faces"
    right, wrong = (
        run("selfcheck", "--model", bgr / name, "--images", faces, "--most", "64") for name in ("right", "wrong")
    )
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert "verdict         misfit" in wrong.stdout
    best = next(line for line in wrong.stdout.splitlines() if "± 0.0000" in line)
    assert "BGR, (x - 127.5) / 127.5" in best
    as_json = run("selfcheck", "--model", bgr / "wrong", "--images", faces, "--most", "16", "--json")
    check = SelfCheck.model_validate_json(as_json.stdout)
    assert (check.images, check.declared) == (16, "RGB, (x - 127.5) / 127.5")
    assert json.loads(as_json.stdout)["fits"][0]["behind"] == 0


def test_only_what_can_be_looked_into_is_inspected_and_checked(world: Path, tmp_path: Path) -> None:
    table = tmp_path / "embeddings.npy"
    np.save(table, np.eye(2, dtype=np.float32))
    table.with_suffix(".csv").write_text("image\na\nb\n")
    checked = run("selfcheck", "--model", table, "--images", world / "faces")
    inspected = run("inspect", table)
    assert (checked.exit_code, inspected.exit_code) == (2, 2)
    assert "got unknown (embeddings only); expected a backbone in torch" in " ".join(checked.stderr.split())
    assert "got a table of embeddings; expected a file with a backbone in it" in " ".join(inspected.stderr.split())


def test_the_command_says_what_it_cannot_check(world: Path, tmp_path: Path) -> None:
    fresh = run("selfcheck", "--model", world / "target", "--images", world / "faces")
    assert fresh.exit_code == 0
    assert fresh.stdout.startswith("verdict         skipped")
    (tmp_path / "someone").mkdir()
    (tmp_path / "someone" / "broken.png").write_bytes(b"no image")
    empty = run("selfcheck", "--model", world / "target", "--images", tmp_path)
    assert empty.exit_code == 2
    assert "got no usable image; expected faces of people it was not trained on" in empty.stderr


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "margin"), [("casia-068.ckpt", 5), ("casia-micro-070.ckpt", 5), ("casia-scratch-001.ckpt", 1.5)]
)
def test_real_checkpoints_are_fed_as_their_readme_says(file: str, margin: float) -> None:
    if not SHARED.is_dir():
        pytest.skip("the real checkpoints and faces are not present (shared)")
    from bareface.inspecting.selfcheck import selfcheck

    target = load_target(SHARED / "checkpoints" / file)
    faces = read_folder(SHARED / "faces" / "lfw", Role.PUBLIC)
    check = selfcheck(target, images_for(target, faces.take(np.arange(0, 7800, 325))), "faces")
    assert check.verdict == ("cannot tell" if "scratch" in file else "fits")  # a net of one epoch needs more faces
    assert check.fits[0].input == "RGB, (x - 127.5) / 128"
    assert check.fits[1].misfit > margin * check.fits[0].misfit
    assert check.order.startswith("cannot be told: the images are grey")
