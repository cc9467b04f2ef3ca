"""Statistics estimated on public faces, against a slow oracle; and that they are what folding leaves of BatchNorm."""

from pathlib import Path

import numpy as np
import pytest
import torch
from exported import faces
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.faces.source import ArrayImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.estimated import Estimate, estimate
from bareface.probing.probe import load_trace, plan, probe
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.trace import Channel, Trace

SIDE = 8


class Tokens(nn.Module):
    """A small transformer block behind a patch embedding: channels last, and one value with time before images."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 4, stride=4)
        self.norm, self.inner, self.outer = nn.LayerNorm(6), nn.Linear(6, 12), nn.Linear(12, 6)
        self.turned, self.head = nn.Linear(6, 6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = tokens + self.outer(torch.relu(self.inner(self.norm(tokens))))
        tokens = tokens + self.turned(tokens.transpose(0, 1)).transpose(0, 1)
        return self.head(tokens.mean(1))


def grouped() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(64, 5)
    )


def target(net: nn.Module, seed: int = 0) -> Target:
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        parameter.data = 0.4 * torch.randn(parameter.shape, generator=generator)
    return Target("plain", "custom", net, ImageSpec(SIDE, SIDE))


def estimated(model: Target, public: Tensor, batch_size: int = 16) -> Estimate:
    return estimate(BackboneProber(model).watched(), ArrayImages(public), batch_size=batch_size)


def probed(model: Target, public: Tensor, images: Tensor, folder: Path) -> Trace:
    prober = BackboneProber(model, estimated(model, public))
    digests = np.array([f"digest-{n}" for n in range(len(images))])
    return load_trace(probe(prober, ArrayImages(images), plan(prober, digests, batch_size=3), folder))


def left(model: Target, images: Tensor, layer: str) -> np.ndarray:
    """(2n, c, positions) what leaves a layer, one image at a time, in float64: images first, then flips."""
    kept: list[Tensor] = []
    module = model.module.double()
    last = isinstance(module.get_submodule(layer), nn.Linear)
    hook = module.get_submodule(layer).register_forward_hook(lambda _m, _i, output: kept.append(output))
    pixels = model.spec.normalise(images).double()
    for image in torch.cat([pixels, pixels.flip(-1)]):
        module(image[None])
    hook.remove()
    model.module.float()
    values = [value.movedim(-1, 1) if last else value for value in kept]
    return torch.cat([value.reshape(1, value.shape[1], -1) for value in values]).detach().numpy()


@settings(max_examples=12)
@given(st.integers(2, 9), st.integers(1, 5), st.integers(0, 99), st.booleans())
def test_the_estimate_equals_the_oracle(n: int, batch_size: int, seed: int, tokens: bool) -> None:
    model, public = target(Tokens() if tokens else grouped(), seed), faces(n, SIDE, seed)
    told, start = estimated(model, public, batch_size), 0
    assert [layer.name for layer in told.layers] == (
        ["patches", "inner", "outer", "head"] if tokens else ["0", "3", "5"]
    )
    for layer in told.layers:
        values = left(model, public, layer.name)
        rows = slice(start, start + layer.channels)
        np.testing.assert_allclose(told.mean[rows], values.mean((0, 2)), rtol=1e-4, atol=1e-5)
        variance = values.var((0, 2))
        expected = np.maximum(variance, 1e-6 * variance.mean()) + 1e-12
        np.testing.assert_allclose(told.variance[rows], expected, rtol=1e-3, atol=1e-6)
        start += layer.channels


@pytest.mark.parametrize("net", [grouped, Tokens])
def test_distances_equal_the_oracle(net: type[nn.Module], tmp_path: Path) -> None:
    model, public, images = target(net()), faces(9, SIDE), faces(5, SIDE, seed=4)
    trace = probed(model, public, images, tmp_path)
    for number, layer in enumerate(trace.measured):
        known, asked = left(model, public, layer.name), left(model, images, layer.name).mean(2)
        squared = (asked - known.mean((0, 2))) ** 2 / known.var((0, 2))
        expected = squared.mean(1).reshape(2, 5).T
        np.testing.assert_allclose(trace.channels[Channel.ESTIMATED_DISTANCE][:, :, number], expected, rtol=2e-3)


def test_folding_a_batchnorm_leaves_the_estimated_distance(tmp_path: Path) -> None:
    torch.manual_seed(3)
    convolution, norm = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
    norm.running_mean, norm.running_var = torch.randn(5), torch.rand(5) + 0.3
    norm.weight.data, norm.bias.data = torch.randn(5) + 2, torch.randn(5)
    tail = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(180, 4)).eval()
    whole = nn.Sequential(convolution, norm, *tail).eval()
    merged = torch.nn.utils.fusion.fuse_conv_bn_eval(convolution.eval(), norm.eval())
    folded = nn.Sequential(merged, *tail).eval()
    public, images = faces(12, SIDE), faces(5, SIDE, seed=4)
    traces = [
        probed(Target("net", "custom", net, ImageSpec(SIDE, SIDE)), public, images, tmp_path / name)
        for name, net in (("whole", whole), ("folded", folded))
    ]
    one, other = (trace.channels[Channel.ESTIMATED_DISTANCE] for trace in traces)
    assert Channel.BN_DISTANCE in traces[0].channels
    assert Channel.BN_DISTANCE not in traces[1].channels
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_running_statistics_are_read_as_without_an_estimate(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    model, images = target(net), faces(6, SIDE)
    plain = BackboneProber(model)
    digests = np.array([str(n) for n in range(6)])
    alone = load_trace(probe(plain, ArrayImages(images), plan(plain, digests), tmp_path / "alone"))
    beside = probed(model, faces(8, SIDE, seed=2), images, tmp_path / "beside")
    np.testing.assert_allclose(
        beside.channels[Channel.BN_DISTANCE], alone.channels[Channel.BN_DISTANCE], rtol=1e-4, atol=1e-6
    )


def test_another_estimate_is_another_trace() -> None:
    model = target(grouped())
    offers = [BackboneProber(model, estimated(model, faces(6, SIDE, seed))).offer for seed in (1, 1, 2)]
    assert offers[0].target == offers[1].target != offers[2].target
    assert BackboneProber(model).offer.target == model.sha256


def test_without_a_layer_to_measure_there_is_no_estimate() -> None:
    assert estimated(target(nn.Flatten()), faces(4, SIDE)) is None
    with pytest.raises(UsageError, match=r"public images: got 1; expected at least 2"):
        estimated(target(grouped()), faces(1, SIDE))


def test_a_constant_channel_drowns_no_other(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4 * SIDE * SIDE, 3))
    model = target(net)
    net[0].weight.data[0] = 0
    trace = probed(model, faces(8, SIDE), faces(5, SIDE, seed=4), tmp_path)
    assert float(trace.channels[Channel.ESTIMATED_DISTANCE].max()) < 100
