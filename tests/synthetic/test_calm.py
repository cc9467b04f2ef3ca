"""Calm photos: moved latents of the same photos, nothing before the face, everything else as it was."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import Tensor

from bareface.synthetic import NUISANCE_SIZE, EndlessFaces, SyntheticFaces, calm
from bareface.synthetic.calm import PARTS
from bareface.synthetic.parameters import Nuisance, decode
from bareface.synthetic.shot import whole
from bareface.synthetic.worn import has_hand, has_microphone, sunglasses

NAMES = [field.name for field in fields(Nuisance)]


def photos(n: int, spread: float = 1.0) -> Tensor:
    return torch.randn(n, NUISANCE_SIZE, generator=torch.Generator().manual_seed(0)) * spread


@pytest.mark.parametrize("spread", [0.0, 1.0, 100.0, 1e6])
def test_each_named_field_keeps_to_its_part_and_no_other_changes(spread: float) -> None:
    before = photos(300, spread)
    after = calm(before)
    assert torch.isfinite(after).all()
    taken = decode(Nuisance, after)
    for column, field in enumerate(fields(Nuisance)):
        if field.name not in PARTS:
            assert torch.equal(after[:, column], before[:, column])
            continue
        low, high = field.metadata["low"], field.metadata["high"]
        share = (getattr(taken, field.name).flatten() - low) / (high - low)
        start, stop = PARTS[field.name]
        assert start - 1e-3 <= share.min() <= share.max() <= stop + 1e-3


def test_a_photo_that_is_further_out_stays_further_out() -> None:
    moved = calm(photos(200))
    for name in PARTS:
        column = NAMES.index(name)
        order = photos(200)[:, column].argsort()
        assert (moved[order, column].diff() >= 0).all()


def test_nothing_comes_between_the_face_and_the_camera() -> None:
    n = 400
    people = torch.randn(n, 57, generator=torch.Generator().manual_seed(1))
    worn = (has_hand, has_microphone, sunglasses)
    ordinary, still = whole(people, photos(n), 16), whole(people, calm(photos(n)), 16)
    assert all(there(ordinary).sum() > 0 for there in worn)
    assert all(there(still).sum() == 0 for there in worn)


def test_calm_photos_are_of_the_same_people_and_the_same_in_any_company() -> None:
    still, ordinary = SyntheticFaces(3, 24, calm=True), SyntheticFaces(3, 24)
    identity, image = np.arange(6), np.array([0, 0, 1, 1, 5, 5])
    assert torch.equal(still.latents(identity, image)[0], ordinary.latents(identity, image)[0])
    together = still.render(identity, image)
    assert torch.equal(still.render(identity[::-1].copy(), image[::-1].copy()).flip(0), together)
    assert not torch.equal(together, ordinary.render(identity, image))


def test_a_gradient_goes_through() -> None:
    latents = photos(20).requires_grad_(True)
    calm(latents).sum().backward()
    assert latents.grad is not None
    assert torch.isfinite(latents.grad).all()
    assert (latents.grad > 0).all()


def test_faces_without_end_are_those_of_the_crowd_by_number() -> None:
    crowd = SyntheticFaces(7, 16, calm=True)
    endless = EndlessFaces(crowd, first=1_000_000, count=10**9)
    assert len(endless) == 10**9
    rows = np.array([10**9 - 1, 0, 0])
    people = rows + 1_000_000
    assert torch.equal(endless.load(rows), crowd.render(people, np.zeros_like(people)))
