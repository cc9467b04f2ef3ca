"""Linear faces: the model they are fitted to, siblings, files, and mistakes that are named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from bareface.auditing.inversion.generators import open_generator
from bareface.cli.app import app
from bareface.errors import CheckpointError, UsageError
from bareface.faces.source import ArrayImages
from bareface.inversion.eigenfaces.fit import fit_eigenfaces, within
from bareface.inversion.eigenfaces.generator import Eigenfaces
from bareface.inversion.eigenfaces.store import load_eigenfaces, save_eigenfaces
from bareface.inversion.generator import Latents
from bareface.inversion.variation import normal_noise
from bareface.synthetic import write_folder

SIDE, PEOPLE, PHOTOS = 8, 150, 4


def drawn(people: int = PEOPLE, photos: int = PHOTOS) -> tuple[ArrayImages, np.ndarray]:
    """Photos in which the upper half is the person's and the lower half the photo's; each is its own mirror image."""
    rng = np.random.default_rng(0)
    upper = np.repeat(rng.normal(size=(people, 2)), photos, axis=0)
    lower = rng.normal(size=(people * photos, 2))
    pixels = np.full((len(upper), 3, SIDE, SIDE), 128.0)
    pixels[:, :, 0] += 20 * upper[:, None, :1]
    pixels[:, :, 2] += 12 * upper[:, None, 1:]
    pixels[:, :, 5] += 16 * lower[:, None, :1]
    pixels[:, :, 7] += 9 * lower[:, None, 1:]
    name = np.repeat([f"p{i}" for i in range(people)], photos)
    return ArrayImages(torch.from_numpy(pixels.round().clip(0, 255)).to(torch.uint8)), name


@pytest.fixture(scope="module")
def fitted() -> Eigenfaces:
    return fit_eigenfaces(*drawn(), components=4, seed=3)


def test_people_and_photos_are_told_apart(fitted: Eigenfaces) -> None:
    lower = fitted.directions[:, :, 4:].square().sum((1, 2, 3)) / fitted.directions.square().sum((1, 2, 3))
    for share, below in zip(fitted.within.tolist(), lower.tolist(), strict=True):
        assert (share < 0.05 and below < 0.05) or (share > 0.95 and below > 0.95), (share, below)


def test_samples_have_the_mean_and_the_covariance_of_the_photos(fitted: Eigenfaces) -> None:
    made = fitted.render(fitted.sample(4000, torch.Generator().manual_seed(0))).flatten(1)
    photos = drawn()[0].pixels.float().flatten(1) / 255
    np.testing.assert_allclose(made.mean(0), photos.mean(0), atol=0.01)
    np.testing.assert_allclose(made.T.cov(), photos.T.cov(), atol=0.0012)


def test_siblings_keep_the_person(fitted: Eigenfaces) -> None:
    latents = fitted.sample(5, torch.Generator().manual_seed(1))
    variation = fitted.variation(3)
    family = variation.siblings(latents, normal_noise(0, range(5), 0, variation))
    faces = fitted.render(family).reshape(5, 4, 3, SIDE, SIDE)
    assert (faces[:, 1:, :, 5:] - faces[:, :1, :, 5:]).abs().mean() > 0.02
    torch.testing.assert_close(faces[:, 0], fitted.render(latents))
    # A clipped share leaves a trace of the photo in the person's direction: 2 % of the variance.
    person = faces[:, :, :, :3]
    assert person.var(1).mean() < 0.2 * person[:, 0].var(0).mean()


def test_within_is_the_textbooks_pooled_covariance() -> None:
    rng = np.random.default_rng(1)
    name, standard = np.array(["a", "b", "a", "c", "b", "a"]), rng.normal(size=(2, 6, 3))
    apart = [view[name == who] - view[name == who].mean(0) for view in standard for who in "abc"]
    expected = sum(part.T @ part for part in apart) / (2 * (2 + 1 + 0))
    np.testing.assert_allclose(within(standard, name), expected)


def test_mirror_images_are_as_likely(fitted: Eigenfaces) -> None:
    torch.testing.assert_close(fitted.mean, fitted.mean.flip(-1))


def test_a_space_and_a_size_that_are_not_there(fitted: Eigenfaces) -> None:
    z = fitted.sample(1, torch.Generator())
    assert (fitted.spaces, fitted.resolutions, fitted.size) == (("z",), (SIDE,), SIDE)
    with pytest.raises(UsageError, match="eigenfaces: latent space: got 'w'; expected 'z'"):
        fitted.render(Latents("w", z.values))
    with pytest.raises(UsageError, match=f"got upto=4; expected None or {SIDE}"):
        fitted.render(z, upto=4)


def test_too_little_to_fit_to() -> None:
    images, name = drawn(3, 2)
    with pytest.raises(UsageError, match="eigenfaces: got 6 photos; expected more than 6, one a direction"):
        fit_eigenfaces(images, name, components=6)
    with pytest.raises(UsageError, match=r"got 6 people with one photo each.*Try: folders person/image.jpg"):
        fit_eigenfaces(images, np.arange(6).astype(str), components=2)


def test_a_file_is_read_as_it_was_written_or_refused(fitted: Eigenfaces, tmp_path: Path) -> None:
    path = tmp_path / "faces.safetensors"
    save_eigenfaces(fitted, path, photos=600, people=150)
    read = load_eigenfaces(path)
    assert read.fingerprint == fitted.fingerprint
    opened, source = open_generator(str(path), size=32, kept=tmp_path)
    assert (opened.fingerprint, source) == (fitted.fingerprint, "checkpoint")
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(CheckpointError, match="other weights than the card's"):
        load_eigenfaces(path)
    path.with_suffix(".json").write_text('{"format": "bareface-eigenfaces-1"}')
    with pytest.raises(CheckpointError, match="expected a card that bareface wrote"):
        load_eigenfaces(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"within": torch.full((4,), 1.5)}, r"a share outside \(0, 1\)"),
        ({"within": torch.full((3,), 0.5)}, r"expected \(3, s, s\), \(k, 3, s, s\), \(k,\)"),
        ({"mean": torch.full((3, SIDE, SIDE), torch.nan)}, "mean of shape .* or not finite"),
    ],
)
def test_numbers_that_are_no_faces(
    fitted: Eigenfaces, tmp_path: Path, change: dict[str, torch.Tensor], message: str
) -> None:
    parts = {"mean": fitted.mean, "directions": fitted.directions, "within": fitted.within} | change
    save_eigenfaces(Eigenfaces(**parts), tmp_path / "x.safetensors", photos=1, people=1)
    with pytest.raises(CheckpointError, match=message):
        load_eigenfaces(tmp_path / "x.safetensors")


def test_from_the_command_line(tmp_path: Path) -> None:
    write_folder(tmp_path / "people", people=12, images=3, size=24, seed=0)
    said = CliRunner().invoke(
        app,
        [
            "fit-generator",
            str(tmp_path / "out"),
            "--people",
            str(tmp_path / "people"),
            "--size",
            "16",
            "--components",
            "9",
        ],
    )
    assert said.exit_code == 0, said.output
    assert "16x16 linear faces, 9 directions, of 36 photos" in " ".join(said.output.split())
    made, _ = open_generator(str(tmp_path / "out"), size=32, kept=tmp_path)
    assert made.render(made.sample(2, torch.Generator())).shape == (2, 3, 16, 16)
