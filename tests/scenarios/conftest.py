"""A small world that scenarios start from: rendered people, a small backbone on disk."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bareface.rosters.roster import Roster, read_folder, write_manifest
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target
from bareface.vocabulary import Role


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `faces/`, `people.csv` (12 members, 12 strangers, 12 auxiliary people) and `target/`."""
    home = tmp_path_factory.mktemp("world")
    write_folder(home / "faces", people=36, images=4, size=32, seed=5)
    listed = read_folder(home / "faces", Role.OUTSIDE)
    person = np.array([int(subject[1:]) for subject in listed.subject])
    number = np.array([int(Path(image).stem) for image in listed.image])
    role = np.where(person < 12, np.where(number < 2, Role.MEMBER, Role.HELDOUT), Role.OUTSIDE)
    role = np.where(person >= 24, Role.AUXILIARY, role).astype(str)
    image = tuple(f"faces/{name}" for name in listed.image)
    write_manifest(Roster(home, image, listed.subject, role), home / "people.csv")
    save_target(backbone(), home / "target")
    return home


def backbone(seed: int = 0) -> Target:
    """A small backbone with fresh weights and a head of 12 people."""
    spec = ImageSpec(32, 32)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = build("ir-tiny", spec=spec, embedding_size=16)
        centres = torch.randn(12, 16)
    return Target("small", "ir-tiny", module, spec, centres=centres)


def draw_no_pages(patch: pytest.MonkeyPatch) -> None:
    """Audits and inversions draw no page, which is a function of the record and takes longer than a small audit."""
    patch.setattr("bareface.cli.auditing.page_of", lambda evidence: "no page")
    patch.setattr("bareface.cli.inverting.write_inversion_page", lambda home: home)


@pytest.fixture
def pageless(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test without pages."""
    draw_no_pages(monkeypatch)


@pytest.fixture(scope="module")
def pageless_file() -> Iterator[None]:
    """A whole file without pages."""
    with pytest.MonkeyPatch.context() as patch:
        draw_no_pages(patch)
        yield
