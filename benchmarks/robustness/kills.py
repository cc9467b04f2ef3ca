"""Kills every command at random moments and runs it again: python -m benchmarks.robustness.kills --kills 20

The same command after a SIGKILL must end with the numbers of a run that was not disturbed. The moments are spread over
the time that the undisturbed run took. Printed are, for each command, how many kills met it alive, and how many of the
runs afterwards ended with other numbers (0 expected).
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from signal import SIGKILL

from benchmarks.robustness.toy_runs import Scenario, begin, forked, make_world, scenarios, warm_up


def killed(scenario: Scenario, home: Path, kills: int, rng: random.Random) -> str:
    """Kill a command `kills` times, each time in a fresh folder, and go on with it; returns a line about it."""
    run, log = home / f"run-{scenario.name}", home / "log"
    begin(scenario, run)
    clock = time.monotonic()
    ended = forked(scenario.command(run), log)
    whole = time.monotonic() - clock
    if ended.code:
        raise SystemExit(f"{scenario.name} ended with {ended.code}: {ended.said}")
    expected, alive, other = scenario.numbers(run), 0, list[str]()
    for number in range(kills):
        begin(scenario, home / "scratch")
        moment = (number + rng.random()) / kills * whole
        alive += forked(scenario.command(home / "scratch"), log, kill_after=moment).code == -SIGKILL
        again = forked(scenario.command(home / "scratch"), log)
        if again.code or scenario.numbers(home / "scratch") != expected:
            other.append(f"\n  killed after {moment:.2f} s, then {again.code}: {again.said}")
    said = f"{scenario.name}: {kills} kills within {whole:.1f} s, {alive} met it alive, {len(other)} ended otherwise"
    return said + "".join(other)


def main() -> None:
    """Make a world, kill, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_world(home)
        for scenario in scenarios(home, home / "run-audit").values():
            print(killed(scenario, home, asked.kills, random.Random(f"{asked.seed} {scenario.name}")), flush=True)


if __name__ == "__main__":
    main()
