"""The drawn crowd: the same people every time, different from each other, sharp at any size."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bareface.errors import RunError, UsageError
from bareface.rosters.roster import read_folder
from bareface.synthetic import (
    IDENTITY_SIZE,
    NUISANCE_SIZE,
    SyntheticFaces,
    eyes,
    mouth,
    people,
    render_parameters,
    sheet,
    write_folder,
)
from bareface.synthetic.parameters import Identity, Nuisance, decode


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def latents(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, IDENTITY_SIZE, generator=generator), torch.randn(n, NUISANCE_SIZE, generator=generator)


def everybody(n_people: int, n_images: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.repeat(np.arange(n_people), n_images), np.tile(np.arange(n_images), n_people)


# The same people every time


@pytest.mark.parametrize("size", [17, 24, 31])
def test_a_photo_has_the_same_bytes_in_any_company(size: int) -> None:
    faces = SyntheticFaces(3, size)
    identity, image = everybody(13, 3)
    together = faces.render(identity, image)
    order = np.random.default_rng(0).permutation(len(identity))
    assert torch.equal(faces.render(identity[order], image[order]), together[torch.from_numpy(order)])
    for row in (0, 17, 38):
        assert torch.equal(faces.render(identity[row : row + 1], image[row : row + 1])[0], together[row])


def test_chunks_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = SyntheticFaces(0, 45)
    before = faces.render(*everybody(20, 2))
    monkeypatch.setattr(people, "CHUNK_PIXELS", 7 * 45**2)
    assert torch.equal(before, faces.render(*everybody(20, 2)))


def test_threads_leave_no_trace() -> None:
    one = render_parameters(*latents(30), 37)
    torch.set_num_threads(3)
    assert torch.equal(one, render_parameters(*latents(30), 37))


def test_rendering_gives_the_threads_back() -> None:
    torch.set_num_threads(2)
    SyntheticFaces(0, 16).render(*everybody(1, 1))
    assert torch.get_num_threads() == 2


def test_seed_person_and_photo_each_matter() -> None:
    one = np.array([5])
    photo = SyntheticFaces(0, 32).render(one, one)
    assert not torch.equal(photo, SyntheticFaces(1, 32).render(one, one))
    assert not torch.equal(photo, SyntheticFaces(0, 32).render(one + 1, one))
    assert not torch.equal(photo, SyntheticFaces(0, 32).render(one, one + 1))


def test_nobody_is_an_empty_batch() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert SyntheticFaces(0, 20).render(none, none).shape == (0, 3, 20, 20)


def test_latents_say_what_is_rendered() -> None:
    faces, (identity, image) = SyntheticFaces(2, 48), everybody(6, 2)
    clean = render_parameters(*faces.latents(identity, image), 48)
    noise = faces.render(identity, image) / 255 - clean
    sigma = decode(Nuisance, faces.latents(identity, image)[1]).noise.flatten()
    assert noise.mean().abs() < 0.005
    assert torch.corrcoef(torch.stack([noise.flatten(1).std(1), sigma]))[0, 1] > 0.9


# Any size


@settings(max_examples=12)
@given(st.integers(16, 160), st.integers(0, 2**40), st.integers(0, 2**20))
def test_any_size_shows_a_face(size: int, seed: int, identity: int) -> None:
    photo = SyntheticFaces(seed, size).render(np.array([identity]), np.array([0]))
    assert photo.shape == (1, 3, size, size)
    assert photo.dtype == torch.uint8
    assert photo.float().std() > 3


def test_half_the_size_shows_the_same_picture() -> None:
    people_, photos = latents(24)
    small = render_parameters(people_, photos, 56)
    shrunk = torch.nn.functional.avg_pool2d(render_parameters(people_, photos, 112), 2)
    assert (small - shrunk).abs().mean() < 0.01
    assert (small - shrunk).abs().mean((1, 2, 3)).max() < 0.025


def test_edges_are_as_sharp_as_the_pixels_allow() -> None:
    def steepest(size: int) -> float:
        people_, photos = latents(12)
        photos[:, [f.name for f in fields(Nuisance)].index("blur")] = -3.0
        picture = render_parameters(people_, photos, size)
        return float((picture[..., 1:] - picture[..., :-1]).abs().amax((1, 2, 3)).mean())

    assert steepest(160) > 0.8 * steepest(40)


# A picture is a function of its parameters


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_gradients_are_finite_and_reach_both_latents(scale: float) -> None:
    both = [(scale * latent).requires_grad_() for latent in latents(8, seed=1)]
    picture = render_parameters(*both, 40)
    assert picture.min() >= 0
    assert picture.max() <= 1
    picture.square().mean().backward()
    for latent in both:
        assert latent.grad is not None
        assert latent.grad.isfinite().all()
    if scale == 1.0:
        assert all((latent.grad.abs().amax(1) > 0).all() for latent in both if latent.grad is not None)


def test_the_gradient_is_the_slope() -> None:
    people_, photos = (latent.double() for latent in latents(4, seed=2))
    names = [f.name for f in fields(Nuisance)]
    aim = torch.zeros(NUISANCE_SIZE, dtype=torch.float64)
    aim[[names.index(name) for name in ("exposure", "light_x", "warmth", "smile", "brow_raise", "shift_x")]] = 1.0
    target = render_parameters(*(latent.double() for latent in latents(4, seed=3)), 48)

    def loss(step: Tensor) -> Tensor:
        return (render_parameters(people_, photos + step * aim, 48) - target).square().mean()

    (slope,) = torch.autograd.grad(loss(at := torch.zeros((), dtype=torch.float64, requires_grad=True)), at)
    measured = (loss(torch.tensor(1e-5)) - loss(torch.tensor(-1e-5))) / 2e-5
    assert slope.item() == pytest.approx(measured.item(), rel=0.02)


@pytest.mark.parametrize("kind", [Identity, Nuisance])
def test_every_parameter_shows(kind: type) -> None:
    people_, photos = latents(40, seed=4)
    before = render_parameters(people_, photos, 32)
    for column, parameter in enumerate(fields(kind)):
        changed = [people_.clone(), photos.clone()]
        latent = changed[kind is Nuisance]
        latent[:, column] = torch.where(latent[:, column] > 0, -1.5, 1.5)
        differs = (render_parameters(*changed, 32) - before).abs().amax() > 0.02
        assert differs or parameter.name == "noise", parameter.name


def test_parameters_stay_in_range() -> None:
    wild = 1e4 * latents(5)[0]
    who = decode(Identity, wild)
    for parameter in fields(Identity):
        value = getattr(who, parameter.name)
        assert value.shape == (5, 1, 1, 1)
        assert parameter.metadata["low"] - 1e-6 <= value.min() <= value.max() <= parameter.metadata["high"] + 1e-6


def test_windows_about_eyes_and_mouth_cut_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    people_, photos = latents(160, seed=6)
    people_[80:], photos[80:] = 3 * people_[80:].sign(), 3 * photos[80:].sign()
    through_windows = render_parameters(people_, photos, 32)
    for part in (eyes, mouth):
        monkeypatch.setattr(part, "HALF_WIDTH", 2.0)
        monkeypatch.setattr(part, "HALF_HEIGHT", 2.0)
    torch.testing.assert_close(render_parameters(people_, photos, 32), through_windows)


# People can be told apart, but not by counting colours


def undo_pose(pictures: Tensor, how: Nuisance, size: int = 16) -> Tensor:
    """Pictures resampled as if nobody had moved; the slow way round of what the renderer does."""
    axis = 0.7 * ((2 * torch.arange(size) + 1) / size - 1)
    y, x = torch.meshgrid(axis - 0.55, axis, indexing="ij")
    angle = 2 * torch.atan(how.roll[:, 0])
    across = x * torch.cos(angle) - y * torch.sin(angle)
    down = x * torch.sin(angle) + y * torch.cos(angle) + 0.55
    scale = how.scale[:, 0]
    grid = torch.stack([across * scale + how.shift_x[:, 0], down * scale + how.shift_y[:, 0]], -1)
    return torch.nn.functional.grid_sample(pictures, grid, align_corners=False)


def same_person_auc(descriptor: Tensor, identity: NDArray[np.int64]) -> float:
    unit = torch.nn.functional.normalize(descriptor - descriptor.mean(0))
    first, second = np.triu_indices(len(unit), 1)
    similarity = (unit @ unit.T).numpy()[first, second]
    same = identity[first] == identity[second]
    rank = similarity.argsort().argsort() + 1
    return float((rank[same].sum() - same.sum() * (same.sum() + 1) / 2) / (same.sum() * (~same).sum()))


def test_a_person_resembles_themselves_more_than_others() -> None:
    faces, (identity, image) = SyntheticFaces(5, 48), everybody(50, 5)
    how = decode(Nuisance, faces.latents(identity, image)[1])
    pictures = undo_pose(faces.render(identity, image) / 255, how)
    pictures = pictures - pictures.mean((2, 3), keepdim=True)
    pictures = pictures / (pictures.std((2, 3), keepdim=True) + 1e-3)
    assert 0.64 < same_person_auc(pictures.flatten(1), identity) < 0.85


def test_the_average_colour_of_a_photo_says_little_about_the_person() -> None:
    identity, image = everybody(50, 5)
    pictures = SyntheticFaces(5, 32).render(identity, image) / 255
    assert 0.47 < same_person_auc(pictures.mean((2, 3)), identity) < 0.60


# Files and sheets


def test_a_folder_holds_each_person_and_is_read_as_a_roster(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    out = tmp_path / "crowd"
    write_folder(out, people=2, images=3, size=20, seed=9, first_identity=41, report=lambda *c: calls.append(c))
    assert read_folder(out, "public").image == tuple(f"p{p:05d}/{i:03d}.png" for p in (41, 42) for i in range(3))
    with Image.open(out / "p00042" / "001.png") as picture:
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    assert torch.equal(pixels, SyntheticFaces(9, 20).render(np.array([42]), np.array([1]))[0])
    assert calls == [(3, 6), (6, 6)]
    assert not list(out.rglob("*.tmp"))


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_folder(tmp_path, people=1, images=1, size=16, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["p00000"]


@pytest.mark.parametrize("name", ["notes.txt", ".hidden"])
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=r"something that is there already; expected a new or an empty folder"):
        write_folder(tmp_path, people=1, images=1, size=16, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="new or an empty folder"):
        write_folder(tmp_path / "file", people=1, images=1, size=16, seed=0)


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="a writable place"):
        write_folder(tmp_path / "file" / "crowd", people=1, images=1, size=16, seed=0)


@pytest.mark.parametrize(("n_people", "n_images"), [(0, 3), (3, 0), (-1, 1)])
def test_nothing_asked_for_is_refused(tmp_path: Path, n_people: int, n_images: int) -> None:
    with pytest.raises(UsageError, match=rf"{n_people} people, {n_images} images; expected at least one of each"):
        write_folder(tmp_path / "crowd", people=n_people, images=n_images, size=16, seed=0)
    assert not (tmp_path / "crowd").exists()


def test_too_small_a_photo_is_refused() -> None:
    with pytest.raises(UsageError, match=r"SyntheticFaces: got size 15; expected 16 pixels or more"):
        SyntheticFaces(0, 15)


@pytest.mark.parametrize("image", [np.arange(3), np.zeros((2, 1), dtype=np.int64)])
def test_numbers_that_do_not_pair_are_refused(image: NDArray[np.int64]) -> None:
    with pytest.raises(UsageError, match=r"got shapes \(2,\) and .*; expected an identity and an image number"):
        SyntheticFaces(0, 16).render(np.arange(2), image)


def test_a_sheet_has_a_row_for_each_person() -> None:
    faces = SyntheticFaces(4, 18)
    picture = np.array(sheet(faces, people=2, images=3, first_identity=7))
    assert picture.shape == (36, 54, 3)
    corner = torch.from_numpy(picture[18:, 36:]).permute(2, 0, 1)
    assert torch.equal(corner, faces.render(np.array([8]), np.array([2]))[0])


def test_the_gradient_is_finite_in_the_very_middle_of_a_face() -> None:
    """A face that is looked at straight on has pixels at exactly x = 0; a square root there has no slope."""
    who = torch.zeros(1, IDENTITY_SIZE, requires_grad=True)
    shot = torch.zeros(1, NUISANCE_SIZE, requires_grad=True)
    render_parameters(who, shot, 33).square().mean().backward()
    for latent in (who, shot):
        assert latent.grad is not None
        assert torch.isfinite(latent.grad).all()
