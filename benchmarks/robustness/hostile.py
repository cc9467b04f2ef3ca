"""Brings everything that somebody made to do harm through the command line: python -m benchmarks.robustness.hostile

Each input is tried in a process of its own, forked from one that has the libraries loaded, in a working folder of its
own beside a file that is nobody else's business. Counted is what was *executed* (a payload's folder was made),
*escaped* (something was written or read outside), *hung* (ten seconds of a processor or forty in all, stopped),
*broke* (a traceback, a signal, or an exit code that means nothing) and *swelled* (a gigabyte more than it began with).
0 of each is expected.
"""

import argparse
import faulthandler
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))

from corpus import EXECUTED, SECRET, Hostile, everything
from corpus.services import services
from corpus.world import World, make_world

# Seconds of a processor, and by the clock for those who wait: others compute on the same machine.
SLOWEST, LONGEST, MOST_MEMORY = 10.0, 40.0, 1 << 30
CODES = frozenset({0, 1, 2, 3, 4, 5})
FAILURES = ("executed", "escaped", "hung", "broke", "swelled")


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        kind, name: which.
        code: exit code; below zero the signal.
        seconds: of a processor.
        grown: bytes that its process held beyond what it began with.
        failure: what went wrong; empty if nothing.
        said: the end of what it said.
    """

    kind: str
    name: str
    code: int
    seconds: float
    grown: int
    failure: str
    said: str


def attempt(hostile: Hostile, root: Path, world: World, floor: int) -> Outcome:
    """Try one input; `floor` is what a process holds that does nothing."""
    folder = root / "case"
    folder.mkdir()
    arguments = hostile.make(folder, world)
    before = _outside(root, folder)
    child = os.fork()
    if child == 0:
        _become(arguments, folder)
    status, peak, seconds, hung = _waited(child)
    said = "".join((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    outcome = Outcome(hostile.kind, hostile.name, status, seconds, peak - floor, "", said.strip()[-400:])
    changed = _outside(root, folder) != before or SECRET.decode() in said
    stolen = hostile.must_refuse and status == 0
    wrong = {
        "executed": (folder / EXECUTED).exists() or (root / EXECUTED).exists(),
        "escaped": changed or stolen,
        "hung": hung,
        "broke": "Traceback" in said or (status not in CODES and not hung),
        "swelled": outcome.grown > MOST_MEMORY,
    }
    _remove(folder)
    return replace(outcome, failure=", ".join(name for name in FAILURES if wrong[name]))


def _become(arguments: Sequence[str], folder: Path) -> None:
    """The command line, in this process; never returns."""
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
        faulthandler.dump_traceback_later(0.9 * LONGEST, file=2)  # says where it hangs
        sys.argv = ["bareface", *arguments]
        code = _run()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run() -> int:
    import traceback

    from bareface.cli.app import main

    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


def _waited(child: int) -> tuple[int, int, float, bool]:
    """Exit code (below zero: a signal), peak of memory in bytes, seconds, and whether it had to be stopped."""
    hung, end = False, time.monotonic() + LONGEST
    while True:
        done, status, used = os.wait4(child, 0 if hung else os.WNOHANG)
        if done:
            seconds = used.ru_utime + used.ru_stime
            return os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024, seconds, hung
        if time.monotonic() > end or _seconds(child) > SLOWEST:
            hung = True
            os.killpg(child, signal.SIGKILL)
        else:
            time.sleep(0.01)


def _seconds(child: int) -> float:
    """Seconds of a processor that a process has had so far."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _outside(root: Path, folder: Path) -> list[tuple[str, int, int]]:
    """Everything beside the working folder, with sizes and times of change."""
    found = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if Path(place, name) != folder]
        for name in (*folders, *names):
            seen = os.lstat(os.path.join(place, name))
            found.append((os.path.join(place, name), seen.st_size, seen.st_mtime_ns))
    return sorted(entry for entry in found if entry[0] != str(folder))


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def _preloaded() -> None:
    """What every command needs, loaded once."""
    import importlib

    for module in (
        "bareface.cli.app", "bareface.cli.auditing", "bareface.cli.inspecting", "bareface.cli.verifying",
        "bareface.cli.overlapping", "bareface.cli.generators", "bareface.cli.training", "bareface.cli.selfchecking",
        "bareface.targets.onnx.target", "bareface.targets.onnx.facts", "bareface.probing.graph", "sklearn.linear_model",
        "scipy.stats", "torch.fx.experimental.symbolic_shapes",
    ):  # fmt: skip
        importlib.import_module(module)


def _apart(work: Callable[[], object]) -> int:
    """Work in a process of its own, as torch cannot be forked once it has computed; its peak of memory in bytes."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.wait4(child, 0)[2].ru_maxrss * 1024


def outcomes(chosen: Sequence[Hostile]) -> Iterator[Outcome]:
    """What comes of each input."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as place, services() as address:
        root = Path(place)
        _preloaded()
        _apart(lambda: make_world(root / "world"))
        world = World(root / "world", address)
        floor = _apart(lambda: None)
        for hostile in chosen:
            yield attempt(hostile, root, world, floor)


def main() -> int:
    """Try them, print a table; 1 when something went wrong."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sample", action="store_true", help="every sixteenth input")
    arguments.add_argument("--only", help="inputs whose kind or name contains this")
    arguments.add_argument("--json", action="store_true", help="one line of JSON for each input")
    said = arguments.parse_args()
    chosen = list(everything())[:: 16 if said.sample else 1]
    chosen = [one for one in chosen if not said.only or said.only in f"{one.kind}: {one.name}"]
    found = []
    for outcome in outcomes(chosen):
        found.append(outcome)
        if said.json:
            print(json.dumps(asdict(outcome)), flush=True)
        elif outcome.failure:
            print(
                f"{outcome.failure}: {outcome.kind}: {outcome.name} ({outcome.code}) {outcome.said[-200:]!a}",
                flush=True,
            )
    if not said.json:
        print_table(found)
    return int(any(outcome.failure for outcome in found))


def print_table(found: Sequence[Outcome]) -> None:
    """One line for each kind."""
    print(f"{'kind':<14}{'inputs':>8}{'refused':>9}" + "".join(f"{name:>10}" for name in FAILURES) + f"{'slowest':>10}")
    for kind in [*dict.fromkeys(one.kind for one in found), "all"]:
        rows = [one for one in found if kind in (one.kind, "all")]
        failed = Counter(name for one in rows for name in one.failure.split(", ") if name)
        refused = sum(one.code != 0 for one in rows)
        line = f"{kind:<14}{len(rows):>8}{refused:>9}" + "".join(f"{failed[name]:>10}" for name in FAILURES)
        print(line + f"{max((one.seconds for one in rows), default=0.0):>8.1f} s")


if __name__ == "__main__":
    sys.exit(main())
