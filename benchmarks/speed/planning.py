"""Whether a plan says what then happens: python -m benchmarks.speed.planning audit.yaml [more.yaml ...]

Each configuration is planned, then audited in a fresh run folder without cache, one after the other. Printed are
seconds as planned and as the record has them (models loaded, no page drawn), and their ratio.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CALL = "from bareface.cli import main; main()"


def bareface(*words: str | Path) -> str:
    """What a command prints."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", CALL, *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout


def main() -> None:
    """Plan, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configurations", type=Path, nargs="+")
    asked = parser.parse_args()
    for path in asked.configurations:
        plan = json.loads(bareface("plan", path, "--json", "--allow-links"))
        stages = {one["stage"]: one["seconds"] for one in plan["stages"]}
        planned = sum(stages.values())
        with tempfile.TemporaryDirectory() as folder:
            bareface("audit", path, "--run", Path(folder) / "run", "--no-cache", "--allow-links")
            took = json.loads((Path(folder) / "run" / "result.json").read_text())["provenance"]["seconds"]
        said = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stages.items())
        print(f"{path}: planned {planned:.1f} s, took {took:.1f} s, ratio {planned / took:.2f} ({said})", flush=True)


if __name__ == "__main__":
    main()
