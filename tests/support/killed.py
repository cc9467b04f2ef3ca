"""Processes that are killed half-way: when, is said by what they have left on the disk and not by a clock."""

import subprocess
import time
from pathlib import Path

A_LONG_WAIT = 1800  # seconds; for a process that never gets there, on whatever machine


def wait_for(process: subprocess.Popen[bytes] | subprocess.Popen[str], folder: Path, pattern: str) -> None:
    """Wait until there is such a file in the folder; a process that ends before is a failure."""
    end = time.monotonic() + A_LONG_WAIT
    while not list(folder.glob(pattern)):
        assert process.poll() is None, f"the process ended with {process.returncode} before it wrote {pattern}"
        assert time.monotonic() < end, f"no {pattern} in {A_LONG_WAIT} s"
        time.sleep(0.01)
