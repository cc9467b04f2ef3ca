"""Gradients of single images and people, clipped: what DP-SGD rests on."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.training.defences.dp_sgd import DpSgd, spent
from bareface.training.heads import ArcFace
from bareface.training.learner import Learner
from bareface.training.private import clipped, clipped_sum, image_gradients

RECIPE = Recipe(spec=ImageSpec(16, 16, "GRAY"), embedding_size=8, epochs=2, warmup_epochs=0)


def small(seed: int = 0) -> Learner:
    """A network of two layers with GroupNorm, and a margin head for five people."""
    torch.manual_seed(seed)
    backbone = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=4), nn.GroupNorm(1, 4), nn.PReLU(4), nn.Flatten(), nn.Linear(64, 8)
    )
    head = ArcFace(5, 8, scale=16.0, margin=0.3)
    return Learner(backbone, head, torch.optim.SGD([*backbone.parameters(), *head.parameters()], lr=0.1))


def batch(count: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, 1, 16, 16, generator=generator), torch.tensor([0, 1, 0, 2, 1, 0])[:count]


def own_gradient(learner: Learner, pixels: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The slow way: one backward pass."""
    loss = F.cross_entropy(learner.head(learner.backbone(pixels), labels), labels)
    named = learner.parameters()
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


def length(gradient: dict[str, Tensor]) -> float:
    return float(torch.cat([value.flatten() for value in gradient.values()]).norm())


def test_each_images_gradient_is_that_of_a_pass_of_its_own() -> None:
    learner, (pixels, labels) = small(), batch()
    together, losses, _ = image_gradients(learner, pixels, labels)
    for row in range(len(labels)):
        alone = own_gradient(learner, pixels[row : row + 1], labels[row : row + 1])
        assert {name: value.shape for name, value in alone.items()} == {n: v[row].shape for n, v in together.items()}
        for name, value in alone.items():
            torch.testing.assert_close(together[name][row], value, atol=1e-5, rtol=1e-4)
    logits = learner.head(learner.backbone(pixels), labels)
    torch.testing.assert_close(losses, F.cross_entropy(logits, labels, reduction="none"))


def test_clipping_bounds_every_unit_over_all_parameters_together_and_leaves_short_ones() -> None:
    gradients = {"a": torch.tensor([[3.0, 0.0], [0.1, 0.0]]), "b": torch.tensor([[4.0], [0.0]])}
    short = clipped(gradients, 1.0)
    assert short["a"][0].tolist() == pytest.approx([0.6, 0.0])
    assert short["b"][0].tolist() == pytest.approx([0.8])  # 3-4-5: scaled by a fifth
    assert short["a"][1].tolist() == pytest.approx([0.1, 0.0])


@pytest.mark.parametrize("unit", ["image", "person"])
def test_no_unit_moves_the_sum_by_more_than_the_clipping_length(unit: str) -> None:
    learner, (pixels, labels) = small(), batch()
    whole = clipped_sum(learner, pixels, labels, unit, 0.05).gradients  # type: ignore[arg-type]
    gone = labels == 0 if unit == "person" else torch.arange(len(labels)) == 0
    without = clipped_sum(learner, pixels[~gone], labels[~gone], unit, 0.05).gradients  # type: ignore[arg-type]
    assert length({name: whole[name] - without[name] for name in whole}) == pytest.approx(0.05, rel=1e-3)


def test_a_persons_gradient_is_the_mean_of_the_images() -> None:
    learner, (pixels, labels) = small(), batch()
    alone = labels == 0
    told = clipped_sum(learner, pixels[alone], labels[alone], "person", 1e9).gradients
    wanted = own_gradient(learner, pixels[alone], labels[alone])
    for name, value in wanted.items():
        torch.testing.assert_close(told[name], value, atol=1e-5, rtol=1e-4)


def test_a_step_is_the_clipped_sum_with_noise_of_the_stated_size() -> None:
    learner, (pixels, labels) = small(), batch()
    still = clipped_sum(learner, pixels, labels, "image", 0.5).gradients
    learn = DpSgd(noise=2.0, clip=0.5, batch=4).lesson(RECIPE, 1)
    noises = []
    for _ in range(40):
        learn(learner, pixels, labels)
        noises += [4 * p.grad - still[n] for n, p in learner.parameters().items() if p.grad is not None]
    assert float(torch.cat([noise.flatten() for noise in noises]).std()) == pytest.approx(2.0 * 0.5, rel=0.02)


def test_an_empty_batch_is_noise_alone() -> None:
    learner, (pixels, labels) = small(), batch()
    told = clipped_sum(learner, pixels[:0], labels[:0], "image", 1.0)
    assert (told.loss, told.hits) == (0.0, 0)
    assert length(told.gradients) == 0.0


def test_batches_are_drawn_by_unit_and_whole_people_come_together() -> None:
    labels = np.repeat(np.arange(50), 4)
    defence = DpSgd(unit="person", batch=10)
    drawn = [rows for epoch in range(1, 41) for rows in defence.batches(labels, RECIPE, epoch)]
    assert all(len(rows) == 4 * len(np.unique(labels[rows])) for rows in drawn)
    sizes = [len(rows) / 4 for rows in drawn]
    assert np.mean(sizes) == pytest.approx(10, abs=0.7)
    assert np.var(sizes) == pytest.approx(10 * 0.8, rel=0.35)  # binomial, not always ten


def test_the_accountant_agrees_with_the_gaussian_mechanism_and_knows_its_limits() -> None:
    pytest.importorskip("opacus")
    # Without sampling: RDP of order a is a / (2 σ²); the classical conversion bounds ε from above.
    sigma, delta = 4.0, 1e-5
    orders = np.arange(1.01, 64, 0.01)
    classical = float(np.min(orders / (2 * sigma**2) + np.log(1 / delta) / (orders - 1)))
    assert 0.8 * classical < spent(sigma, 1.0, 1, delta) <= classical
    assert spent(1.5, 0.16, 240, 1e-3) < spent(1.0, 0.16, 240, 1e-3) < spent(1.0, 0.16, 480, 1e-3)


def test_a_missing_accountant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from bareface.errors import UsageError

    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    with pytest.raises(UsageError, match=r"no Opacus.*bareface\[dp\]"):
        spent(1.0, 0.5, 1, 1e-3)
