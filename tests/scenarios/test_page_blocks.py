"""What the pages tell to type, typed: every block of commands and of Python that is not marked with a reason not to.

A mark is a line before the fence, `<!-- not run: why -->`. Blocks run in a folder that has what they name: two small
networks, photos of rendered people in the folders and lists that the pages speak of, and finished runs.
"""

import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from command import run
from pages_of_docs import PAGES, ROOT, Block, blocks_of

from bareface.errors import ExitCode
from bareface.rosters.roster import Roster, join, read_folder, write_manifest
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder
from bareface.targets.build import build

SIDE, PEOPLE, PHOTOS = 32, 11, 2
FOLDERS = {"in": 0, "out": 100, "photos/trained": 0, "photos/strangers": 100, "pool": 200}
BLOCKS = [block for page in PAGES for block in blocks_of(page) if block.language in ("sh", "bash", "python")]
RUN = [block for block in BLOCKS if not block.why_not]
JUDGED = {ExitCode.DONE, ExitCode.GATE_FAILED, ExitCode.INCONCLUSIVE}
"""Exit codes of commands that answer by them; those of others are 0."""
_NET = """from torch import nn
net = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(4), nn.Flatten()).eval()
"""


def save_backbone(path: Path, seed: int) -> None:
    """A checkpoint as others save it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.save(build("ir-tiny", spec=ImageSpec(SIDE, SIDE), embedding_size=16).state_dict(), path)


@pytest.fixture(scope="module")
def world(pageless_file: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages name, in one folder, and one finished run."""
    home = tmp_path_factory.mktemp("pages")
    for name, first in FOLDERS.items():
        write_folder(home / name, people=PEOPLE, images=PHOTOS, size=SIDE, seed=5, first_identity=first)
    shutil.copytree(home / "in", home / "other-photos")
    for photo in (home / "other-photos").rglob("*.png"):
        photo.unlink()
    write_folder(home / "more", people=PEOPLE, images=2 * PHOTOS, size=SIDE, seed=5)
    for photo in (home / "more").glob("*/00[23].png"):
        photo.rename(home / "other-photos" / photo.parent.name / photo.name)
    for number, name in enumerate(("backbone", "other", "another")):
        save_backbone(home / f"{name}.ckpt", number)
    sides = join(read_folder(home / "in", "member"), read_folder(home / "out", "outside"))
    image = tuple(str(path.relative_to(home)) for path in sides.paths)
    write_manifest(Roster(home, image, sides.subject, sides.role), home / "people.csv")
    (home / "mynet.py").write_text(_NET)
    (home / "policy.yaml").write_text("fail_if: [leak]\n")
    (home / "audit.yaml").write_text(
        "model: backbone.ckpt\nforeign: other.ckpt\nmembers: photos/trained\nnonmembers: photos/strangers\n"
        "attacks: [embedding-norm]\nplanted_leaks: 0\n"
    )
    finished = run("audit", home / "audit.yaml", "-o", home / "finished")
    assert finished.exit_code == 0, finished.output
    return home


@pytest.fixture
def here(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the world to work in."""
    home = tmp_path / "here"
    shutil.copytree(world, home)
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.delitem(sys.modules, "mynet", raising=False)
    return home


def lay_out_finished_runs(code: str, home: Path) -> None:
    """Runs that a block reads before it makes them."""
    seen = set()
    for making, name in re.findall(r"(-o |run=\")?\b(runs/\w+)", code):
        if not making and name not in seen:
            shutil.copytree(home / "finished", home / name)
        seen.add(name)


def commands_of(code: str) -> Iterator[list[str]]:
    """The words of each command."""
    for line in code.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def shell(block: Block) -> None:
    """Run the commands; what pip installs is there already."""
    for words in commands_of(block.code):
        if words[:2] == ["pip", "install"]:
            continue
        assert words[0] == "bareface", f"mark {block} with a reason why it is not run"
        ended = run(*words[1:])
        expected = JUDGED if {"gate", "--policy"} & set(words) else {ExitCode.DONE}
        assert ended.exit_code in expected, f"{words}\n{ended.output}{ended.exception!r}"


@pytest.mark.parametrize("block", [one for one in RUN if one.language != "python"], ids=str)
def test_commands_do_what_the_page_says(block: Block, here: Path) -> None:
    lay_out_finished_runs(block.code, here)
    for made in re.findall(r"--out ([\w.]+)", block.code):
        (here / made).unlink(missing_ok=True)
    shell(block)


@pytest.mark.parametrize(
    "page", sorted({one.page for one in RUN if one.language == "python"}), ids=lambda page: str(page.relative_to(ROOT))
)
def test_python_of_a_page_runs_from_the_first_block_to_the_last(page: Path, here: Path) -> None:
    code = "\n\n".join(one.code for one in RUN if one.page == page and one.language == "python")
    lay_out_finished_runs(code, here)
    (here / "of_the_page.py").write_text(code)
    for name, made in runpy.run_path("of_the_page.py", run_name="of_the_page").items():
        if name.startswith("test_"):
            made()


def test_reasons_are_given_and_extras_exist() -> None:
    assert all(len(one.why_not.split()) >= 4 for one in BLOCKS if one.why_not)
    assert RUN, "something is run"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [found for one in BLOCKS for found in re.findall(r"bareface\[([\w,]+)\]", one.code)]
    assert {extra for found in named for extra in found.split(",")} <= set(extras)
    tests = {path for one in BLOCKS for path in re.findall(r"tests/[\w./]+", one.why_not)}
    assert not [path for path in tests if not (ROOT / path).exists()], "a test that a reason points to is there"
