"""CPU seconds of a small audit with two versions of bareface, in turns.

python -m benchmarks.speed.fixed_costs CHECKPOINT ROSTER OTHER [--rounds 3]

CHECKPOINT and ROSTER are those of an audit; OTHER is the folder of another checkout. Every run is a process of its own
with one thread and a fresh run folder. Printed are CPU seconds of both, and whether AUCs and verdicts are the same.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CALL = "from bareface.cli import main; main()"
CLOSE = 1e-3


def audit(version: Path, words: list[str], run: Path) -> tuple[float, dict[str, Any]]:
    """CPU seconds of one audit, and its record."""
    environment = os.environ | {"PYTHONPATH": str(version), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", CALL, "audit", *words, "--run", str(run)]
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=version)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, json.loads((run / "result.json").read_text())


def numbers(record: dict[str, Any]) -> dict[str, Any]:
    """AUCs of findings and of controls that decide something, and verdicts."""
    found: dict[str, Any] = {}
    for one in record["findings"]:
        name = f"{one['title']} {one['game']} {one['knowledge']}"
        found |= {name: one["verdict"], f"{name} image": (one["image"] or {}).get("auc")}
        found |= {f"{name} {control['kind']}": control["auc"] for control in one["controls"] if control["decides"]}
    return found


def furthest(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest difference of two numbers; infinite where a verdict differs."""
    if one.keys() != other.keys():
        return float("inf")
    pairs = [(one[key], other[key]) for key in one]
    if any(a != b for a, b in pairs if not isinstance(a, float) or not isinstance(b, float)):
        return float("inf")
    return max(abs(a - b) for a, b in pairs if isinstance(a, float))


def main() -> None:
    """Run both in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("roster", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spec", default="112x96 RGB, (x - 127.5) / 128")
    asked = parser.parse_args()
    here = Path(__file__).resolve().parents[2]
    words = ["--model", str(asked.checkpoint), "--roster", str(asked.roster), "--spec", asked.spec]
    words += ["--selfcheck", "report", "--allow-links"]
    took: dict[str, list[float]] = {"this": [], "other": []}
    for number in range(asked.rounds):
        records = {}
        for name, version in (("other", asked.other.resolve()), ("this", here)):
            with tempfile.TemporaryDirectory() as folder:
                seconds, records[name] = audit(version, words, Path(folder) / "runs" / "run")
            took[name].append(seconds)
            print(f"round {number + 1}, {name}: {seconds:.1f} s of CPU", flush=True)
        apart = furthest(*map(numbers, records.values()))
        print(f"largest difference of an AUC: {apart:.1e}" + ("" if apart < CLOSE else ", which is too large"))
    ratio = statistics.median(a / b for a, b in zip(took["this"], took["other"], strict=True))
    print(f"this / other: {ratio:.2f}")


if __name__ == "__main__":
    main()
