"""Which images nobody was trained on in secret: public, else auxiliary, else rendered faces at the target's size."""

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from bareface.auditing import images
from bareface.auditing.images import public_images
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder
from bareface.targets.target import Target
from bareface.vocabulary import Role


@pytest.fixture
def everybody(tmp_path: Path) -> Roster:
    """Two people of each role, a photo each."""
    write_folder(tmp_path, people=8, images=1, size=16, seed=5)
    listed = read_folder(tmp_path, Role.OUTSIDE)
    roles = np.repeat([str(one) for one in (Role.MEMBER, Role.OUTSIDE, Role.AUXILIARY, Role.PUBLIC)], 2)
    return Roster(listed.root, listed.image, listed.subject, roles)


def seen(roster: Roster, *left_out: Role) -> tuple[tuple[int, ...], str]:
    """The shape of the images, and what they are called."""
    target = Target("wide", "custom", nn.Flatten(), ImageSpec(16, 24))
    found, what = public_images(target, roster.take(np.flatnonzero(~np.isin(roster.role, left_out))), seed=3)
    return tuple(found.load(np.arange(len(found))).shape), what


def test_the_most_public_there_is(everybody: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_PUBLIC_IMAGES", 6)
    assert seen(everybody) == ((2, 3, 16, 24), "2 public images")
    assert seen(everybody, Role.PUBLIC) == ((2, 3, 16, 24), "2 auxiliary images")
    assert seen(everybody, Role.PUBLIC, Role.AUXILIARY) == ((3, 3, 16, 24), "3 rendered faces")


def test_more_than_enough_are_drawn_by_lot(everybody: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_PUBLIC_IMAGES", 1)
    assert seen(everybody) == ((1, 3, 16, 24), "1 public images")
