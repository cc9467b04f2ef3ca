"""Outputs go where links lead, and into the place of nothing but a file."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file
from torch import zeros
from typer.testing import CliRunner

from bareface.auditing.config_file import make_config, write_config
from bareface.cli.app import app
from bareface.errors import RunError, UsageError
from bareface.faces.packs.record_writer import writing
from bareface.inversion.eigenfaces.generator import Eigenfaces
from bareface.inversion.eigenfaces.store import load_eigenfaces, save_eigenfaces
from bareface.rosters.roster import Roster, write_manifest
from bareface.storage.artefacts import Fit, fit_of, read_sound, write_artefact
from bareface.storage.columns import write_csv
from bareface.storage.files import atomic_path, write_bytes, write_text
from bareface.storage.places import real_path


def tensors(path: Path) -> None:
    with atomic_path(path) as temporary:
        save_file({"x": zeros(2)}, temporary)


def records(path: Path) -> None:
    with writing(path):
        pass


WRITERS: dict[str, Callable[[Path], None]] = {
    "text": lambda path: write_text(path, "new"),
    "bytes": lambda path: write_bytes(path, b"new"),
    "artefact": lambda path: write_artefact(path, "new"),
    "table": lambda path: write_csv(path, {"a": ["1"]}),
    "manifest": lambda path: write_manifest(
        Roster(path.parent, ("a.png",), np.array(["a"]), np.array(["member"])), path.with_suffix(".parquet")
    ),
    "tensors": tensors,
    "records": records,
}


def pipe(path: Path) -> None:
    os.mkfifo(path)


def plug(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a name of at most 108 bytes


def circle(path: Path) -> None:
    path.with_name("other").symlink_to(path.name)
    path.symlink_to("other")


def to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("other"))
    path.symlink_to("other")


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (pipe, "a pipe, not a file"),
    "socket": (plug, "a socket, not a file"),
    "folder": (Path.mkdir, "a folder, not a file"),
    "circle": (circle, "links that lead round in a circle"),
    "itself": (lambda path: path.symlink_to(path.name), "links that lead round in a circle"),
    "link to a pipe": (to_pipe, "a pipe, not a file"),
    "link to a device": (lambda path: path.symlink_to("/dev/null"), "a device, not a file"),
    "link to nowhere": (
        lambda path: path.symlink_to("none/none"),
        r"a link into a folder that is not there \(.*/none\)",
    ),
}


@pytest.fixture(params=ODD)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    make, said = ODD[request.param]
    # The manifest is written as Parquet, so that all have that suffix.
    make(tmp_path / "out.parquet")
    return tmp_path / "out.parquet", said


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_no_file_is_refused_and_left(odd: tuple[Path, str], writer: str) -> None:
    path, said = odd
    before = {one.name: os.lstat(one) for one in path.parent.iterdir()}
    with pytest.raises(
        RunError,
        match=rf"out\.parquet: got {said}; expected a regular file, or a name that is not taken\. Try: another name",
    ):
        WRITERS[writer](path)
    after = {one.name: os.lstat(one) for one in path.parent.iterdir()}
    assert {name: (one.st_mode, one.st_ino) for name, one in before.items()} == {
        name: (one.st_mode, one.st_ino) for name, one in after.items()
    }


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("into", ["a pipe", "a file"])
def test_a_device_and_what_a_process_has_open_are_refused(path: str, into: str, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom bareface.errors import RunError\n"
        "from bareface.storage.files import write_text\n"
        "try:\n    write_text(Path(sys.argv[1]), 'new')\nexcept RunError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", program, path]
    if into == "a pipe":
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    else:
        with (tmp_path / "said").open("w") as file:
            subprocess.run(command, stdout=file, text=True, check=True)
        said = (tmp_path / "said").read_text()
    assert f"{path}: got" in said
    assert "expected a regular file" in said
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_link_stays_and_the_file_it_leads_to_is_written(
    writer: str, relative: bool, there: bool, tmp_path: Path
) -> None:
    named, real = tmp_path / "named", tmp_path / "real"
    named.mkdir()
    real.mkdir()
    if there:
        (real / "file").write_text("old")
    (real / "hop").symlink_to("file")
    link = named / "out.parquet"
    link.symlink_to("../real/hop" if relative else real / "hop")
    WRITERS[writer](link)
    assert link.is_symlink()
    assert (real / "hop").is_symlink()
    assert link.read_bytes() != b"old"
    assert {one.name for one in real.iterdir()} == {"file", "hop"}


def test_digests_and_cards_lie_beside_the_name_by_which_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "part.safetensors"
    link.symlink_to("real/blob")
    write_artefact(link, "x", of="a run")
    assert read_sound(link, of="a run") == b"x"
    assert fit_of(link, of="another") is Fit.STRAY
    subprocess.run(
        ["sha256sum", "-c", "--strict", f"{link.name}.sha256"], cwd=tmp_path, check=True, capture_output=True
    )
    faces = Eigenfaces(zeros(3, 8, 8), zeros(2, 3, 8, 8), zeros(2) + 0.5, "some", "unknown", "none")
    save_eigenfaces(faces, link, photos=3, people=2)
    assert load_eigenfaces(link).name == "some"
    assert link.is_symlink()
    assert json.loads((tmp_path / "part.json").read_text())["weights_sha256"]


@pytest.mark.parametrize("field", ["members", "nonmembers", "auxiliary", "seal"])
def test_links_that_lead_round_in_a_circle_are_a_mistake_in_one_sentence(field: str, tmp_path: Path) -> None:
    circle(tmp_path / "x")
    brought = {"model": "m.pt", "members": str(tmp_path / "a"), "nonmembers": str(tmp_path / "b")}
    brought |= {field: str(tmp_path / "x")}
    with pytest.raises(UsageError, match=r"x: got links that lead round in a circle; expected a path\. Try: "):
        write_config(make_config(brought, "here"), tmp_path / "out.yaml")


@pytest.mark.parametrize("option", ["--junit", "--summary"])
@pytest.mark.parametrize("command", [["audit", "--model", "m.pt"], ["gate", "run"]])
def test_a_gate_says_so_before_anything_is_computed(command: list[str], option: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    done = CliRunner().invoke(app, [*command, option, str(tmp_path / "out")])
    assert done.exit_code == 4
    assert "out: got a pipe, not a file; expected a regular file" in done.stderr
    assert stat.S_ISFIFO(os.lstat(tmp_path / "out").st_mode)


def test_a_text_that_can_be_no_path_has_no_place() -> None:
    with pytest.raises(UsageError, match="got a text with a null byte; expected a path"):
        real_path(Path("a\0b"))


def test_commands_name_a_circle_of_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    circle(tmp_path / "x")
    monkeypatch.chdir(tmp_path)
    for command in (
        ["audit", "--model", "m.pt", "--members", "x", "--nonmembers", "b", "-o", "run"],
        ["align", "x", "y"],
        ["audit", "--model", "m.pt", "--members", "a", "--nonmembers", "b", "-o", "x"],
        ["pairs", "x", "-o", "pairs.csv"],
        ["split", "x", "-o", "roster.csv"],
        ["inspect", "x"],
    ):
        done = CliRunner().invoke(app, command)
        assert done.exit_code in (2, 4), (command, done.output)
