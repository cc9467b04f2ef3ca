"""What the network accepts, what it draws, and what it says of what it does not accept."""

from typing import Any

import pytest
import torch
from stylegans import TINY, seeded_z, tiny

from bareface.errors import UsageError
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.discriminator import Discriminator
from bareface.inversion.stylegan2.network import StyleGAN2, initialise


def test_the_published_sizes() -> None:
    config = Config.scaled(1024)
    assert config.channels == (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert (config.resolution, config.num_ws) == (1024, 18)
    assert Config.scaled(256, channel_base=16384).channels[-1] == 64
    assert Config.scaled(256).num_ws == 14
    assert Config.scaled(32, z_dim=64).resolutions == (4, 8, 16, 32)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": ()}, "expected positive sizes and one block at least"),
        ({"channels": (8, 0)}, "expected positive sizes"),
        ({"mapping_layers": 0}, "expected positive sizes"),
        ({"rgb_channels": 4}, "got rgb_channels=4; expected 1 or 3"),
        ({"conv_clamp": -1.0}, "got conv_clamp=-1.0; expected None or > 0"),
    ],
)
def test_impossible_configurations(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Config(**({"channels": (8,)} | wrong))


@pytest.mark.parametrize("resolution", [0, 2, 48])
def test_resolutions_are_powers_of_two(resolution: int) -> None:
    with pytest.raises(UsageError, match=f"got resolution={resolution}; expected 4, 8, 16"):
        Config.scaled(resolution)


def test_a_discriminator_needs_a_block() -> None:
    with pytest.raises(UsageError, match="got a 4-pixel configuration; expected 8 pixels or more"):
        Discriminator(Config((8,)))


def test_weights_begin_the_same_and_unlike_one_another() -> None:
    one, other = (initialise(StyleGAN2(TINY), 3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    wider = initialise(StyleGAN2(Config((8, 8, 6, 4), 6, 5, 2)), 3).state_dict()
    assert all(torch.equal(one[name], wider[name]) for name in one)
    assert not torch.equal(one["synthesis.b8.conv1.weight"], one["synthesis.b4.conv1.weight"])
    assert one["mapping.fc0.weight"].std() == pytest.approx(100, rel=0.4)  # stored divided by its multiplier
    assert one["synthesis.b8.conv1.affine.bias"].unique().tolist() == [1.0]
    images = initialise(StyleGAN2(Config.scaled(32, channel_max=32)), 0)(torch.randn(8, 512))
    assert 0.2 < images.std() < 5


def test_noise_is_constant_drawn_or_absent() -> None:
    network = tiny()
    ws = network.mapping.broadcast(network.mapping(torch.as_tensor(seeded_z()).float()))
    streams = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    one, same, other = (network.synthesis(ws, noise="random", generator=stream) for stream in streams)
    torch.testing.assert_close(one, same)
    assert not torch.allclose(one, other)
    second = network.synthesis(ws[:1].expand(2, -1, -1), noise="random", generator=streams[0])[1]
    assert not torch.allclose(one[0], second)
    torch.testing.assert_close(network.synthesis(ws), network.synthesis(ws, noise="const"))
    assert not torch.allclose(network.synthesis(ws, noise="none"), network.synthesis(ws))
    with pytest.raises(UsageError, match=r"mode 'random' without a generator; expected a torch.Generator"):
        network.synthesis(ws, noise="random")


def test_truncated_rendering_is_the_partial_sum_of_images() -> None:
    network = tiny()
    ws = network.mapping.broadcast(network.mapping(torch.as_tensor(seeded_z()).float()))
    small = network.synthesis.run(ws, upto=8)
    assert (small.block, small.x.shape, small.rgb.shape) == (8, (3, 8, 8, 8), (3, 3, 8, 8))
    later = torch.cat([ws[:, :4], ws[:, 4:] + 1], 1)
    torch.testing.assert_close(network.synthesis.run(later, upto=8).rgb, small.rgb)
    assert not torch.allclose(network.synthesis(later), network.synthesis(ws), atol=1e-2)


@pytest.mark.parametrize(
    ("start", "upto", "message"),
    [
        (None, 5, r"start after block 0, upto=5; expected blocks among \(4, 8, 16\)"),
        (8, 4, "start after block 8, upto=4"),
        (7, None, "start after block 7, upto=None"),
    ],
)
def test_runs_that_go_nowhere(start: int | None, upto: int | None, message: str) -> None:
    blank = torch.zeros(1, 8, 8, 8)
    with pytest.raises(UsageError, match=message):
        tiny().synthesis.run(torch.zeros(1, 6, 5), upto=upto, start=start and (start, blank, blank))


def test_styles_of_another_shape() -> None:
    with pytest.raises(UsageError, match=r"styles of shape \(2, 5\); expected \(n, 6, 5\)\. Try: mapping.broadcast"):
        tiny().synthesis(torch.zeros(2, 5))


def test_a_discriminator_takes_any_batch_and_mixed_precision() -> None:
    discriminator = initialise(Discriminator(TINY), 0)
    images = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    exact, mixed = discriminator(images), discriminator(images, torch.bfloat16)
    assert (exact.shape, mixed.dtype) == ((5,), torch.float32)
    torch.testing.assert_close(mixed, exact, atol=0.05, rtol=0.05)
