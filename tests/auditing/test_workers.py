"""An audit whose models are asked by several processes: the same numbers, to the last byte."""

from pathlib import Path

import numpy as np
import pytest
import torch
from command import run

from bareface.auditing import scoring
from bareface.errors import UsageError
from bareface.records.evidence import read_evidence, write_evidence
from bareface.rosters.roster import Roster, read_folder, write_manifest
from bareface.settings.spec import ImageSpec
from bareface.shards.choice import chosen
from bareface.shards.executor import INLINE
from bareface.shards.processes import Processes
from bareface.storage.files import sha256_of
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target
from bareface.vocabulary import Role, Verdict

SIDE, PEOPLE, PHOTOS = 32, 24, 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people on each side, and a backbone."""
    home = tmp_path_factory.mktemp("world")
    write_folder(home / "faces", people=PEOPLE, images=PHOTOS, size=SIDE, seed=5)
    listed = read_folder(home / "faces", Role.OUTSIDE)
    number = np.array([int(subject[1:]) for subject in listed.subject])
    role = np.where(number < PEOPLE // 2, Role.MEMBER, Role.OUTSIDE).astype(str)
    image = tuple(f"faces/{name}" for name in listed.image)
    write_manifest(Roster(home, image, listed.subject, role), home / "people.csv")
    torch.manual_seed(0)
    spec = ImageSpec(SIDE, SIDE)
    module = build("ir-tiny", spec=spec, embedding_size=16)
    for _ in range(3):
        module(torch.randn(8, 3, SIDE, SIDE))
    save_target(Target("small", "ir-tiny", module, spec), home / "target")
    return home


def audited(world: Path, folder: Path, *more: str) -> str:
    ended = run(
        "audit", "--model", world / "target", "--roster", world / "people.csv", "--attack", "bn-distance",
        "--game", "dataset", "--selfcheck", "skip", "--no-cache", "-o", folder, *more,
    )  # fmt: skip
    assert ended.exit_code == 0, ended.output
    return ended.stderr


def numbers(folder: Path) -> dict[str, str]:
    """Digests of everything that was computed: answers, scores, attack models, configuration."""
    files = [*folder.glob("trace/*/*"), *folder.glob("attack_models/**/*"), folder / "scores.parquet"]
    files += [folder / "people.parquet", folder / "config.json"]
    return {str(path.relative_to(folder)): sha256_of(path) for path in files if path.is_file()}


def test_workers_change_no_number_and_a_finished_run_does_not_ask_for_them(
    world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audited(world, tmp_path / "alone")
    audited(world, tmp_path / "together", "--workers", "2")
    assert numbers(tmp_path / "together") == numbers(tmp_path / "alone")
    assert len(list((tmp_path / "together" / "trace").iterdir())) == 3, "target, foreign, swapped"
    audited(world, tmp_path / "together")
    assert "is finished, and nothing that it was made of has changed" in caplog.text


def test_who_works_follows_from_how_many() -> None:
    with chosen(None, 1) as alone, chosen(None, 3) as several, chosen("processes", 1) as asked:
        assert alone is INLINE
        assert isinstance(several, Processes)
        assert (several.count, asked.elsewhere) == (3, True)


def test_one_process_cannot_be_several_workers() -> None:
    with pytest.raises(UsageError, match=r"workers: got 2 of them inline; expected one.* Try: executor: processes"):
        chosen("inline", 2).__enter__()


def test_an_unknown_executor_is_named(world: Path, tmp_path: Path) -> None:
    ended = run("audit", "--model", world / "target", "--roster", world / "people.csv", "--executor", "spark")
    assert ended.exit_code == 2
    assert "executor: got 'spark'; expected 'inline', 'processes' or 'ray'" in ended.stderr


def test_workers_score_everybody_alike(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone with fresh weights shows no leak; its record is made to say that it does."""
    audited(world, tmp_path / "run")
    found = read_evidence(tmp_path / "run")
    leaks = tuple(one.model_copy(update={"verdict": Verdict.LEAK_SHOWN}) for one in found.findings)
    write_evidence(found.model_copy(update={"findings": leaks}), tmp_path / "run")
    monkeypatch.setattr(scoring, "SHARD", 20)
    scored = {}
    for name, more in {"alone": (), "together": ("--workers", "2")}.items():
        ended = run("score", tmp_path / "run", "--images", world / "faces", "--out", tmp_path / name, *more)
        assert ended.exit_code == 0, ended.output
        scored[name] = {one.name: sha256_of(one) for one in (tmp_path / name).iterdir() if one.is_file()}
    assert len([name for name in scored["alone"] if name.startswith("images-")]) == 2 * 5
    assert scored["together"] == scored["alone"]
    assert not (tmp_path / "together" / "job").exists()


def test_an_array_job_does_the_shards_and_the_audit_ends_alike(world: Path, tmp_path: Path) -> None:
    audited(world, tmp_path / "alone")
    config, folder = tmp_path / "audit.yaml", tmp_path / "array"
    config.write_text(
        f"model: {world / 'target'}\nroster: {world / 'people.csv'}\nattacks: [bn-distance]\ngames: [dataset]\n"
        "selfcheck: skip\n"
    )
    listed = run("plan", config, "--shards", "-o", folder)
    assert listed.exit_code == 0, listed.output
    assert f"3 shards wait in {folder}, numbered from 0 to 2" in listed.stdout
    assert "sbatch --array=0-2 --cpus-per-task=1" in listed.stdout
    for number in (2, 0, 1):
        assert f"shard {number}: {PEOPLE * PHOTOS} images" in run("run-shard", folder, str(number)).stdout
    assert run("run-shard", folder, "1").stdout == "shard 1 is there already\n"
    parts = {path: path.stat().st_mtime_ns for path in folder.glob("trace/*/part-*.parquet")}
    ended = run("audit", config, "-o", folder)
    assert ended.exit_code == 0, ended.output
    assert numbers(folder) == numbers(tmp_path / "alone")
    assert {path: path.stat().st_mtime_ns for path in parts} == parts, "nothing was asked again"
    assert not list(folder.glob("trace/*/job"))


def test_a_shard_that_nobody_left_is_named(tmp_path: Path) -> None:
    ended = run("run-shard", tmp_path, "3")
    assert ended.exit_code == 2
    assert "run-shard: got shard 3; expected shards that wait. Try: bareface plan CONFIG --shards" in ended.stderr
