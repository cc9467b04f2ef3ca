"""The taps against a slow oracle that keeps every activation in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bareface.errors import TargetError
from bareface.probing.taps import Reduction, batchnorm_layers, tapped
from bareface.trace import Channel, Layer


def randomise_statistics(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for layer in batchnorm_layers(module).values():
        layer.running_mean = torch.randn(layer.num_features, generator=generator)
        layer.running_var = torch.rand(layer.num_features, generator=generator) + 0.2


def oracle(module: nn.Module, pixels: Tensor) -> dict[str, dict[Channel, np.ndarray]]:
    """One image at a time, whole activations kept, float64, plain formulas."""
    exact = module.double()
    kept: dict[str, list[Tensor]] = {name: [] for name in batchnorm_layers(exact)}
    handles = [
        layer.register_forward_pre_hook(lambda _m, x, name=name: kept[name].append(x[0].clone()))
        for name, layer in batchnorm_layers(exact).items()
    ]
    for image in pixels.double():
        exact(image[None])
    for handle in handles:
        handle.remove()
    answers = {}
    for name, layer in batchnorm_layers(exact).items():
        mean, var = layer.running_mean.numpy(), layer.running_var.numpy() + layer.eps
        rows = {channel: [] for channel in Channel if channel.startswith("bn_")}
        for activation in kept[name]:
            v = activation.detach().numpy()[0].reshape(layer.num_features, -1)
            d = v.mean(1) - mean
            rows[Channel.BN_DISTANCE].append((d**2).sum())
            rows[Channel.BN_DISTANCE_VARIANCE].append((d**2 / var).mean())
            spread = np.maximum(v.var(1), 1e-5 * (v**2).mean(1)) + 1e-12
            ratio = np.log(spread / var) if v.shape[1] > 1 else np.full(len(var), np.nan)
            rows[Channel.BN_LOGVAR].append(ratio.mean())
            rows[Channel.BN_LOGVAR_SQUARED].append((ratio**2).mean())
            rows[Channel.BN_VARIANCE].append(np.exp(ratio).mean())
        answers[name] = {channel: np.array(values) for channel, values in rows.items()}
    module.float()
    return answers


def random_net(draw_width: int, depth: int, side: int) -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for _ in range(depth):
        layers += [nn.Conv2d(channels, draw_width, 3, padding=1), nn.BatchNorm2d(draw_width), nn.PReLU(draw_width)]
        channels = draw_width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side * side, 5), nn.BatchNorm1d(5)).eval()


@settings(max_examples=15)
@given(
    width=st.integers(1, 7),
    depth=st.integers(1, 3),
    side=st.sampled_from([1, 2, 5, 8]),
    batch=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_taps_equal_the_oracle(width: int, depth: int, side: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    net = random_net(width, depth, side)
    randomise_statistics(net, seed)
    pixels = torch.randn(batch, 3, side, side)
    with torch.inference_mode(), tapped(net) as taps:
        net(pixels)
        layers = tuple(Layer(name, taps.layers[name].num_features) for name in taps.seen)
        fast = Reduction.of(taps.layers, layers).channels(taps.seen)
    with torch.no_grad():
        slow = oracle(net, pixels)
    assert [layer.name for layer in layers] == list(slow)
    for number, (name, channels) in enumerate(slow.items()):
        for channel, expected in channels.items():
            got = fast[channel][:, number].numpy()
            np.testing.assert_allclose(got, expected, rtol=2e-3, atol=1e-4, err_msg=f"{name} {channel}")


def test_hooks_leave_no_trace_on_the_module() -> None:
    net = random_net(4, 2, 4)
    pixels = torch.randn(2, 3, 4, 4)
    before = net(pixels)
    with tapped(net):
        pass
    assert all(not layer._forward_pre_hooks for layer in net.modules())
    torch.testing.assert_close(net(pixels), before)


def test_a_layer_that_runs_twice_is_refused() -> None:
    shared = nn.BatchNorm2d(3).eval()
    net = nn.Sequential(shared, nn.ReLU(), shared)
    with tapped(net), pytest.raises(TargetError, match=r"BatchNorm layer 0: got two inputs .* Try: give each place"):
        net(torch.randn(2, 3, 4, 4))


def test_layers_without_running_statistics_are_not_tapped() -> None:
    net = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.BatchNorm2d(3)).eval()
    assert list(batchnorm_layers(net)) == ["1"]


@pytest.mark.parametrize("offset", [0.0, 10.0, 1000.0])
def test_a_map_far_from_zero_costs_no_more_than_its_resolution(offset: float) -> None:
    """Two moments in float32 lose digits where the mean is large; the floor keeps rounding out of the logarithm."""
    layer = nn.BatchNorm2d(3).eval()
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(4, 3, 16, 16, generator=generator, dtype=torch.float64) + offset
    with torch.inference_mode(), tapped(nn.Sequential(layer)) as taps:
        layer(values.float())
        fast = Reduction.of(taps.layers, (Layer("0", 3),)).channels(taps.seen)[Channel.BN_LOGVAR][:, 0]
    spread = torch.maximum(values.flatten(2).var(2, correction=0), 1e-5 * values.flatten(2).square().mean(2))
    expected = torch.log(spread / (1 + layer.eps)).mean(1)
    torch.testing.assert_close(fast.double(), expected, atol=0.05, rtol=0)
