"""The faster copy of a backbone answers as the backbone does, and the taps read the same of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bareface.probing.faster import FoldedBatchNorm, faster, foldable
from bareface.probing.taps import Reduction, batchnorm_layers, tapped
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.trace import Channel, Layer

SIDE = 16


def trained(module: nn.Module, seed: int = 0, shift: float = 1.0) -> nn.Module:
    """The module as if trained: every BatchNorm layer has its own statistics, weights and biases."""
    stream = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            size = layer.num_features
            layer.running_mean.copy_(torch.randn(size, generator=stream))
            layer.running_var.copy_(torch.rand(size, generator=stream) + 0.1)
            if layer.affine:
                layer.weight.data.copy_(torch.randn(size, generator=stream).sign() * (torch.rand(size) + 0.2))
                layer.bias.data.copy_(torch.randn(size, generator=stream) * shift)
    return module.eval()


def pixels(n: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def read(module: nn.Module, x: Tensor) -> tuple[Tensor, dict[Channel, Tensor]]:
    with torch.inference_mode(), tapped(module) as taps:
        embedding = module(x)
        layers = tuple(Layer(name, taps.layers[name].num_features) for name in taps.seen)
        return embedding, Reduction.of(taps.layers, layers).channels(taps.seen)


def count_folded(module: nn.Module) -> int:
    return sum(isinstance(layer, FoldedBatchNorm) for layer in module.modules())


@pytest.mark.parametrize(("architecture", "expected"), [("ir-tiny", (12, 22)), ("mobilefacenet", (50, 50))])
def test_folding_changes_neither_the_embedding_nor_what_the_taps_read(
    architecture: str, expected: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    module = trained(build(architecture, spec=ImageSpec(48, 48)))
    x = torch.randn(6, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    for layer in batchnorm_layers(module).values():
        layer.momentum = 1.0
    with torch.no_grad():  # running statistics that belong to the weights, as training leaves them
        module.train()(x)
    module.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    short = faster(module, x)
    assert (count_folded(short), len(batchnorm_layers(short))) == expected
    assert list(batchnorm_layers(short)) == list(batchnorm_layers(module))
    (slow, told), (fast, read_off) = read(module, x), read(short, x)
    torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-4 * slow.abs().max().item())
    for channel, values in told.items():
        torch.testing.assert_close(read_off[channel], values, rtol=1e-3, atol=1e-4, equal_nan=True)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), biased=st.booleans(), affine=st.booleans(), groups=st.sampled_from([1, 3]))
def test_any_convolution_before_any_batchnorm(seed: int, biased: bool, affine: bool, groups: int) -> None:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, bias=biased, groups=groups), nn.BatchNorm2d(6, affine=affine), nn.Flatten())
    net = trained(net, seed)
    x = pixels(seed=seed)
    short = faster(net, x)
    assert count_folded(short) == 1
    (slow, told), (fast, read_off) = read(net, x), read(short, x)
    torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-4)
    for channel, values in told.items():
        torch.testing.assert_close(read_off[channel], values, rtol=2e-3, atol=1e-3)


class UsedTwice(nn.Module):
    """The convolution's output goes round the BatchNorm layer as well as through it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return (x + self.bn(x)).flatten(1)


class ConvTwice(nn.Module):
    """One convolution before two BatchNorm layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return (self.one(self.conv(x)) + self.two(self.conv(2 * x))).flatten(1)


@pytest.mark.parametrize("module", [UsedTwice(), ConvTwice()], ids=lambda module: type(module).__name__)
def test_what_would_answer_otherwise_is_left_as_it_is(module: nn.Module) -> None:
    module = trained(module)
    with torch.inference_mode():
        assert foldable(module, pixels())
    assert faster(module, pixels()) is module


@pytest.mark.parametrize(("weight", "bias"), [(0.0, 0.0), (1e-3, 1.0)])
def test_a_channel_that_could_not_be_read_back_keeps_its_layer(weight: float, bias: float) -> None:
    net = trained(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten()))
    net[1].weight.data[2], net[1].bias.data[2] = weight, bias
    assert count_folded(faster(net, pixels())) == 0


def test_a_batchnorm_that_does_not_follow_a_convolution_stays() -> None:
    net = trained(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Flatten()))
    assert count_folded(faster(net, pixels())) == 0


class ChannelsFirst(nn.Module):
    """Goes by the place of its numbers in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).view(len(x), -1)


def test_a_backbone_that_wants_channels_first_is_used_itself() -> None:
    net = trained(ChannelsFirst())
    assert faster(net, pixels()) is net


def test_a_backbone_that_cannot_be_copied_is_used_itself() -> None:
    class Stubborn(nn.Sequential):
        def __deepcopy__(self, memo: object) -> nn.Module:
            raise TypeError("cannot be copied")

    net = trained(Stubborn(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten()))
    assert faster(net, pixels()) is net
