"""Flips bits in what runs leave behind, and runs the same command again.

python -m benchmarks.robustness.flips --flips 200

After a finished audit, training, generator training and inversion, one random bit of one random file is flipped at
a time; every file of the folder has its turn. The same command must end with the numbers of the undisturbed run, or
with a stated error. Printed are how many did either, by file, and whatever did neither.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from benchmarks.robustness.toy_runs import Call, Scenario, begin, forked, make_world, scenarios, warm_up

What = Literal["untouched", "made again", "stated", "WRONG"]
FLIPPED = ("audit", "train", "invert", "train-generator")
STATED = (2, 4, 5)


@dataclass(frozen=True)
class Flip:
    """One flipped bit and what the same command made of it.

    Attributes:
        file: relative to the folder.
        what: untouched, the same numbers; made again, the same numbers and a line about it; stated, an error; or WRONG.
        said: on stderr.
    """

    file: str
    what: What
    said: str


def flips(
    scenario: Scenario, finished: Path, count: int, rng: random.Random, call: Call, scratch: Path
) -> Iterator[Flip]:
    """Flip bits in copies of a finished folder, one at a time, and run the command again on each."""
    expected = scenario.numbers(finished)
    files = sorted(path.relative_to(finished) for path in finished.rglob("*") if _has_bytes(path))
    for number in range(count):
        if number % len(files) == 0:
            rng.shuffle(files)
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(finished, scratch)
        file = files[number % len(files)]
        flip_one(scratch / file, rng)
        ended = call(scenario.command(scratch))
        print(f"{scenario.name} {number + 1}/{count} {file}", file=sys.stderr)
        yield Flip(str(file), _judged(scenario, ended.code, ended.said, expected, scratch), ended.said)


def flip_one(path: Path, rng: random.Random) -> None:
    """Flip one random bit of a file in place."""
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _judged(scenario: Scenario, code: int, said: str, expected: Any, run: Path) -> What:
    if code in STATED:
        return "stated" if re.search(r"^\w+Error .*: got .*; expected ", said, re.M) else "WRONG"
    if code or scenario.numbers(run) != expected:
        return "WRONG"
    return "made again" if "made again" in said else "untouched"


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _table(name: str, done: Sequence[Flip]) -> str:
    kinds = Counter(flip.what for flip in done)
    lines = [f"{name}: {len(done)} flips, " + ", ".join(f"{count} {what}" for what, count in kinds.most_common())]
    for file in sorted({flip.file for flip in done}):
        of_file = Counter(flip.what for flip in done if flip.file == file)
        lines.append(f"  {file:64} " + ", ".join(f"{count} {what}" for what, count in of_file.most_common()))
    lines += [f"  WRONG {flip.file}: {flip.said}" for flip in done if flip.what == "WRONG"]
    return "\n".join(lines)


def main() -> None:
    """Make the runs, flip, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=200, help="of each run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=FLIPPED, action="append", help="repeat it")
    asked = parser.parse_args()
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        call: Call = partial(forked, log=home / "log")
        make_world(home)
        every = scenarios(home, home / "run-audit")
        for name in FLIPPED:
            scenario, finished = every[name], home / f"run-{name}"
            if asked.only and name not in {*asked.only, "audit"}:
                continue
            begin(scenario, finished)
            ended = call(scenario.command(finished))
            if ended.code:
                raise SystemExit(f"{name} ended with {ended.code}: {ended.said}")
            if asked.only and name not in asked.only:
                continue
            rng = random.Random(f"{asked.seed} {name}")
            print(_table(name, [*flips(scenario, finished, asked.flips, rng, call, home / "scratch")]), flush=True)


if __name__ == "__main__":
    main()
