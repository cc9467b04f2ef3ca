"""Feeds broken files to every byte parser of the house: python tests/fuzz/fuzz.py --seconds 120

Only house errors may come out, in time and within memory. Inputs that reach lines of the house which no input reached
before are kept and changed further, so the search works its way into a parser. Every parser has its own process:
a crash is a finding, too. Printed are inputs tried, lines reached and kinds of failures (0 expected); a file for each
kind is kept in --keep. The same seed and number of inputs gives the same files.
"""

import argparse
import hashlib
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from byte_parsers import PARSERS as BYTE_PARSERS
from byte_parsers import ByteParser
from mutations import mutated
from pickle_programs import program
from target_parsers import TARGET_PARSERS

import bareface
from bareface.errors import BarefaceError

HOUSE = str(Path(bareface.__file__).parent)
SLOWEST, MOST_MEMORY = 10, 512 << 20  # seconds for one input of at most 64 KiB; bytes that it may cost

Line = tuple[str, int]

PARSERS = {**BYTE_PARSERS, **TARGET_PARSERS}


class TooSlowError(BaseException):
    """No `except Exception` may swallow it."""


@dataclass
class Tally:
    """What came of the inputs of one parser."""

    parser: str
    tried: int = 0
    refused: int = 0
    lines: int = 0
    failures: dict[str, str] = field(default_factory=dict)  # file kept -> what happened


class Reached:
    """The lines of the house that have been executed."""

    def __init__(self) -> None:
        self.lines: set[Line] = set()

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        """A trace function: `sys.settrace(reached)`."""
        if not frame.f_code.co_filename.startswith(HOUSE):
            return None
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self


@contextmanager
def limits(reached: Reached) -> Iterator[None]:
    """Trace lines, and stop what takes too long."""

    def stop(*_: object) -> None:
        raise TooSlowError(f"more than {SLOWEST} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SLOWEST)
    sys.settrace(reached)
    try:
        yield
    finally:
        sys.settrace(None)
        signal.setitimer(signal.ITIMER_REAL, 0)


def attempt(parser: ByteParser, path: Path, reached: Reached) -> str | None:
    """What went wrong with one input; empty when it was refused, None when it was read."""
    before = _peak()
    try:
        with limits(reached), warnings.catch_warnings(action="error"):
            parser.read(path)
    except BarefaceError as error:
        wrong = "" if str(error).isprintable() else f"{_place(error)}: a message that is not printable: {error}"
    except (Exception, TooSlowError) as error:
        wrong = f"{_place(error)}: {type(error).__name__}: {error}"
    else:
        wrong = None
    grown = _peak() - before
    return f"{grown >> 20} MiB for {path.stat().st_size} bytes" if grown > MOST_MEMORY else wrong


def _place(error: BaseException) -> str:
    """Where it was raised, the same for all inputs that fail alike."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fuzz(name: str, seconds: float, seed: int, folder: Path) -> Tally:
    """Change, try and keep for some time."""
    parser, rng, reached, tally = PARSERS[name], random.Random(f"{seed} {name}"), Reached(), Tally(name)
    seeds, told = parser.seeds(), set[str]()
    pool = list(seeds)
    path = folder / f"input{parser.suffix}"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # The honest files go first.
        content = pool[tally.tried] if tally.tried < len(seeds) else _next_input(rng, parser, pool)
        path.write_bytes(content)
        before = len(reached.lines)
        wrong = attempt(parser, path, reached)
        tally.tried += 1
        tally.refused += wrong == ""
        if len(reached.lines) > before and content not in pool:
            pool.append(content)
        if wrong and wrong.partition(": ")[0] not in told:
            told.add(wrong.partition(": ")[0])
            tally.failures[wrong] = keep(folder, name, content)
    tally.lines = len(reached.lines)
    return tally


def _next_input(rng: random.Random, parser: ByteParser, pool: Sequence[bytes]) -> bytes:
    return program(rng) if parser.programs and rng.random() < 0.5 else mutated(rng, pool, parser.tokens)


def keep(folder: Path, name: str, content: bytes) -> str:
    """Keep an input that failed; its file name."""
    kept = folder / f"{name.replace(', ', '-').replace(' ', '-')}-{hashlib.sha256(content).hexdigest()[:12]}"
    kept.write_bytes(content)
    return kept.name


def in_a_process_of_its_own(name: str, seconds: float, seed: int, folder: Path) -> Tally:
    """`fuzz`, and what killed it if something did."""
    command = [sys.executable, __file__, "--only", name, "--seconds", str(seconds), "--seed", str(seed)]
    done = subprocess.run([*command, "--keep", folder, "--child"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Tally(**json.loads(done.stdout.splitlines()[-1]))
    content = (folder / f"input{PARSERS[name].suffix}").read_bytes()
    reason = f"the process ended with {done.returncode}: {done.stderr.strip()[-300:]}"
    return Tally(name, failures={reason: keep(folder, name, content)})


def main() -> int:
    """Parse the command line, fuzz, print; 1 when something failed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=120, help="for all parsers together")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--only", choices=PARSERS, action="append", help="a parser; may be repeated")
    arguments.add_argument("--keep", type=Path, help="folder for inputs that failed")
    arguments.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    said = arguments.parse_args()
    folder = said.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    names = said.only or list(PARSERS)
    if said.child:
        print(json.dumps(asdict(fuzz(names[0], said.seconds, said.seed, folder))))
        return 0
    print(f"{'parser':<22}{'inputs':>10}{'refused':>10}{'lines':>8}{'failures':>10}")
    tallies = []
    for name in names:
        tallies.append(in_a_process_of_its_own(name, said.seconds / len(names), said.seed, folder))
        print_tally(tallies[-1])
    failures = sum(len(tally.failures) for tally in tallies)
    print(f"{sum(tally.tried for tally in tallies):,} inputs, {failures} failures" + f" in {folder}" * bool(failures))
    return int(failures > 0)


def print_tally(tally: Tally) -> None:
    """One line, and one for each failure."""
    print(f"{tally.parser:<22}{tally.tried:>10,}{tally.refused:>10,}{tally.lines:>8,}{len(tally.failures):>10}")
    for wrong, kept in tally.failures.items():
        print(f"    {kept}: {wrong[:300]!a}")


if __name__ == "__main__":
    sys.exit(main())
