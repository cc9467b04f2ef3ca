"""Small runs, on rendered people, of the commands that can be disturbed: what they leave and what they end with."""

import importlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

SIDE = "16"
SPEC = f"{{height: {SIDE}, width: {SIDE}}}"
AUDIT = f"""model: target
roster: people.csv
attacks: [bn-distance]
games: [dataset]
selfcheck: report
shadow: {{count: 1, train: {{spec: {SPEC}, epochs: 2, warmup_epochs: 0, embedding_size: 8, batch_size: 16}}}}
seed: 3
"""
QUICK = (
    "--restarts", "3", "--steps", "4", "--candidates", "6", "--draws", "20", "--seed", "3", "--split", "random",
    "--photos", "2", "--generator", "rendered", "--size", SIDE,
)  # fmt: skip
# What commands import when they need it.
LAZY = (
    "scipy.stats", "sklearn.linear_model", "matplotlib.figure", "torch.fx.experimental.symbolic_shapes", "torch._refs",
    "bareface.cli.auditing", "bareface.cli.generators", "bareface.cli.inverting", "bareface.cli.training",
    "bareface.cli.reporting", "bareface.membership.bn_distance", "bareface.report.plots.canvas",
)  # fmt: skip
TRAINED = ("backbone.safetensors", "backbone.json", "head.safetensors", "training.json")
MADE = ("generator.safetensors", "generator.json")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative for a signal) and what it said on stderr."""

    code: int
    said: str


Call = Callable[[Sequence[str]], Ended]


@dataclass(frozen=True)
class Scenario:
    """A command and the folder that it works in.

    Attributes:
        name: of the scenario.
        words: the command, `{run}` for the folder.
        numbers: what it ends with, less what a clock says.
        begun: a finished folder that the command goes on from; None = it begins with none.
    """

    name: str
    words: tuple[str, ...]
    numbers: Callable[[Path], Any]
    begun: Path | None = None

    def command(self, run: Path) -> list[str]:
        """The command for one folder."""
        return [word.replace("{run}", str(run)) for word in self.words]


def make_world(home: Path) -> None:
    """Write rendered people, a target with fresh weights, two judges and the configuration of an audit."""
    import numpy as np

    from bareface.rosters.roster import Roster, read_folder, write_manifest
    from bareface.synthetic import write_folder
    from bareface.vocabulary import Role

    write_folder(home / "faces", people=36, images=4, size=int(SIDE), seed=5)
    listed = read_folder(home / "faces", Role.OUTSIDE)
    person = np.array([int(subject[1:]) for subject in listed.subject])
    role = np.select([person < 12, person >= 24], [str(Role.MEMBER), str(Role.AUXILIARY)], str(Role.OUTSIDE))
    image = tuple(f"faces/{name}" for name in listed.image)
    write_manifest(Roster(home, image, listed.subject, role), home / "people.csv")
    for seed, name in enumerate(("target", "judge-1", "judge-2")):
        _save_backbone(home / name, seed)
    (home / "audit.yaml").write_text(AUDIT)


def scenarios(home: Path, audited: Path) -> dict[str, Scenario]:
    """The commands that can be killed, over a world; inversion and report go on from a finished audit."""
    people, target = str(home / "people.csv"), str(home / "target")
    judges = [word for name in ("judge-1", "judge-2") for word in ("--judge", str(home / name))]
    train = ("train", people, "-o", "{run}", "--architecture", "ir-tiny", "--size", SIDE)
    gan = ("train-generator", "{run}", "--rendered", "210", "--size", SIDE, "--batch-size", "4", "--precision", "fp32")
    every = [
        Scenario("audit", ("audit", str(home / "audit.yaml"), "-o", "{run}"), evidence),
        Scenario("train", (*train, "--epochs", "4", "--batch-size", "16", "--seed", "3"), _bytes_of(*TRAINED)),
        Scenario("train-generator", (*gan, "--steps", "6", "--save-every", "2"), _bytes_of(*MADE, "curve.csv")),
        Scenario(
            "fit-generator",
            ("fit-generator", "{run}", "--people", str(home / "faces"), "--size", SIDE, "--components", "6"),
            _bytes_of(*MADE),
        ),
        Scenario(
            "invert", ("invert", "{run}", "--target", target, "--roster", people, *judges, *QUICK), inversion, audited
        ),
        Scenario("report", ("report", "{run}"), _bytes_of("report.html"), audited),
    ]
    return {one.name: one for one in every}


def evidence(run: Path) -> Any:
    """The record of an audit less what a clock says; the digest of all scores is in it."""
    return _record(run / "result.json")


def inversion(run: Path) -> Any:
    """The record of an inversion less what a clock says."""
    return _record(run / "inversion" / "inversion.json")


def begin(scenario: Scenario, run: Path) -> None:
    """Put a folder where the scenario begins."""
    shutil.rmtree(run, ignore_errors=True)
    if scenario.begun is not None:
        shutil.copytree(scenario.begun, run)


def warm_up() -> None:
    """Import what the commands need, so that a fork begins at once; nothing is computed, and no thread begun.

    Audits and inversions draw no page here: a page is a function of the record, and takes longer than all the rest.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in LAZY:
        importlib.import_module(name)
    import torch

    import bareface.cli.auditing
    import bareface.cli.inverting

    torch.set_num_threads(1)
    bareface.cli.auditing.page_of = lambda evidence: "no page"  # type: ignore[assignment]
    bareface.cli.inverting.write_inversion_page = lambda home: home  # type: ignore[assignment]


def forked(words: Sequence[str], log: Path, *, kill_after: float | None = None) -> Ended:
    """Run a command in a fork of this process, perhaps killed after so many seconds."""
    child = os.fork()
    if not child:
        _become(words, log)
    deadline = None if kill_after is None else time.monotonic() + kill_after
    while True:
        ended, status = os.waitpid(child, 0 if deadline is None else os.WNOHANG)
        if ended:
            return Ended(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"))
        if deadline is not None and time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            deadline = None
        time.sleep(0.002)


def _become(words: Sequence[str], log: Path) -> NoReturn:
    import sys

    code = 99
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, 2)
        os.dup2(nowhere, 1)
        sys.argv = ["bareface", *words]
        from bareface.cli import main

        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def _save_backbone(folder: Path, seed: int) -> None:
    import torch

    from bareface.settings.spec import ImageSpec
    from bareface.targets.build import build
    from bareface.targets.store import save_target
    from bareface.targets.target import Target

    spec = ImageSpec(int(SIDE), int(SIDE))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build("ir-tiny", spec=spec, embedding_size=8)
    save_target(Target(folder.name, "ir-tiny", module, spec), folder)


def _record(path: Path) -> Any:
    record = json.loads(path.read_text())
    for name in ("started", "seconds"):
        del record["provenance"][name]
    del record["command"]
    return record


def _bytes_of(*names: str) -> Callable[[Path], Any]:
    return lambda run: [(run / name).read_bytes() for name in names]
