"""What arrives at trackers of experiments, seen by stand-ins for their libraries."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import run
from outside import install

import bareface
from bareface.records.evidence import Evidence, write_evidence
from bareface.tracking import TRACKERS, figures_of
from bareface.tracking.services.tensorboard import TensorBoard

TAKEN_BY_ALL = re.compile(r"[\w./-]{1,250}", re.ASCII)


@pytest.fixture
def finished(samples: Any, tmp_path: Path) -> Path:
    """The folder of a finished run."""
    (tmp_path / "run").mkdir()
    write_evidence(samples.full, tmp_path / "run")
    return tmp_path / "run"


class Recorder:
    """Stands in for an object of a client library; every call is kept with what it was given."""

    def __init__(self, **values: object) -> None:
        self.calls: dict[str, list[Any]] = {}
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.calls.setdefault(name, []).append(given or named)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    module = ModuleType(name)
    module.__dict__.update(members)
    monkeypatch.setitem(sys.modules, name, module)


def test_figures_are_flat_numbers_under_names_that_every_tracker_takes(samples: Any) -> None:
    evidence: Evidence = samples.full
    told = figures_of(evidence)
    assert all(TAKEN_BY_ALL.fullmatch(name) and isinstance(value, float) for name, value in told.items())
    assert sum(value for name, value in told.items() if name.startswith("verdict/")) == 1
    assert told[f"verdict/{evidence.verdict.lower().replace(' ', '-')}"] == 1
    finding = next(one for one in evidence.findings if one.rests_on is not None and one.access != "head")
    (name,) = {
        name.rpartition("/")[0]
        for name in told
        if name.startswith(f"{finding.game}/{finding.knowledge}/{finding.attack}") and name.endswith("/auc")
        and told[name] == finding.rests_on.auc  # type: ignore[union-attr]
    }  # fmt: skip
    assert (told[f"{name}/auc_low"], told[f"{name}/auc_high"]) == (
        finding.rests_on.auc_interval.low, finding.rests_on.auc_interval.high,  # type: ignore[union-attr]
    )  # fmt: skip
    assert told[f"{name}/leak"] == (finding.verdict == "LEAK SHOWN")
    heads = [one for one in evidence.findings if one.access == "head" and one.verdict is not None]
    assert sum(name.startswith("ceiling/") and name.endswith("/leak") for name in told) == len(heads)


def test_mlflow_gets_metrics_tags_and_the_page(finished: Path, monkeypatch: pytest.MonkeyPatch, samples: Any) -> None:
    opened: list[str] = []

    class Open:
        def __enter__(self) -> None:
            opened.append("open")

        def __exit__(self, *_: object) -> None:
            opened.append("closed")

    def start_run(run_name: str) -> Open:
        opened.append(run_name)
        return Open()

    log = Recorder()
    stand_in(
        monkeypatch, "mlflow", active_run=lambda: None, start_run=start_run, log_metrics=log.log_metrics,
        set_tags=log.set_tags, log_artifact=log.log_artifact,
    )  # fmt: skip
    bareface.track(finished, "mlflow")
    assert opened == [samples.full.title, "open", "closed"]
    assert log.calls["log_metrics"] == [(figures_of(samples.full),)]
    assert log.calls["set_tags"][0][0]["bareface.verdict"] == samples.full.verdict.value
    assert log.calls["log_artifact"] == [(str(finished / "report.html"),)]
    assert samples.full.sentence[:40] in (finished / "report.html").read_text(encoding="utf-8")
    monkeypatch.setattr(sys.modules["mlflow"], "active_run", object)
    bareface.track(finished, "mlflow")
    assert len(opened) == 3, "a run that is active is the one"


@pytest.mark.parametrize("is_open", [True, False])
def test_wandb_gets_a_summary_and_an_artefact(
    is_open: bool, finished: Path, monkeypatch: pytest.MonkeyPatch, samples: Any
) -> None:
    summary, config = Recorder(), Recorder()
    one = Recorder(summary=summary, config=config)
    artefacts: list[Recorder] = []

    def artefact(name: str, type: str) -> Recorder:
        artefacts.append(Recorder(name=name, type=type))
        return artefacts[-1]

    named: list[object] = []
    stand_in(
        monkeypatch, "wandb", run=one if is_open else None, Artifact=artefact,
        init=lambda **said: named.append(said) or one,
    )  # fmt: skip
    bareface.track(finished, "wandb")
    assert named == ([] if is_open else [{"name": samples.full.title, "job_type": "audit"}])
    assert summary.calls["update"] == [(figures_of(samples.full),)]
    assert config.calls["update"][0][0]["bareface"]["sentence"] == samples.full.sentence
    (page,) = artefacts
    assert page.calls["add_file"] == [(str(finished / "report.html"),)]
    assert one.calls["log_artifact"] == [(page,)]
    assert ("finish" in one.calls) == (not is_open), "a run of somebody else stays open"


def test_tensorboard_gets_scalars_and_a_copy_of_the_page(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Any
) -> None:
    writers: list[tuple[str, Recorder]] = []

    def writer(log_dir: str) -> Recorder:
        Path(log_dir).mkdir()
        writers.append((log_dir, Recorder()))
        return writers[-1][1]

    stand_in(monkeypatch, "torch.utils.tensorboard", SummaryWriter=writer)
    bareface.track(finished, "tensorboard", TensorBoard(folder=str(tmp_path / "events")))
    assert [where for where, _ in writers] == [str(finished / "tensorboard"), str(tmp_path / "events")]
    for where, one in writers:
        assert {name: value for name, value, _ in one.calls["add_scalar"]} == figures_of(samples.full)
        assert f"| verdict | {samples.full.verdict} |" in one.calls["add_text"][0][1]
        assert "close" in one.calls
        assert (Path(where) / "report.html").read_bytes() == (finished / "report.html").read_bytes()


MINE = '''"""A file of our own.

What it receives:
Everything.
What it needs:
Nothing.
Known limits:
It overwrites.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from bareface.tracking.tracker import Told, Tracker

@dataclass(frozen=True)
class Mine(Tracker):
    name: ClassVar[str] = "mine"
    def check(self) -> None:
        pass
    def take(self, told: Told) -> None:
        Path("mine.txt").write_text(f"{told.title}: {told.figures['verdict/leak-shown']:g}, {told.page.name}")

@dataclass(frozen=True)
class Offline(Mine):
    name: ClassVar[str] = "offline"
    def take(self, told: Told) -> None:
        raise ConnectionError("no route")
'''


def test_another_package_offers_one_and_the_command_line_uses_it(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_trackers", raising=False)
    points = {"mine": "my_trackers:Mine", "offline": "my_trackers:Offline"}
    install(monkeypatch, tmp_path, {"my_trackers": MINE}, {TRACKERS.group: points})
    ended = run("report", finished, "--track", "mine")
    assert ended.exit_code == 0, ended.output
    leaks = int(samples.full.verdict == "LEAK SHOWN")
    assert (tmp_path / "mine.txt").read_text() == f"{samples.full.title}: {leaks}, report.html"
    ended = run("report", finished, "--track", "offline")
    assert ended.exit_code == 2
    assert (
        "tracker offline: got ConnectionError (no route); expected it to take the figures. Try: its own settings"
        in (" ".join(ended.stderr.split()))
    )


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mlfow", "tracker: got 'mlfow'; expected one of mlflow, tensorboard, wandb. Did you mean mlflow?"),
        ("mlflow", "tracker mlflow: got no package mlflow; expected mlflow. Try: pip install mlflow."),
        ("wandb", "tracker wandb: got no package wandb; expected wandb. Try: pip install wandb."),
        ("tensorboard", "expected tensorboard. Try: pip install tensorboard."),
    ],
)
def test_what_is_not_there_is_said_before_anything_runs(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("mlflow", "wandb", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    asked = ("--model", "none.ckpt", "--members", "in", "--nonmembers", "out", "-o", tmp_path / "run")
    ended = run("audit", *asked, "--track", name)
    assert ended.exit_code == 2
    assert sentence in " ".join(ended.stderr.split())
    assert not (tmp_path / "run").exists()


def test_nothing_is_imported_that_nobody_asked_for(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("mlflow", "wandb", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    assert sorted(TRACKERS.available()) == ["mlflow", "tensorboard", "wandb"]
    bareface.track(finished)
    assert (finished / "report.html").is_file()
