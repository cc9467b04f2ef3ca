"""Lessons: the renderer shows a generator what its latents should look like."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, leaky_relu

from bareface.errors import TargetError, UsageError
from bareface.faces.source import ArrayImages
from bareface.inversion.checkpoints.store import read_card
from bareface.inversion.gan.checkpoints import newest_checkpoint
from bareface.inversion.gan.lesson import Z_DIM, apart, octaves, pass_through, pupil, shown
from bareface.inversion.gan.players import Losses, Players
from bareface.inversion.gan.recipe import GanRecipe
from bareface.inversion.gan.train import Finished, GanStep, train_generator
from bareface.inversion.latents import Coordinates
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.stylegan2.layers import normalise
from bareface.inversion.stylegan2.network import StyleGAN2, initialise
from bareface.synthetic import IDENTITY_SIZE, calm, render_parameters

RECIPE = GanRecipe(
    pupil((8, 8, 8)), steps=4, batch_size=4, save_every=2, learning_rate=0.03, momentum=0.9, adversarial=0.0,
    taught=1.0, noise=False, precision="fp32", r1_every=3, augment_images=20,
)  # fmt: skip


class NoImages(ArrayImages):
    """Images that can be counted and measured, but one at a time only: a training batch would fail."""

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """One row, or all of the few."""
        assert len(rows) != RECIPE.batch_size
        return super().load(rows)


IMAGES = NoImages(torch.zeros(3, 3, 16, 16, dtype=torch.uint8))


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def latents(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, Z_DIM, generator=torch.Generator().manual_seed(seed))


def test_a_lesson_is_the_calm_render_of_the_latents_whatever_their_length() -> None:
    z = normalise(latents(5))
    photos = shown(z, 16)
    torch.testing.assert_close(
        photos / 2 + 0.5, render_parameters(z[:, :IDENTITY_SIZE], calm(z[:, IDENTITY_SIZE:]), 16)
    )
    torch.testing.assert_close(shown(7 * z, 16), photos, atol=1e-3, rtol=0)
    assert -1 <= photos.min() < photos.max() <= 1


def test_a_new_pupil_hands_its_latents_on_in_order() -> None:
    network = initialise(StyleGAN2(RECIPE.config), 0)
    pass_through(network)
    z = latents(6)
    w, n = network.mapping(z), normalise(z)
    torch.testing.assert_close(w, torch.cat([leaky_relu(n, 0.2), leaky_relu(-n, 0.2)], 1))


def test_a_pupils_whitened_w_leads_back_to_the_same_images() -> None:
    """Its w holds every number of z twice, so half of the whitened axes never vary; they must do no harm."""
    network = initialise(StyleGAN2(RECIPE.config), 0)
    pass_through(network)
    generator = StyleGAN2Generator("pupil", network, person=IDENTITY_SIZE)
    start = generator.sample(6, torch.Generator().manual_seed(0))
    white = generator.to(start, "p")
    coordinates = Coordinates.around(generator, white)
    assert torch.isfinite(coordinates.origin).all()
    again = generator.render(coordinates.latents(coordinates.origin))
    torch.testing.assert_close(again, generator.render(start), atol=2e-3, rtol=0)
    pulled = generator.render(coordinates.latents(0.5 * coordinates.origin))
    assert (pulled - again).abs().mean() > 0.001


def test_octaves_add_up_to_the_image() -> None:
    images = shown(latents(3), 32)
    whole = torch.zeros_like(images[..., :8, :8])
    for part in reversed(octaves(images)):
        larger = interpolate(whole, part.shape[-2:], mode="bilinear", align_corners=False)
        whole = part + (larger if part.shape[-1] > 8 else 0)
    torch.testing.assert_close(whole, images)


def test_images_lie_apart_in_units_of_how_far_photos_lie_apart_in_every_octave_alike() -> None:
    photos = shown(latents(8), 32)
    assert apart(photos, photos) == 0
    # Whoever always shows the mean photo is off by exactly what photos are.
    assert apart(photos.mean(0).expand_as(photos), photos) == pytest.approx(1, rel=0.05)
    # One-pixel stripes are seen in the finest of three octaves only, a shift of grey in the coarsest.
    fine = 0.01 * (torch.arange(32) % 2 * 2.0 - 1)
    assert apart(photos + fine, photos) > 3 * apart(photos + 0.01, photos)


def test_lessons_alone_bring_a_generator_nearer_to_the_renderer(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=60, save_every=60, batch_size=8, average_images=20)
    steps: list[GanStep] = []
    made = train_generator(IMAGES, recipe, tmp_path, report=steps.append, finished=Finished(precision="fp16"))
    assert np.mean([step.losses.lesson for step in steps[-10:]]) < 0.8 * steps[0].losses.lesson
    z = latents(64, 5)
    with torch.no_grad():
        own, others = made.network(z), made.network(latents(64, 6))
    assert apart(own, shown(z, 16)) < apart(others, shown(z, 16))
    card = read_card(tmp_path / "generator.json")
    assert "taught by the renderer in its own latents (weight 1), no discriminator" in card.notes
    assert "computed in fp32" in card.notes
    assert card.precision == "fp16"


def test_without_a_rival_no_discriminator_moves_and_with_one_it_does() -> None:
    for adversarial in (0.0, 0.5):
        players = Players(replace(RECIPE, adversarial=adversarial), torch.device("cpu"))
        before = {name: value.clone() for name, value in players.discriminator.state_dict().items()}
        losses = players.step(None, 0)
        moved = any(not torch.equal(before[k], v) for k, v in players.discriminator.state_dict().items())
        assert moved == (adversarial > 0)
        assert np.isfinite(losses.r1) == (adversarial > 0)
        assert losses.lesson > 0


def test_both_losses_reach_the_generator() -> None:
    """One plain step each: the sum's gradient is the sum of the gradients."""
    gradients = []
    for adversarial, taught in ((0.5, 0.0), (0.0, 2.0), (0.5, 2.0)):
        players = Players(replace(RECIPE, adversarial=0.5, taught=2.0), torch.device("cpu"))
        players.recipe = replace(RECIPE, adversarial=adversarial, taught=taught)
        players.optimisers["generator"].step = lambda: None  # type: ignore[assignment, method-assign]
        players.optimisers["generator"].zero_grad = lambda: None  # type: ignore[assignment, method-assign]
        z = latents(4)
        fake = players._fake(z, torch.Generator())
        players._move_generator(fake, shown(z, 16) if taught else None, torch.Generator())
        gradients.append(players.generator.get_parameter("synthesis.b16.conv1.weight").grad)
    torch.testing.assert_close(gradients[2], gradients[0] + gradients[1], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("adversarial", [0.0, 0.3])
def test_a_killed_pupil_ends_as_an_undisturbed_one(adversarial: float, tmp_path: Path) -> None:
    recipe = replace(RECIPE, adversarial=adversarial)
    train_generator(IMAGES, recipe, tmp_path / "whole")

    def kill(step: GanStep) -> None:
        if step.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_generator(IMAGES, recipe, tmp_path / "killed", report=kill)
    train_generator(IMAGES, recipe, tmp_path / "killed")
    whole, killed = newest_checkpoint(tmp_path / "whole"), newest_checkpoint(tmp_path / "killed")
    assert whole is not None
    assert killed is not None
    assert all(torch.equal(whole.tensors[name], killed.tensors[name]) for name in whole.tensors)


def test_a_rival_enters_where_lessons_ended(tmp_path: Path) -> None:
    """The same size, other terms: the weights go on, the optimisers begin afresh."""
    train_generator(IMAGES, RECIPE, tmp_path / "lessons")
    recipe = replace(RECIPE, adversarial=0.1, steps=1, learning_rate=1e-8, average_images=1)
    train_generator(IMAGES, recipe, tmp_path / "game", grow_from=tmp_path / "lessons")
    before, after = newest_checkpoint(tmp_path / "lessons"), newest_checkpoint(tmp_path / "game")
    assert before is not None
    assert after is not None
    for name in before.tensors:
        if name.startswith("generator."):
            torch.testing.assert_close(after.tensors[name], before.tensors[name], atol=1e-5, rtol=0)
    assert int(after.tensors["seen"]) == int(before.tensors["seen"]) + RECIPE.batch_size


def test_what_no_generator_can_learn_from() -> None:
    with pytest.raises(UsageError, match="got adversarial=0, taught=0; expected one of them to learn from"):
        replace(RECIPE, taught=0.0)
    other = replace(RECIPE.config, z_dim=10)
    with pytest.raises(UsageError, match=rf"GanRecipe\.taught: got z_dim=10; expected {Z_DIM}, the renderer's latents"):
        replace(RECIPE, config=other)


def test_lessons_that_are_not_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Players, "step", lambda *_: Losses(float("nan"), 0.0, float("nan"), 0.0, float("nan")))
    with pytest.raises(TargetError, match="got losses of nan and 0"):
        train_generator(IMAGES, RECIPE, tmp_path)
