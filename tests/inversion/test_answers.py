"""A target's answers with gradients, held together with what a probe reads."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from inverted import noise_images, small_target, still
from torch import nn

from bareface.errors import TargetError
from bareface.inversion.answers import DIFFERENTIABLE, ask, normalised
from bareface.probing.backbone import BackboneProber
from bareface.probing.deviation import SPATIAL
from bareface.probing.prober import Batch
from bareface.probing.taps import Reduction, tapped
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.trace import BN_CHANNELS, HEAD_CHANNELS, Channel, Layer


class Shown:
    """Images that are in memory."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def load(self, rows: np.ndarray) -> torch.Tensor:
        return self.images[torch.from_numpy(rows)]


def batch_of(images: torch.Tensor) -> Batch:
    rows = np.arange(len(images))
    return Batch(rows.astype(str), Shown(images), rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_numbers_as_a_probe(seed: int, channels: int) -> None:
    target = small_target(seed, torch.float32, channels)
    images = torch.randint(0, 256, (4, 3, 8, 8), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    answers = still(images / 255).by(target)
    with torch.inference_mode(), tapped(target.module) as taps:
        pixels = target.spec.normalise(images)
        embedding = target.embed_normalised(torch.cat([pixels, pixels.flip(-1)]))
        layers = tuple(Layer(name, 0) for name in taps.seen)
        probed = {
            channel: torch.stack(values.chunk(2), 1)
            for channel, values in Reduction.of(taps.layers, layers).channels(taps.seen).items()
        }
    torch.testing.assert_close(answers.embedding[:, 0], torch.stack(embedding.chunk(2), 1), atol=1e-5, rtol=1e-5)
    assert [layer.channels for layer in answers.layers] == [4, 6, 5]
    for channel in BN_CHANNELS:
        found = answers.channel(channel)[:, 0]
        torch.testing.assert_close(found, probed[channel], atol=1e-5, rtol=1e-4, equal_nan=True)
    for channel in SPATIAL:
        assert answers.channel(channel)[..., 2].isnan().all()
        assert not answers.channel(channel)[..., :2].isnan().any()


@pytest.mark.parametrize("order", ["RGB", "BGR", "GRAY"])
def test_pixels_are_normalised_as_the_spec_says(order: str) -> None:
    spec = ImageSpec(4, 4, order, mean=(127.5,) if order == "GRAY" else (120.0, 110.0, 100.0), std=(64.0,))  # type: ignore[arg-type]
    target = Target("t", "t", nn.Conv2d(spec.channels, 2, 1).double(), spec)
    images = noise_images(3, 4)
    torch.testing.assert_close(normalised(images, target).float(), spec.normalise(images * 255), atol=1e-5, rtol=1e-5)
    assert normalised(images.float(), target).dtype == torch.float64


@pytest.mark.parametrize("seed", range(3))
def test_a_probe_gives_the_same_projections_and_says_the_same_of_the_head(seed: int) -> None:
    centres = torch.randn(7, 5, generator=torch.Generator().manual_seed(seed))
    target = replace(small_target(seed, torch.float32), centres=centres)
    images = torch.randint(0, 256, (4, 3, 8, 8), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    answers = still(images / 255).by(target)
    prober = BackboneProber(target, channels=frozenset({Channel.POOLED}))
    with prober.asked() as asked:
        probed = asked(batch_of(images))
    for channel in (Channel.POOLED, *HEAD_CHANNELS):
        found = answers.channel(channel)[:, 0].detach().numpy()
        np.testing.assert_allclose(found, probed[channel], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(DIFFERENTIABLE))
def test_gradients_by_finite_differences(name: Channel) -> None:
    centres = torch.randn(7, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    target = replace(small_target(), centres=centres)

    def answer(images: torch.Tensor) -> torch.Tensor:
        return still(images).by(target).channel(name).nan_to_num()

    assert torch.autograd.gradcheck(answer, noise_images(2).requires_grad_(True))


def test_a_target_is_asked_once() -> None:
    target, calls = small_target(), []
    target.module.register_forward_hook(lambda *_: calls.append(1))
    sight = still(noise_images(2))
    assert sight.by(target) is sight.by(target)
    assert len(calls) == 1
    assert not [m for m in target.module.modules() if m._forward_pre_hooks]


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.norm(x)).mean((2, 3))  # type: ignore[no-any-return]


def test_a_layer_with_two_inputs_is_refused() -> None:
    target = Target("t", "t", Twice(), ImageSpec(8, 8))
    with pytest.raises(TargetError, match="BatchNorm layer norm: got two inputs in one forward pass"):
        ask(target, noise_images(4, dtype=torch.float32).reshape(2, 1, 2, 3, 8, 8))


def test_without_batchnorm_there_are_no_distances() -> None:
    target = Target("t", "t", nn.Sequential(nn.Flatten(), nn.Linear(192, 3).double()), ImageSpec(8, 8))
    answers = still(noise_images(2)).by(target)
    assert answers.channel(Channel.BN_DISTANCE).shape == (2, 1, 2, 0)
    assert answers.given == {Channel.EMBEDDING}
    assert answers.embedding.shape == (2, 1, 2, 3)
