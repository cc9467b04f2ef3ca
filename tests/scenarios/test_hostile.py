"""Everything that somebody made to do harm comes in through the command line and is refused in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import needs_onnx as needs_onnx
from corpus import everything

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"pickle", "zip", "safetensors", "npy", "ONNX", "tar", "RecordIO", "YAML", "image", "endpoint"}

# Inputs that get what they want, because a person asked for it on the command line.
GRANTED = """
from benchmarks.robustness import hostile
from corpus import Hostile

def runs(folder, world):
    (folder / "evil.py").write_text("import os\\ndef make(): os.mkdir('EXECUTED')\\n")
    return ["selfcheck", "--model", "evil:make", "--images", world.faces]

def writes(folder, world):
    return ["faces", "../beside", "--people", "1", "--images", "1", "--size", "16"]

def passes(folder, world):
    return ["attacks"]

def reads(folder, world):
    return ["attacks"]

cases = [Hostile("granted", "runs", runs), Hostile("granted", "writes", writes),
         Hostile("granted", "passes", passes, must_refuse=True), Hostile("granted", "reads", reads)]
print([outcome.failure for outcome in hostile.outcomes(cases)])
"""


def test_a_sample_of_hostile_inputs_does_no_harm() -> None:
    command = [sys.executable, "-m", "benchmarks.robustness.hostile", "--sample", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [one for one in outcomes if one["failure"]], done.stderr
    assert {one["kind"] for one in outcomes} >= KINDS


def test_harm_would_be_noticed() -> None:
    done = subprocess.run([sys.executable, "-c", GRANTED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("['executed', 'escaped', 'escaped', '']"), done.stdout + done.stderr


def test_there_are_many_of_every_kind() -> None:
    names = [f"{one.kind}: {one.name}" for one in everything()]
    assert len(set(names)) == len(names) >= 300
