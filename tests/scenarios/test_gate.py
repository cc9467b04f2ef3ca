"""Gates through the command line: every exit code, over finished audits and at the end of one."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from command import run
from embedded import save_foreign_table, save_table
from typer.testing import Result

import bareface.auditing.gating
from bareface.cli.app import app
from bareface.cli.ending import end_with
from bareface.records.evidence import read_evidence, write_evidence
from bareface.records.gate import read_gate
from bareface.rosters.roster import Roster, read_folder, write_manifest
from bareface.synthetic import write_folder
from bareface.vocabulary import Role, Verdict

PEOPLE, PHOTOS = 80, 3
QUICK = ("--attack", "embedding-norm", "--game", "dataset", "--selfcheck", "skip", "--seed", "3")


@pytest.fixture(scope="module")
def home(pageless_file: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of 80 people are members; one table of embeddings is longer for them, the other is not."""
    folder = tmp_path_factory.mktemp("gate")
    write_folder(folder / "faces", people=PEOPLE, images=PHOTOS, size=16, seed=5)
    listed = read_folder(folder / "faces", Role.OUTSIDE)
    member = np.array([int(subject[1:]) % 2 == 0 for subject in listed.subject])
    role = np.where(member, str(Role.MEMBER), str(Role.OUTSIDE))
    image = tuple(f"faces/{name}" for name in listed.image)
    write_manifest(Roster(folder, image, listed.subject, role), folder / "people.csv")
    few = np.flatnonzero([int(subject[1:]) < 28 for subject in listed.subject])[::PHOTOS]
    write_manifest(Roster(folder, image, listed.subject, role).take(few), folder / "few.csv")
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(len(image), 8))
    for name, values in (("leaky", plain * np.where(member, 2.0, 1.0)[:, None]), ("quiet", plain)):
        save_table(folder / f"{name}.npy", values, image)
    save_foreign_table(folder, image)
    return folder


def audit(home: Path, model: str, folder: Path, *more: str | Path, roster: str = "people.csv") -> Result:
    given = ("--model", home / f"{model}.npy", "--roster", home / roster, "--foreign", home / "foreign.npy")
    return run("audit", *given, *QUICK, "-o", folder, *more)


@pytest.fixture(scope="module")
def runs(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Finished audits, by their verdict."""
    folder = tmp_path_factory.mktemp("runs")
    lots = ("--assignment", "randomised")
    done = {
        "LEAK SHOWN": audit(home, "leaky", folder / "LEAK SHOWN", *lots),
        "NOT SHOWN": audit(home, "quiet", folder / "NOT SHOWN", *lots),
        "INVALID": audit(home, "leaky", folder / "INVALID"),
        "NOT ESTIMABLE": audit(home, "quiet", folder / "NOT ESTIMABLE", *lots, roster="few.csv"),
    }
    assert {name: result.exit_code for name, result in done.items()} == dict.fromkeys(done, 0)
    found = {name: folder / name for name in done}
    assert {name: read_evidence(path).verdict.value for name, path in found.items()} == {name: name for name in found}
    return found


@pytest.mark.parametrize(
    ("verdict", "code"), [("LEAK SHOWN", 1), ("NOT SHOWN", 0), ("INVALID", 3), ("NOT ESTIMABLE", 3)]
)
def test_a_gate_on_leaks_ends_as_the_verdict_says(runs: dict[str, Path], verdict: str, code: int) -> None:
    result = run("gate", runs[verdict], "--fail-if", "leak")
    assert result.exit_code == code, result.output
    (line,) = read_gate(runs[verdict]).lines
    assert line.outcome == {0: "passed", 1: "failed", 3: "inconclusive"}[code]
    assert verdict in line.why


def test_fourteen_people_with_a_photo_each_are_told_how_many_are_needed(runs: dict[str, Path]) -> None:
    sentence = read_evidence(runs["NOT ESTIMABLE"]).sentence
    assert "14 + 14 are there" in sentence
    assert "people are needed" in sentence


@pytest.mark.parametrize(
    ("verdict", "rule", "code", "why"),
    [
        ("LEAK SHOWN", "auc > .6", 1, "lies beyond"),
        ("LEAK SHOWN", "auc > .999", 0, "lies within"),
        ("LEAK SHOWN", "tpr@fpr=.1 > .05", 1, "lies beyond"),
        ("NOT SHOWN", "auc > .7", 0, "lies within"),
        ("NOT SHOWN", "auc > .5", 3, "inside the interval"),
        ("NOT SHOWN", "tpr@fpr=.001 > .05", 3, "2,995 non-members are needed, 120 are there"),
        ("NOT SHOWN", "person.auc > .7", 3, "Nothing was asked about the person game"),
        ("NOT SHOWN", "shadow.leak", 3, "Nothing was asked about a game with shadow knowledge"),
        ("INVALID", "auc > .6", 3, "INVALID"),
        ("NOT ESTIMABLE", "auc > .99", 3, "Not estimable"),
    ],
)
def test_numbers_are_judged_at_the_ends_of_the_interval(
    runs: dict[str, Path], verdict: str, rule: str, code: int, why: str
) -> None:
    result = run("gate", runs[verdict], "--fail-if", rule)
    assert result.exit_code == code, result.output
    assert why in result.output


@pytest.mark.parametrize(("visible", "code"), [("0.84", 0), ("0.51", 3)])
def test_power_that_is_required(runs: dict[str, Path], visible: str, code: int) -> None:
    result = run("gate", runs["NOT SHOWN"], "--fail-if", "leak", "--require-visible", visible)
    assert result.exit_code == code, result.output
    assert ("too little power" in result.output) == (code == 3)


def test_a_gate_that_asks_nothing_has_not_passed(runs: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("require_visible: .84\n")
    for asked in ((), ("--policy", tmp_path / "policy.yaml"), ("--require-visible", ".84")):
        result = run("gate", runs["NOT SHOWN"], *asked)
        assert result.exit_code == 3
        assert "nothing was asked" in result.output


def test_the_worst_rule_decides_and_every_rule_is_told(runs: dict[str, Path], tmp_path: Path) -> None:
    policy, junit, summary = (tmp_path / name for name in ("policy.yaml", "gate.xml", "gate.md"))
    policy.write_text("fail_if:\n- auc > .999\n- tpr@fpr=.001 > .05\n")
    asked = ("--policy", policy, "--fail-if", "leak", "--junit", junit, "--summary", summary, "--json")
    result = run("gate", runs["LEAK SHOWN"], *asked)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [line["outcome"] for line in told["lines"]] == ["passed", "inconclusive", "failed"]
    assert json.loads((runs["LEAK SHOWN"] / "gate.json").read_text()) == told
    suite = ElementTree.parse(junit).getroot()
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors")} == {
        "tests": "3", "failures": "1", "errors": "1"
    }  # fmt: skip
    assert [test.attrib["name"] for test in suite.iter("testcase")] == ["auc > .999", "tpr@fpr=.001 > .05", "leak"]
    assert "### bareface gate: failed" in summary.read_text()


def test_an_audit_ends_as_its_gate_says(home: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    lots, (leaky, quiet) = ("--assignment", "randomised"), (runs["LEAK SHOWN"], runs["NOT SHOWN"])
    (tmp_path / "policy.yaml").write_text("fail_if: auc > .6\n")
    assert audit(home, "leaky", leaky, *lots, "--policy", tmp_path / "policy.yaml").exit_code == 1
    assert audit(home, "leaky", leaky, *lots, "--fail-if-leak").exit_code == 1
    assert audit(home, "leaky", leaky, *lots).exit_code == 0
    assert audit(home, "quiet", quiet, *lots, "--fail-if-leak", "--require-visible", ".84").exit_code == 0
    assert audit(home, "quiet", quiet, *lots, "--junit", tmp_path / "gate.xml").exit_code == 3
    assert (tmp_path / "gate.xml").is_file()


def test_an_audit_whose_only_attack_abstained_has_not_passed(home: Path, tmp_path: Path) -> None:
    given = ("--model", home / "quiet.npy", "--roster", home / "people.csv", "--foreign", home / "foreign.npy")
    asked = (
        "audit",
        *given,
        "--assignment",
        "randomised",
        "--attack",
        "bn-distance",
        "--game",
        "dataset",
        "-o",
        tmp_path / "run",
    )
    for rule in ("leak", "auc > .9"):
        result = run(*asked, "--fail-if", rule)
        assert result.exit_code == 3, result.output
        (line,) = read_gate(tmp_path / "run").lines
        assert "BatchNorm layers with running statistics" in " ".join([line.why, *line.set_aside])


def test_mistakes_are_told_before_anything_runs(home: Path, tmp_path: Path) -> None:
    result = audit(home, "quiet", tmp_path / "run", "--fail-if", "tpr@fpr=.05 > .1")
    assert result.exit_code == 2
    assert "one that is counted: .1, .01, .001" in result.stderr
    assert not (tmp_path / "run").exists()
    assert run("gate", tmp_path, "--fail-if", "leek").exit_code == 2
    assert run("gate", tmp_path, "--fail-if", "leak").exit_code == 4


def test_a_crash_of_the_gate_has_a_code_of_its_own(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(bareface.auditing.gating, "gate", broken)
    monkeypatch.setattr("sys.argv", ["bareface", "gate", str(runs["NOT SHOWN"]), "--fail-if", "leak"])
    with pytest.raises(SystemExit) as ended:
        end_with(app, debug=False)
    assert ended.value.code == 70
    assert "Crash: ZeroDivisionError: a mistake of ours" in capsys.readouterr().err


def test_the_class_head_is_the_ceiling_and_counts_nowhere(runs: dict[str, Path], tmp_path: Path) -> None:
    evidence = read_evidence(runs["NOT SHOWN"])
    (quiet,), (leak,) = evidence.findings, read_evidence(runs["LEAK SHOWN"]).findings
    ceiling = leak.model_copy(update={"attack": "class-centre", "parameters": {}})
    both = evidence.model_copy(update={"findings": (quiet, ceiling)})
    write_evidence(both, tmp_path)
    assert run("gate", tmp_path, "--fail-if", "auc > .7", "--fail-if", "leak").exit_code == 0
    write_evidence(evidence.model_copy(update={"findings": (leak,), "verdict": Verdict.LEAK_SHOWN}), tmp_path)
    assert run("gate", tmp_path, "--fail-if", "auc > .7").exit_code == 1
