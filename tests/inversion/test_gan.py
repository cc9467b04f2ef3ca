"""Training a generator: it learns, it resumes to the bit, it grows, and it says what does not fit."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from bareface.errors import RunError, TargetError, UsageError
from bareface.faces.source import ArrayImages
from bareface.inversion.checkpoints.store import read_card
from bareface.inversion.gan.augment import augment, next_p
from bareface.inversion.gan.checkpoints import newest_checkpoint
from bareface.inversion.gan.curve import read_curve
from bareface.inversion.gan.players import Losses, Players
from bareface.inversion.gan.recipe import GanRecipe
from bareface.inversion.gan.sheet import sheet
from bareface.inversion.gan.train import Finished, GanStep, Quality, real_batch, train_generator
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.fir import upsample2d
from bareface.storage.folders import held

SMALL = Config((8, 8), z_dim=4, w_dim=4, mapping_layers=1)
LARGE = replace(SMALL, channels=(8, 8, 4))
RECIPE = GanRecipe(SMALL, steps=6, batch_size=4, r1_every=3, save_every=2, augment_images=20)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def faces(side: int = 8, n: int = 20) -> ArrayImages:
    """Blue above, red below."""
    pixels = torch.zeros(n, 3, side, side, dtype=torch.uint8)
    pixels[:, 2, : side // 2], pixels[:, 0, side // 2 :] = 200, 230
    shade = torch.linspace(0.8, 1, n).view(-1, 1, 1, 1)
    return ArrayImages((pixels * shade).to(torch.uint8))


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "generator.safetensors")


def test_it_learns_what_the_images_have_in_common(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=40, batch_size=8, save_every=40, learning_rate=0.03, average_images=100)
    made = train_generator(faces(), recipe, tmp_path, finished=Finished("none", "CC0"))
    images = made.render(made.sample(16, torch.Generator().manual_seed(0)))
    assert (images[:, 2, :4] - images[:, 0, :4]).mean() > 0.3
    assert (images[:, 0, 4:] - images[:, 2, 4:]).mean() > 0.3
    card = read_card(tmp_path / "generator.json")
    assert (card.source, card.alignment, card.licence, card.notes) == (
        "bareface",
        "none",
        "CC0",
        ("trained for 320 images", f"computed in {RECIPE.precision}"),
    )
    w = made.network.mapping(torch.randn(5000, 4, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(made.network.mapping.w_avg, w.mean(0), atol=0.1, rtol=0)


def test_a_killed_run_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    train_generator(faces(), RECIPE, tmp_path / "whole")

    def kill(step: GanStep) -> None:
        if step.number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_generator(faces(), RECIPE, tmp_path / "killed", report=kill)
    (tmp_path / "killed" / "gan-00000009.safetensors").write_bytes(b"cut off")
    numbers: list[int] = []
    train_generator(faces(), RECIPE, tmp_path / "killed", report=lambda step: numbers.append(step.number))
    assert numbers == [5, 6]
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_what_a_run_leaves(tmp_path: Path) -> None:
    steps: list[GanStep] = []
    train_generator(faces(), RECIPE, tmp_path, report=steps.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "gan-00000004.safetensors",
        "gan-00000004.safetensors.sha256",
        "gan-00000006.safetensors",
        "gan-00000006.safetensors.sha256",
        "generator.json",
        "generator.json.sha256",
        "generator.safetensors",
        "sheet-00000002.png",
        "sheet-00000004.png",
        "sheet-00000006.png",
    ]
    with Image.open(tmp_path / "sheet-00000006.png") as page:
        assert page.size == (64, 64)
    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [np.isfinite(step.losses.r1) for step in steps] == [True, False, False] * 2
    assert all(step.images_per_second > 0 for step in steps)


def test_a_longer_recipe_goes_on(tmp_path: Path) -> None:
    train_generator(faces(), RECIPE, tmp_path / "one")
    train_generator(faces(), replace(RECIPE, steps=8, save_every=4), tmp_path / "one")
    train_generator(faces(), replace(RECIPE, steps=8), tmp_path / "other")
    one, other = weights(tmp_path / "one"), weights(tmp_path / "other")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    train_generator(faces(), RECIPE, tmp_path)
    with pytest.raises(RunError, match=r"got a run with seed = 0; expected seed = 1\. Try: another folder"):
        train_generator(faces(), replace(RECIPE, seed=1), tmp_path)
    with pytest.raises(RunError, match="got a run with images ="):
        train_generator(faces(n=21), RECIPE, tmp_path)
    with pytest.raises(RunError, match="got a run of 6 steps; expected at most 4, as the recipe says"):
        train_generator(faces(), replace(RECIPE, steps=4), tmp_path)


def test_growing_begins_with_the_small_images(tmp_path: Path) -> None:
    train_generator(faces(), RECIPE, tmp_path / "small")
    recipe = replace(RECIPE, config=LARGE, steps=1, learning_rate=1e-8)
    made = train_generator(faces(16), recipe, tmp_path / "large", grow_from=tmp_path / "small")
    small, large = weights(tmp_path / "small"), weights(tmp_path / "large")
    for name in small.keys() - {"mapping.w_avg"}:
        # The one step moves the average on towards the small run's last generator.
        torch.testing.assert_close(large[name], small[name], atol=5e-3, rtol=1e-2)
    ws = made.to(made.sample(4, torch.Generator().manual_seed(0)), "w_plus").values
    before = upsample2d(made.network.synthesis.run(ws, upto=8).rgb)
    torch.testing.assert_close(made.network.synthesis(ws), before, atol=1e-5, rtol=1e-5)
    saved = newest_checkpoint(tmp_path / "small")
    assert saved is not None
    grown = newest_checkpoint(tmp_path / "large")
    assert grown is not None
    kept = [k for k in saved.tensors if k.startswith("discriminator.") and "fromrgb" not in k]
    assert kept
    for name in kept:
        torch.testing.assert_close(grown.tensors[name], saved.tensors[name], atol=1e-5, rtol=1e-5)


def test_growing_from_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="got no checkpoint; expected the folder of an earlier run"):
        train_generator(faces(), RECIPE, tmp_path / "a", grow_from=tmp_path)
    train_generator(faces(), replace(RECIPE, steps=1), tmp_path / "small")
    for other in (replace(LARGE, channels=(4, 8, 4)), replace(LARGE, w_dim=5)):
        recipe = replace(RECIPE, config=other)
        with pytest.raises(UsageError, match=r"grow: got Config\(channels=\(8, 8\).*expected a configuration that"):
            train_generator(faces(16), recipe, tmp_path / "b", grow_from=tmp_path / "small")


def test_images_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="images: got 16x16; expected 8x8 pixels, as the recipe says"):
        train_generator(faces(16), RECIPE, tmp_path)
    with pytest.raises(UsageError, match="images: got no images"):
        train_generator(faces(n=0), RECIPE, tmp_path)


def test_losses_that_are_not_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Players, "step", lambda *_: Losses(1.0, float("nan"), 0.0, 0.0))
    with pytest.raises(TargetError, match=r"got losses of 1\.0 and nan in step 1; expected finite losses"):
        train_generator(faces(), RECIPE, tmp_path)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_in_both_precisions(channels: int, precision: Any, tmp_path: Path) -> None:
    recipe = replace(RECIPE, config=replace(SMALL, rgb_channels=channels), precision=precision, steps=2)
    assert real_batch(faces(), recipe, 0).shape == (4, channels, 8, 8)
    made = train_generator(faces(), recipe, tmp_path)
    assert made.render(made.sample(1, torch.Generator())).shape == (1, 3, 8, 8)


def test_real_batches_are_drawn_by_number_and_mirrored() -> None:
    pixels = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    pixels[..., 0] = 255
    recipe = replace(RECIPE, batch_size=64)
    batch = real_batch(ArrayImages(pixels), recipe, 5)
    assert torch.equal(batch, real_batch(ArrayImages(pixels), recipe, 5))
    assert not torch.equal(batch, real_batch(ArrayImages(pixels), recipe, 6))
    assert (batch.min(), batch.max()) == (-1, 1)
    mirrored = batch[..., -1].mean((1, 2)) > 0
    assert 0.3 < mirrored.float().mean() < 0.7
    assert not (real_batch(ArrayImages(pixels), replace(recipe, flip=False), 5)[..., -1] > 0).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, r"GanRecipe\.steps: got 0; expected 1 to"),
        ({"batch_size": 1}, r"GanRecipe\.batch_size: got 1"),
        ({"learning_rate": float("nan")}, r"GanRecipe\.learning_rate: got nan"),
        ({"augment_target": 1.5}, r"GanRecipe\.augment_target: got 1\.5; expected 0 to 1"),
        ({"precision": "fp16"}, r"GanRecipe\.precision: got 'fp16'; expected 'bf16' or 'fp32'"),
    ],
)
def test_recipes_out_of_bounds(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(RECIPE, **wrong)


def test_augmentation_is_drawn_and_differentiable() -> None:
    images = torch.rand(200, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    stream = torch.Generator().manual_seed(1)
    assert augment(images, 0.0, stream) is images
    changed = augment(images.requires_grad_(True), 0.3, stream)
    untouched = ((changed - images).abs().amax((1, 2, 3)) < 1e-5).float().mean()
    # Seven changes, each left out with probability 0.7.
    assert 0.7**7 - 0.07 < untouched < 0.7**7 + 0.07
    changed.sum().backward()
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()


def test_augmentation_follows_what_the_discriminator_knows() -> None:
    assert next_p(0.2, 0.9, 0.6, 32, 3200) == pytest.approx(0.21)
    assert next_p(0.2, 0.1, 0.6, 32, 3200) == pytest.approx(0.19)
    assert next_p(0.0, 0.1, 0.6, 32, 3200) == 0
    assert next_p(0.8, 0.9, 0.6, 32, 3200) == 0.8


def test_the_gradient_penalty_is_that_of_its_definition() -> None:
    """Finite differences of the summed logits: each depends on the other images of its group, too."""
    players = Players(replace(RECIPE, precision="fp32", augment_target=0.0), torch.device("cpu"))
    players.discriminator.double()
    real = real_batch(faces(), RECIPE, 0).double()
    slopes = torch.zeros_like(real[0])
    with torch.no_grad():
        for place in np.ndindex(3, 8, 8):
            moved = real[:2].clone()
            moved[(0, *place)] += 1e-6
            slopes[place] = (players.discriminator(moved).sum() - players.discriminator(real[:2]).sum()) / 1e-6
    (slope,) = torch.autograd.grad(players.discriminator(summed := real[:2].requires_grad_(True)).sum(), summed)
    torch.testing.assert_close(slope[0], slopes, atol=1e-5, rtol=1e-4)
    players.discriminator.float()
    penalty = players.step(real[:2].detach().float(), 0).r1
    assert penalty == pytest.approx(slope.square().sum((1, 2, 3)).mean().item(), rel=1e-4)


def test_a_sheet_is_read_row_by_row() -> None:
    images = torch.zeros(3, 3, 2, 2)
    images[1] = 1
    page = np.asarray(sheet(images, columns=2))
    assert page.shape == (4, 4, 3)
    assert page[:2, 2:].min() == 255
    assert page.sum() == 255 * 12


def test_without_noise_maps_an_image_is_its_latents_alone(tmp_path: Path) -> None:
    recipe = replace(RECIPE, noise=False)
    network = train_generator(faces(), recipe, tmp_path).network
    z = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    ws = network.mapping.broadcast(network.mapping(z))
    with torch.no_grad():
        torch.testing.assert_close(network.synthesis(ws, noise="const"), network.synthesis(ws, noise="none"))


def test_the_distance_at_each_checkpoint_reaches_the_card_and_survives_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def kill(step: GanStep) -> None:
        if step.number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_generator(faces(), RECIPE, folder, quality=Quality(lambda network: 3.0), report=kill)
    # As if the run had been killed between its curve and its checkpoint: what comes after the checkpoint is redone,
    # and the curve goes on from the checkpoint, not from the file.
    (folder / "gan-00000004.safetensors").unlink()
    (folder / "curve.csv").write_text("steps,distance\n2,7\n")
    train_generator(faces(), RECIPE, folder, quality=Quality(lambda network: 1.5))
    assert read_curve(folder, 6) == ((2, 3.0), (4, 1.5), (6, 1.5))
    assert read_card(folder / "generator.json").curve == ((2, 3.0), (4, 1.5), (6, 1.5))
    (folder / "curve.csv").write_text("steps,distance\n2,far\n")
    with pytest.raises(RunError, match=r"curve.csv: got no curve; expected columns steps, distance"):
        read_curve(folder, 6)


@pytest.mark.parametrize("damaged", [(6,), (4, 6)], ids=["newest", "both"])
def test_a_damaged_checkpoint_is_not_gone_on_from(
    tmp_path: Path, damaged: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    train_generator(faces(), RECIPE, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "damaged")
    for steps in damaged:
        path = tmp_path / "damaged" / f"gan-{steps:08}.safetensors"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 64
        path.write_bytes(content)
    numbers: list[int] = []
    train_generator(faces(), RECIPE, tmp_path / "damaged", report=lambda step: numbers.append(step.number))
    assert numbers == list(range(min(damaged) - 1 if len(damaged) == 1 else 1, 7))
    assert caplog.text.count("does not fit its digest; it is made again") == len(damaged)
    for path in (tmp_path / "whole").glob("ge*"):
        assert (tmp_path / "damaged" / path.name).read_bytes() == path.read_bytes()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(RunError, match="got a folder that another process is using"):
        train_generator(faces(), RECIPE, tmp_path)
