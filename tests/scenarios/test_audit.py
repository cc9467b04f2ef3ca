"""An audit through the command line, whole: what comes out, resume, and the same again."""

import json
import os
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from alike import assert_alike
from command import run
from killed import killed_at

import bareface
from bareface.auditing.attack_models import read_attack_models
from bareface.auditing.traces import candidates
from bareface.records.evidence import read_evidence
from bareface.rosters.roster import read_manifest, write_manifest
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target
from bareface.vocabulary import Role

SMALL_SHADOW = (
    "shadow: {count: 1, train: {spec: {height: 32, width: 32}, epochs: 1, warmup_epochs: 0, embedding_size: 16}}\n"
)


ATTACKS = ("bn-distance", "flip-agreement", "subject-compactness:k=3", "class-centre")


def audited(config: Path, text: str, folder: Path) -> Path:
    """A finished run of one configuration."""
    config.write_text(f"model: target\nroster: people.csv\n{SMALL_SHADOW}seed: 3\n{text}")
    result = run("audit", config, "-o", folder)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return folder


@pytest.fixture(scope="session")
def finished(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of every game and knowledge, by an attack of every kind: it is only looked at."""
    attacks = f"attacks: [{', '.join(ATTACKS)}]\n"
    return audited(world / "every.yaml", attacks, tmp_path_factory.mktemp("runs") / "all")


@pytest.fixture(scope="session")
def small(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `audit.yaml`: one attack on one game, with a shadow. It is made again and again."""
    text = "games: [dataset]\nattacks: [bn-distance]\n"
    return audited(world / "audit.yaml", text, tmp_path_factory.mktemp("runs") / "small")


def test_everything_that_was_asked_is_in_the_evidence(finished: Path) -> None:
    evidence = read_evidence(finished)
    assert {finding.game for finding in evidence.findings} == {"record", "person", "dataset"}
    assert {finding.knowledge for finding in evidence.findings} == {"partial", "shadow"}
    assert len(evidence.findings) == 3 * 2 * len(ATTACKS)
    odd = [finding for finding in evidence.findings if finding.status != "done"]
    assert {(f.attack, f.parameters["k"], f.game, f.status) for f in odd} == {
        ("subject-compactness", 3, "record", "abstained"),  # two photos on a side make no set of three
        ("subject-compactness", 3, "dataset", "abstained"),
        ("subject-compactness", 3, "person", "abstained"),
    }
    assert all(finding.reason for finding in odd)
    assert {control.kind for f in evidence.findings for control in f.controls} == {"blind", "who", "foreign", "bn-swap"}
    assert {row.view for row in evidence.layers} == {"image", "flip"}


def test_a_fresh_backbone_shows_no_leak(finished: Path) -> None:
    assert read_evidence(finished).verdict in (bareface.Verdict.NOT_SHOWN, bareface.Verdict.INVALID)


def test_scores_and_people_are_kept_by_pseudonym(finished: Path) -> None:
    scores = pq.read_table(finished / "scores.parquet")
    assert set(scores["person"].to_pylist()) <= {f"person {n:02d}" for n in range(1, 25)}
    people = pq.read_table(finished / "people.parquet")
    assert set(people["subject"].to_pylist()) == {f"p{n:05d}" for n in range(24)}
    assert (finished / "people.parquet").stat().st_mode & 0o077 == 0


def test_no_name_and_no_path_reaches_the_report(finished: Path, world: Path) -> None:
    for page in ("report.html", "result.json"):
        text = (finished / page).read_text()
        assert not [word for word in (str(world), "p00003", "003.png", "faces/") if word in text]


def test_names_without_a_slash_stay_out_of_page_record_and_stdout(
    finished: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, source in (("anna", "faces"), ("berta", "target")):
        Path(name).symlink_to(world / source)
    Path("clara.csv").write_text((world / "people.csv").read_text().replace("faces/", "anna/"))
    quick = ("--attack", "bn-distance", "--game", "dataset", "--knowledge", "partial", "--ignore-head")
    result = run("audit", "--model=berta", "--roster=clara.csv", *quick, "--allow-links", "-o", "doris")
    assert result.exit_code == 0, result.output
    assert "report: doris/report.html" in result.stderr
    told = [result.stdout, *((tmp_path / "doris" / page).read_text() for page in ("report.html", "result.json"))]
    assert not [name for name in ("anna", "berta", "clara", "doris") for text in told if name in text]
    assert "bareface audit --model &lt;model&gt; --roster &lt;roster&gt; --attack bn-distance" in told[1]


def save_another(folder: Path, seed: int) -> None:
    """A backbone of its own weights."""
    spec = ImageSpec(32, 32)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        save_target(Target("another", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=16), spec), folder)


@pytest.mark.usefixtures("pageless")
def test_the_foreign_model_is_named_by_its_fingerprint_wherever_it_lies(world: Path, tmp_path: Path) -> None:
    save_another(tmp_path / "leo", 1)
    quick = ("--game", "dataset", "--knowledge", "partial", "--attack", "embedding-norm", "-o", tmp_path / "run")
    people = ("--model", world / "target", "--roster", world / "people.csv")
    assert run("audit", *people, "--foreign", tmp_path / "leo", *quick).exit_code == 0
    config = tmp_path / "run" / "config.json"
    assert "leo" not in config.read_text()
    assert config.stat().st_mode & 0o077 == 0
    (tmp_path / "leo").rename(tmp_path / "moved")
    assert run("audit", *people, "--foreign", tmp_path / "moved", *quick).exit_code == 0
    save_another(tmp_path / "leo", 2)
    other = run("audit", *people, "--foreign", tmp_path / "leo", *quick)
    assert other.exit_code == 4
    assert "as this run folder was begun" in other.stderr


def test_a_record_without_its_digest_is_not_believed(small: Path, tmp_path: Path) -> None:
    for name in ("result.json", "result.json.sha256"):
        shutil.copy(small / name, tmp_path)
    record = tmp_path / "result.json"
    assert run("report", tmp_path, "--text").exit_code == 0
    record.write_text(record.read_text().replace("INVALID", "NOT SHOWN").replace("LEAK SHOWN", "NOT SHOWN"))
    (tmp_path / "result.json.sha256").unlink()
    refused = run("report", tmp_path, "--text")
    assert refused.exit_code == 4
    assert "got a record without its digest, which anybody may have changed" in refused.stderr
    assert "Try: run the audit again, which writes both; or bareface report --unsealed" in refused.stderr
    assert run("report", tmp_path, "--text", "--unsealed").exit_code == 0
    os.mkfifo(tmp_path / "result.json.sha256")  # is not waited for
    assert run("report", tmp_path, "--text").exit_code == 4


def test_everything_personal_is_for_the_owner_alone(finished: Path) -> None:
    shared = {"result.json", "report.html", "training.json", "backbone.json", "backbone.safetensors"}
    shared |= {f"{name}.sha256" for name in shared} | {".lock"}
    files = [path for path in finished.rglob("*") if path.is_file() and path.name not in shared]
    assert {"people.parquet", "scores.parquet", "rejects.parquet", "head.safetensors"} < {path.name for path in files}
    assert any(path.name.startswith("part-") for path in files)
    assert not [path for path in files if path.stat().st_mode & 0o077]


@pytest.mark.usefixtures("pageless")
def test_a_flipped_bit_in_a_part_changes_no_score(small: Path, world: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "run")
    part = max((tmp_path / "run").glob("trace/*/part-*.parquet"), key=lambda path: path.stat().st_size)
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 32
    part.write_bytes(content)
    result = run("audit", world / "audit.yaml", "-o", tmp_path / "run")
    assert result.exit_code == 0
    assert numbers(tmp_path / "run") == numbers(small)
    assert pq.read_table(tmp_path / "run" / "scores.parquet").equals(pq.read_table(small / "scores.parquet"))


@pytest.mark.usefixtures("pageless")
def test_exchanged_traces_change_no_score(small: Path, world: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "run")
    first, second = sorted((tmp_path / "run" / "trace").iterdir())[:2]
    first.rename(tmp_path / "kept")
    second.rename(first)
    (tmp_path / "kept").rename(second)
    assert run("audit", world / "audit.yaml", "-o", tmp_path / "run").exit_code == 0
    assert numbers(tmp_path / "run") == numbers(small)


def test_a_run_folder_that_is_removed_while_running_is_an_error(
    small: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(*_: object) -> None:
        shutil.rmtree(tmp_path / "run")

    monkeypatch.setattr("bareface.auditing.audit.candidates", lambda seen: (remove(), candidates(seen))[1])
    result = run("audit", world / "audit.yaml", "-o", tmp_path / "run")
    assert result.exit_code == 4
    assert not (tmp_path / "run").exists()


def test_the_attack_models_are_kept_as_arrays(finished: Path) -> None:
    models = read_attack_models(finished / "attack_models" / "dataset_partial_bn-distance.npz")
    assert len(models) == 5
    assert all(len(model.weights) == 1 for model in models)


def test_the_report_is_rebuilt_from_the_evidence_alone(small: Path, tmp_path: Path) -> None:
    result = run("report", small, "--html", tmp_path / "again.html")
    assert result.exit_code == 0
    assert (tmp_path / "again.html").read_text() == (small / "report.html").read_text()
    text = run("report", small, "--text")
    assert read_evidence(small).verdict.value in text.output


def numbers(folder: Path) -> dict[str, object]:
    """The evidence less what a clock says."""
    evidence = json.loads((folder / "result.json").read_text())
    for name in ("started", "seconds", "files"):
        del evidence["provenance"][name]
    return {name: value for name, value in evidence.items() if name != "command"}


@pytest.mark.usefixtures("pageless")
def test_the_same_again_gives_the_same_numbers(small: Path, world: Path, tmp_path: Path) -> None:
    assert run("audit", world / "audit.yaml", "-o", tmp_path / "again").exit_code == 0
    assert_alike(numbers(tmp_path / "again"), numbers(small))


@pytest.mark.usefixtures("pageless")
def test_killed_while_probing_it_resumes_to_the_same_result(small: Path, world: Path, tmp_path: Path) -> None:
    words = ["audit", world / "audit.yaml", "-o", tmp_path / "run"]
    killed_at("probing the foreign model", words, tmp_path / "run", "trace/*/part-*.parquet")
    assert not (tmp_path / "run" / "result.json").exists()
    assert run(*words).exit_code == 0
    assert_alike(numbers(tmp_path / "run"), numbers(small))


def test_from_python(world: Path, tmp_path: Path) -> None:
    evidence = bareface.audit(
        world / "target", world / "people.csv", attacks=["bn-distance", "subject-compactness:k=2"], seed=3,
        games=("dataset",), run=tmp_path / "run",
    )  # fmt: skip
    assert [(f.attack, f.game) for f in evidence.findings] == [
        ("bn-distance", "dataset"),
        ("subject-compactness", "dataset"),
    ]


def test_who_knows_nobody_but_nonmembers(world: Path, tmp_path: Path) -> None:
    result = run(
        "audit", "--model", world / "target", "--roster", world / "people.csv", "--knowledge", "nonmembers",
        "--knowledge", "partial", "--game", "dataset", "--attack", "flip-agreement", "--attack", "bn-distance",
        "-o", tmp_path / "run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    findings = read_evidence(tmp_path / "run").findings
    assert [(f.knowledge, f.attack, f.status) for f in findings] == [
        (knowledge, attack, "done")
        for knowledge in ("nonmembers", "partial")
        for attack in ("flip-agreement", "bn-distance")
    ]
    assert "nonmembers knowledge" in (tmp_path / "run" / "report.html").read_text()


def test_nonmembers_knowledge_without_anybody_in_those_roles_says_so(world: Path, tmp_path: Path) -> None:
    roster = read_manifest(world / "people.csv")
    write_manifest(roster.take(roster.rows(Role.MEMBER, Role.OUTSIDE)), world / "two-roles.csv")
    evidence = bareface.audit(
        world / "target", world / "two-roles.csv", attacks=["flip-agreement"], knowledge=("nonmembers",),
        run=tmp_path / "run",
    )  # fmt: skip
    (finding,) = evidence.findings
    assert finding.status == "abstained"
    assert "got nobody in these roles; expected public or auxiliary people" in finding.reason


@pytest.mark.usefixtures("pageless")
def test_folders_instead_of_a_manifest(world: Path, tmp_path: Path) -> None:
    for name, people in (("in", range(12)), ("out", range(12, 24))):
        (tmp_path / name).mkdir()
        for person in people:
            (tmp_path / name / f"p{person:05d}").symlink_to(world / "faces" / f"p{person:05d}")
    asked = (
        "audit", "--model", world / "target", "--members", tmp_path / "in", "--nonmembers", tmp_path / "out",
        "--attack", "flip-agreement", "-o", tmp_path / "run",
    )  # fmt: skip
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "got 48 pictures behind links that leave the folder" in refused.stderr
    result = run(*asked, "--allow-links")
    assert result.exit_code == 0, result.output
    assert {finding.game for finding in read_evidence(tmp_path / "run").findings} == {"dataset"}


@pytest.mark.usefixtures("pageless")
def test_a_backbone_without_batchnorm_gets_a_clear_answer(world: Path, tmp_path: Path) -> None:
    (tmp_path / "plain_backbone.py").write_text(
        "import torch\n"
        "def make():\n"
        "    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 8))\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        config = tmp_path / "audit.yaml"
        config.write_text(
            f"model: plain_backbone:make\nspec: {{height: 32, width: 32}}\nroster: {world / 'people.csv'}\n"
            "games: [dataset]\nattacks: [bn-distance, flip-agreement]\n"
        )
        refused = run("audit", config, "-o", tmp_path / "run")
        result = run("audit", config, "-o", tmp_path / "run", "--allow-code")
    finally:
        sys.path.remove(str(tmp_path))
    assert refused.exit_code == 5
    assert "got 'plain_backbone:make', which is code to run" in refused.stderr
    assert result.exit_code == 0, result.output
    bn, flip = read_evidence(tmp_path / "run").findings
    assert bn.status == "abstained"
    assert "expected BatchNorm layers with running statistics" in bn.reason
    assert flip.status == "done"
