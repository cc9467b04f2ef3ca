"""Processes that are killed half-way: when, is said by what they have done and not by a clock."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

A_LONG_WAIT = 1800  # seconds; for a process that never gets there, on whatever machine

# The command line, which stands still once its progress has come so far.
STANDING_STILL = """
import sys, time
from bareface.cli import main, manners

stage, least = sys.argv[1], int(sys.argv[2])
sys.argv[1:] = sys.argv[3:]
shown = manners.Stages.__call__

def told(self, now, done, total):
    shown(self, now, done, total)
    if now == stage and done >= least:
        time.sleep(10**6)  # until it is killed

manners.Stages.__call__ = told
main()
"""


def killed_at(stage: str, words: Sequence[str | Path], folder: Path, pattern: str, *, done: int = 0) -> None:
    """Begin the command of these words and kill it at a stage of its progress, once it has left such a file."""
    command = [sys.executable, "-c", STANDING_STILL, stage, str(done), *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(process, folder, pattern)
    finally:
        process.kill()
        process.wait()


def wait_for(process: subprocess.Popen[bytes] | subprocess.Popen[str], folder: Path, pattern: str) -> None:
    """Wait until there is such a file in the folder; a process that ends before is a failure."""
    end = time.monotonic() + A_LONG_WAIT
    while not list(folder.glob(pattern)):
        assert process.poll() is None, f"the process ended with {process.returncode} before it wrote {pattern}"
        assert time.monotonic() < end, f"no {pattern} in {A_LONG_WAIT} s"
        time.sleep(0.01)
