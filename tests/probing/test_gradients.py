"""Per-image gradient norms against one backward pass for each image."""

import numpy as np
import pytest
import torch
from tiny_nets import TINY
from torch import Tensor, nn

from bareface.probing.gradients import disagreement, gradient_norms, product_norms


def slow_norms(module: nn.Module, pixels: Tensor, images: int, names: list[str]) -> dict[str, list[float]]:
    """One image at a time, the weight's gradient in full."""
    told: dict[str, list[float]] = {name: [] for name in names}
    weights = [module.get_submodule(name).weight for name in names]
    for image in range(images):
        loss = disagreement(module(pixels[[image, image + images]]).flatten(1)).sum()
        for name, gradient in zip(names, torch.autograd.grad(loss, weights), strict=True):
            told[name].append(float(gradient.norm()))
    return told


def assert_as_slow(module: nn.Module, pixels: Tensor, images: int) -> list[str]:
    quick = gradient_norms(module, pixels, images, disagreement)
    slow = slow_norms(module, pixels, images, list(quick))
    for name, norms in quick.items():
        np.testing.assert_allclose(norms.numpy(), slow[name], rtol=2e-3, atol=3e-6, err_msg=name)
    return list(quick)


def calibrate(module: nn.Module, pixels: Tensor) -> None:
    """Statistics of these pictures; without them a fresh network tells no two apart, and gradients are dust."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        module.train()(torch.cat([pixels, pixels.flip(-1), -pixels]))
    module.eval()


@pytest.mark.parametrize("family", ["ir", "mbf", "vit", "lightcnn", "foamliu-mobilefacenet", "inception-resnet-v1"])
def test_equal_to_a_backward_pass_for_each_image(family: str) -> None:
    target = TINY[family].target()
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(2, 3, target.spec.height, target.spec.width, generator=generator) * 2 - 1
    calibrate(target.module, pixels)
    names = assert_as_slow(target.module, torch.cat([pixels, pixels.flip(-1)]), 2)
    weighted = [name for name, one in target.module.named_modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    assert len(names) >= 0.8 * len(weighted)


class Shared(nn.Module):
    """One convolution twice, a map of tokens, work in place, and every kind of padding, stride and group."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding="valid", padding_mode="zeros")
        self.twice = nn.Conv2d(4, 4, (3, 2), padding="same", groups=2, dilation=2)
        self.mirrored = nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect")
        self.tokens = nn.Linear(6, 5)
        self.unused = nn.Linear(2, 2)
        self.last = nn.Linear(5, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.sub_(0.1)).relu_()
        x = self.twice(self.twice(x).tanh_())
        x = self.mirrored(x).relu_()
        x = self.tokens(x.flatten(2).mT).relu_()
        return self.last(x.mean(1))


def test_shared_weights_tokens_and_work_in_place() -> None:
    torch.manual_seed(0)
    names = assert_as_slow(Shared(), torch.rand(6, 3, 12, 14), 3)
    assert names == ["first", "twice", "mirrored", "tokens", "last"]


def test_product_norms_do_not_depend_on_the_way_taken() -> None:
    generator = torch.Generator().manual_seed(0)
    for positions in (1, 3, 40):
        inputs, outputs = (torch.rand(4, positions, width, generator=generator) for width in (9, 7))
        expected = torch.einsum("npi,npo->noi", inputs, outputs).flatten(1).norm(dim=1)
        torch.testing.assert_close(product_norms(inputs, outputs), expected)


def test_works_within_inference_mode_and_leaves_nothing_behind() -> None:
    target = TINY["ir"].target()
    pixels = torch.rand(2, 3, 48, 48)
    with torch.inference_mode():
        inside = gradient_norms(target.module, pixels, 1, disagreement)
    outside = gradient_norms(target.module, pixels, 1, disagreement)
    assert all(torch.allclose(inside[name], outside[name]) for name in outside)
    assert all(parameter.grad is None for parameter in target.module.parameters())
    assert not any(module._forward_hooks for module in target.module.modules())


def test_frozen_weights_have_gradients_too() -> None:
    target = TINY["ir"].target()
    pixels = torch.rand(2, 3, 48, 48)
    expected = gradient_norms(target.module, pixels, 1, disagreement)
    target.module.requires_grad_(False)
    found = gradient_norms(target.module, pixels, 1, disagreement)
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], expected[name]) for name in expected)
