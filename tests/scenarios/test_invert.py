"""An inversion through the command line, whole: what comes out, faces only when asked, killed and resumed, mistakes."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from alike import assert_alike
from command import run
from exported import exported
from killed import killed_at

from bareface.auditing.inversion.settings import InversionSettings
from bareface.cli import demo_inversion
from bareface.records.inversion_file import read_inversion
from bareface.report.contact_sheet import SHEET_FILE
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target

QUICK = (
    "--restarts", "8", "--steps", "10", "--candidates", "12", "--draws", "50", "--seed", "3", "--split", "random",
)  # fmt: skip
ATTACKS = ("--attack", "bn-distance", "--attack", "bn-distance-variance", "--game", "dataset")


@pytest.fixture(scope="session")
def audited(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `run/`, a finished audit, and two judges, fresh networks."""
    home = tmp_path_factory.mktemp("invert")
    result = run("audit", "--model", world / "target", "--roster", world / "people.csv", *ATTACKS, "-o", home / "run")
    assert result.exit_code == 0, result.output + repr(result.exception)
    for number in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(number)
            spec = ImageSpec(16, 16)
            module = build("ir-tiny", spec=spec, embedding_size=8)
        save_target(Target(f"judge {number}", "ir-tiny", module, spec), home / f"judge-{number}")
    return home


def call(home: Path, world: Path, *more: str | Path, judges: tuple[str, ...] = ("judge-1", "judge-2")) -> list[str]:
    named = [word for judge in judges for word in ("--judge", str(home / judge))]
    fixed = ["--target", world / "target", "--roster", world / "people.csv", "--generator", "rendered", "--size", "16"]
    return [str(word) for word in ("invert", home / "run", *fixed, *named, *QUICK, *more)]


@pytest.fixture(scope="session")
def finished(audited: Path, world: Path) -> Path:
    """The folder of a finished inversion, of the target and the people that the run itself names."""
    words = call(audited, world)
    for named in ("--target", "--roster"):
        del words[words.index(named) : words.index(named) + 2]
    result = run(*words)
    assert result.exit_code == 0, result.output + repr(result.exception)
    assert re.search(r"^(INVALID|NOT SHOWN|NOT ESTIMABLE), ", result.stdout, re.M)
    assert "oracle     win rate 0." in result.stdout
    assert result.stderr.rstrip().endswith("inversion.html")
    return audited / "run" / "inversion"


def numbers(folder: Path) -> dict[str, object]:
    """The record less what a clock and the command line say."""
    record = json.loads((folder / "inversion.json").read_text())
    for name in ("started", "seconds"):
        del record["provenance"][name]
    return {name: value for name, value in record.items() if name != "command"}


def test_record_and_page_without_a_face(finished: Path, world: Path) -> None:
    record, page = read_inversion(finished), (finished / "inversion.html").read_text()
    assert record.verdict.value in page
    assert {arm.arm for arm in record.arms} == {"optimised", "base", "select", "placebo", "oracle"}
    assert "<img" not in page
    assert not (finished / SHEET_FILE).exists()
    for name in ("inversion.html", "inversion.json"):
        text = (finished / name).read_text()
        assert not [word for word in (str(world), "p00003", "003.png", "faces/") if word in text]


def test_the_page_is_rebuilt_from_the_record(finished: Path, tmp_path: Path) -> None:
    result = run("report", finished, "--html", tmp_path / "again.html")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "again.html").read_text() == (finished / "inversion.html").read_text()


def test_faces_only_when_asked(finished: Path, audited: Path, world: Path) -> None:
    before = numbers(finished)
    result = run(*call(audited, world, "--show-faces", "--fail-if-leak"))
    assert result.exit_code in (0, 3), result.output  # a toy that remembers nobody: not shown, or not to be decided
    sheet = finished / SHEET_FILE
    assert f"faces, for your eyes only: {sheet}" in result.stderr
    assert sheet.stat().st_mode & 0o077 == 0
    assert sheet.read_text().count("data:image/png;base64,") == 4 * (8 + 8 + 8)
    assert numbers(finished) == before
    sheet.unlink()


@pytest.mark.usefixtures("pageless")
def test_killed_while_searching_it_resumes_to_the_same(
    finished: Path, audited: Path, world: Path, tmp_path: Path
) -> None:
    shutil.copytree(audited, tmp_path / "home", ignore=shutil.ignore_patterns("inversion"))
    words = call(tmp_path / "home", world)
    own = tmp_path / "home" / "run" / "inversion"
    killed_at("searching, optimised arm", words, own, "search-optimised.safetensors", done=9)
    assert (own / "search-optimised.safetensors").exists()
    assert not (own / "inversion.json").exists()
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert_alike(numbers(own), numbers(finished))


def refused(*words: str, code: int = 2) -> str:
    """Run a command that must be refused; its one sentence."""
    result = run(*words)
    assert result.exit_code == code, result.output + repr(result.exception)
    lines = [line for line in result.stderr.splitlines() if re.match(r"\w+Error ", line)]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_mistakes_in_one_sentence(finished: Path, audited: Path, world: Path, tmp_path: Path) -> None:
    own = str(world / "target")
    said = refused(*call(audited, world, "--judge", own, "--fresh"))
    assert "judge small: got the audited backbone itself; expected a network that was trained on other people" in said
    assert (finished / "inversion.json").exists()
    said = refused(*call(audited, world, judges=("judge-1", "judge-1")))
    assert "got the network of another judge" in said
    manifest = world / "no-decoys.csv"
    manifest.write_text("\n".join(r for r in (world / "people.csv").read_text().splitlines() if "outside" not in r))
    said = refused(*call(audited, world, "--roster", manifest))
    assert "got nobody in the role outside; expected decoys" in said
    said = refused(*call(audited, world, "--steps", "9"), code=4)
    assert "got steps = 9; expected steps = 10" in said
    said = refused(*call(audited, world, "--generator", tmp_path / "none.pkl"))
    assert "none.pkl: got no such file" in said
    said = refused(*call(audited, world, "--declare", "size"))
    assert "--declare: got 'size'; expected KEY=VALUE with one of z_dim, size, value_range" in said
    said = refused(*call(audited, world, "--split", "maybe"))
    assert "split: got 'maybe'" in said
    missing = call(tmp_path, world, judges=())
    for number in (1, 2):
        missing += ["--judge", str(audited / f"judge-{number}")]
    assert "got no result.json; expected the folder of a finished audit" in refused(*missing, code=4)


def test_the_demos_second_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = InversionSettings(restarts=6, steps=1, candidates=8, pairs=1, draws=50, split="random", skip=("placebo",))
    targets = [
        replace(one, photos=photos, recipe=replace(one.recipe, epochs=2, spec=ImageSpec(16, 16)))
        for one, photos in zip(demo_inversion.TARGETS, (6, 4), strict=True)
    ]
    for name, value in {"TARGETS": targets, "SIDE": 16, "PEOPLE": 12, "TERMS": small}.items():
        monkeypatch.setattr(demo_inversion, name, value)
    told = [demo_inversion.invert_demo(tmp_path, seed=3, fresh=False) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].index("6 photos of each person") < told[0].index("4 photos of each person")
    for name in ("albums", "few-photos"):
        home = tmp_path / name / "audit" / "inversion"
        assert [judge.name for judge in read_inversion(home).judges] == ["rendered-1", "rendered-2"]
        assert (tmp_path / f"inversion-{name}.html").read_text() == (home / "inversion.html").read_text()
        assert (home / SHEET_FILE).exists()  # faces of nobody


def test_a_target_that_only_answers_is_searched_by_scores_alone(audited: Path, world: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra bareface[onnx] is not installed")
    pytest.importorskip("cmaes", reason="the extra bareface[black-box] is not installed")
    model = exported("script")
    done = run(
        "audit", "--model", model, "--roster", world / "people.csv", "--attack", "flip-agreement", "--game", "dataset",
        "--selfcheck", "skip", "-o", tmp_path / "run",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    judges = [word for number in (1, 2) for word in ("--judge", str(audited / f"judge-{number}"))]
    asked = ["invert", str(tmp_path / "run"), "--generator", "rendered", "--size", "16", *judges, *QUICK]
    asked += ["--objective", "agreement+embedding-norm"]
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "which only answers" in refused.stderr
    assert "--search evolution" in refused.stderr
    ended = run(*asked, "--search", "evolution", "--queries", "128")
    assert ended.exit_code == 0, ended.output + repr(ended.exception)
    record = read_inversion(tmp_path / "run" / "inversion")
    assert record.target.source == "onnx"
    moved = next(arm for arm in record.arms if arm.arm == "optimised")
    assert moved.trajectory is not None
    assert len(moved.trajectory.step) == 128 // (16 * 2 * 2)  # 16 candidates, two views and their mirror images
    assert {arm.arm for arm in record.arms if arm.status == "done"} == {
        "optimised",
        "base",
        "select",
        "placebo",
        "oracle",
    }
