"""Everything that a person gets wrong: one sentence, the right exit code, nothing lost."""

import os
import pickle
import re
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from killed import killed_at, wait_for
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from bareface.cli.app import app

QUICK = "games: [dataset]\nattacks: [flip-agreement]\n"


def refused(*arguments: str | Path, code: int = 2) -> str:
    """Run a command that must be refused; its one sentence."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if re.match(r"\w+Error ", line)]
    assert len(lines) == 1, result.stderr
    return lines[0]


def audit(world: Path, tmp_path: Path, text: str, code: int = 2) -> str:
    """Audit by a configuration file that must be refused."""
    config = tmp_path / "audit.yaml"
    config.write_text(text)
    return refused("audit", config, "-o", tmp_path / "run", code=code)


def own_world(world: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(world, tmp_path / "world"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["audit", "none.yaml"], r"UsageError none\.yaml: got no such file; expected a YAML configuration\."),
        (["audit"], r"UsageError bareface audit: got no model; .* Try: bareface audit --help\."),
        (["inspect", "none.ckpt"], r"CheckpointError .*none\.ckpt: got no such file"),
        (
            ["attacks", "nonsense"],
            r"UsageError attack: got 'nonsense'; expected one of all-calibrated, .*bn-distance, ",
        ),
        (["report", "none"], r"RunError none: got no result\.json; .* Try: run the audit again; it resumes\."),
        (["train", "none.csv", "-o", "out"], r"RosterError none\.csv: got no such file"),
        (
            ["train", "none.csv", "-o", "out", "--device", "warp"],
            r"UsageError device: got 'warp'; expected one that torch",
        ),
    ],
)
def test_what_is_not_there_is_named(arguments: list[str], sentence: str) -> None:
    assert re.match(sentence, refused(*arguments, code=4 if arguments[0] == "report" else 2))


def test_a_missing_model(world: Path, tmp_path: Path) -> None:
    said = audit(world, tmp_path, f"model: none.ckpt\nroster: {world / 'people.csv'}\n")
    assert re.match(r"(Checkpoint|Target)Error none\.ckpt: got no such file", said)


def test_a_device_that_is_not_there(world: Path, tmp_path: Path) -> None:
    text = f"model: {world}/target\nroster: {world}/people.csv\ndevice: warp\n{QUICK}"
    assert re.match(r"UsageError device: got 'warp'; expected one that torch .* cpu", audit(world, tmp_path, text))


def test_an_empty_folder(world: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    said = refused("audit", "--model", world / "target", "--members", tmp_path / "in", "--nonmembers", world / "faces")
    assert re.search(r"RosterError .*/in: got no images; expected one folder for each person .* Try: move", said)


def test_a_roster_of_one_person(world: Path, tmp_path: Path) -> None:
    home = own_world(world, tmp_path)
    rows = (home / "people.csv").read_text().splitlines()
    kept = [row for row in rows if "p00000," in row or "outside" in row or row.startswith("image")]
    (home / "people.csv").write_text("\n".join(kept) + "\n")
    said = audit(world, tmp_path, f"model: {home / 'target'}\nroster: {home / 'people.csv'}\n")
    assert re.search(r"got 1 people in the role (member|heldout); expected at least 2 on each side, and 10 for", said)


class Hostile:
    """Unpickling this would create a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def test_a_pickle_with_code_in_it_is_refused_and_does_not_run(world: Path, tmp_path: Path) -> None:
    marker, file = tmp_path / "ran", tmp_path / "evil.ckpt"
    torch.save({"state_dict": Hostile(marker)}, file)
    said = audit(world, tmp_path, f"model: {file}\nroster: {world / 'people.csv'}\n", code=5)
    assert re.search(r"UnsafeFileError .*evil\.ckpt: got .*(posix|os)\.system", said)
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Hostile(marker)))
    assert refused("inspect", tmp_path / "evil.pkl", code=5)
    assert not marker.exists()


def test_a_truncated_checkpoint(world: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.pt"
    torch.save(load_file(world / "target" / "backbone.safetensors"), file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    said = audit(world, tmp_path, f"model: {file}\nroster: {world / 'people.csv'}\n")
    assert re.search(r"CheckpointError .*cut\.pt: got .*", said)


def test_weights_of_another_architecture(world: Path, tmp_path: Path) -> None:
    home = own_world(world, tmp_path)
    tensors = load_file(home / "target" / "backbone.safetensors")
    first = sorted(tensors)[0]
    tensors["nonsense"] = tensors.pop(first)
    save_file(tensors, home / "target" / "backbone.safetensors")
    said = audit(world, tmp_path, f"model: {home / 'target'}\nroster: {home / 'people.csv'}\n")
    assert first in said
    assert "nonsense" in said


def test_weights_that_are_no_numbers(world: Path, tmp_path: Path) -> None:
    home = own_world(world, tmp_path)
    tensors = load_file(home / "target" / "backbone.safetensors")
    name = next(name for name in sorted(tensors) if tensors[name].is_floating_point() and tensors[name].ndim == 4)
    tensors[name].view(-1)[0] = torch.nan
    save_file(tensors, home / "target" / "backbone.safetensors")
    said = audit(world, tmp_path, f"model: {home / 'target'}\nroster: {home / 'people.csv'}\n")
    assert name in said


def png_bomb(path: Path, side: int = 20_000) -> None:
    """A PNG of a few kilobytes that claims `side` x `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def test_a_png_bomb_is_recorded_and_too_many_rejects_are_refused(world: Path, tmp_path: Path) -> None:
    home = own_world(world, tmp_path)
    for person in range(12, 16):
        png_bomb(home / "faces" / f"p{person:05d}" / "000.png")
    said = audit(world, tmp_path, f"model: {home / 'target'}\nroster: {home / 'people.csv'}\n{QUICK}")
    assert re.search(r"got 4 of 144 images unusable \(4 too large\); expected at most 1\.0%", said)
    assert re.search(r"leaving out, faces/p00012/000\.png \(too large: 20000 .* and 1 more; max_reject_rate", said)
    assert (tmp_path / "run" / "rejects.parquet").exists()


@pytest.mark.usefixtures("pageless")
def test_one_reject_is_recorded_and_the_audit_goes_on(world: Path, tmp_path: Path) -> None:
    home = own_world(world, tmp_path)
    (home / "faces" / "p00013" / "000.png").write_text("not an image")
    config = home / "audit.yaml"
    config.write_text(f"model: target\nroster: people.csv\n{QUICK}")
    result = CliRunner().invoke(app, ["audit", str(config), "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    from bareface.records.evidence import read_evidence

    evidence = read_evidence(tmp_path / "run")
    assert [(reject.role, reject.reason) for reject in evidence.rejects] == [("outside", "not an image")]
    assert {role.role: role.rejected for role in evidence.roles}["outside"] == 1


def test_an_image_on_both_sides(world: Path, tmp_path: Path) -> None:
    home = own_world(world, tmp_path)
    shutil.copy(home / "faces" / "p00000" / "000.png", home / "faces" / "p00014" / "000.png")
    said = audit(world, tmp_path, f"model: {home / 'target'}\nroster: {home / 'people.csv'}\n{QUICK}")
    assert "got 2 of 96 images on two sides: member and outside share 1 file and 0 near-duplicates" in said


@pytest.mark.usefixtures("pageless")
def test_a_run_folder_of_another_configuration(world: Path, tmp_path: Path) -> None:
    config = tmp_path / "audit.yaml"
    for seed, code in ((1, 0), (2, 4)):
        config.write_text(f"model: {world / 'target'}\nroster: {world / 'people.csv'}\n{QUICK}seed: {seed}\n")
        result = CliRunner().invoke(app, ["audit", str(config), "-o", str(tmp_path / "run")])
        assert result.exit_code == code, result.output
    assert "got seed = 2; expected seed = 1, as this run folder was begun" in result.stderr


def shell(script: str, **variables: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a mount namespace of its own."""
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    command = ["unshare", "--mount", "sh", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def can_mount(tmp_path: Path) -> bool:
    (tmp_path / "probe").mkdir()
    try:
        return shell('mount -t tmpfs none "$PROBE"', PROBE=tmp_path / "probe").returncode == 0
    except FileNotFoundError:
        return False


def test_a_full_disk_is_said_and_with_more_room_the_run_resumes(world: Path, tmp_path: Path) -> None:
    if not can_mount(tmp_path):
        pytest.skip("no permission to mount a small file system")
    config, disk = tmp_path / "audit.yaml", tmp_path / "disk"
    config.write_text(f"model: {world / 'target'}\nroster: {world / 'people.csv'}\n{QUICK}")
    disk.mkdir()
    done = shell(
        'mount -t tmpfs -o size=120k none "$DISK"\n'
        '"$PYTHON" -m bareface.cli.app audit "$CONFIG" -o "$DISK/run"; echo "first $?"\n'
        'ls -A "$DISK"/run/.*.tmp "$DISK"/run/*/.*.tmp 2> /dev/null\n'
        'mount -o remount,size=50m "$DISK"\n'
        '"$PYTHON" -m bareface.cli.app audit "$CONFIG" -o "$DISK/run"; echo "second $?"\n',
        DISK=disk, CONFIG=config, PYTHON=sys.executable,
    )  # fmt: skip
    assert "got no space left on the disk; expected a writable place. Try: free some space" in done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith(("first", "second"))] == [
        "first 4",
        "second 0",
    ]
    assert ".tmp" not in done.stdout


def train_words(world: Path, out: Path, epochs: int = 6) -> list[str]:
    options = ["--size", "32", "--epochs", str(epochs), "--batch-size", "8", "--seed", "4"]
    return ["train", str(world / "people.csv"), "-o", str(out), *options]


def test_killed_while_training_it_resumes_to_the_same_weights(world: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = CliRunner().invoke(app, train_words(world, whole))
    assert done.exit_code == 0, done.output
    assert re.search(r"ir-tiny trained on 24 images of 12 people: .*whole\n", done.stdout)
    assert re.search(r"verification on unseen people: AUC 0\.\d+ over 144 \+ \d+ pairs", done.stdout)
    killed_at("training", train_words(world, killed), killed, "checkpoint-0002.json", done=7)
    assert not (killed / "backbone.safetensors").exists()
    assert CliRunner().invoke(app, train_words(world, killed)).exit_code == 0
    assert (killed / "backbone.safetensors").read_bytes() == (whole / "backbone.safetensors").read_bytes()


@pytest.fixture
def attentive() -> Iterator[None]:
    """SIGINT is heard: a shell that starts the tests in the background has them, and their children, ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("attentive")
def test_ctrl_c_leaves_a_resumable_run_and_says_so(world: Path, tmp_path: Path) -> None:
    words = train_words(world, tmp_path / "out", epochs=500)
    command = [sys.executable, "-m", "bareface.cli.app", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(process, tmp_path / "out", "checkpoint-*.json")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "run the same command again to resume" in said
