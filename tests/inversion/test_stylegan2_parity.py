"""Our StyleGAN2 computes what the published one computes.

golden.json holds what NVIDIA's networks gave for seeded weights in fp64; golden_reference.py says how.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stylegans import TINY, seeded, seeded_z, tiny
from torch import Tensor

from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.discriminator import Discriminator, minibatch_std
from bareface.inversion.stylegan2.fir import TAPS, blur, downsample2d, fir_kernel, upfirdn2d, upsample2d
from bareface.inversion.stylegan2.layers import StyledConv, demodulation, modulated_conv2d

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden.json").read_text())
CONFIGS = {"tiny": TINY, "clamped": replace(TINY, conv_clamp=0.4)}
# The goldens themselves are fp64; fp32 may miss them by rounding.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
BOTH = pytest.mark.parametrize("dtype", TOLERANCE)
ALL = pytest.mark.parametrize("name", CONFIGS)


def picked(tensor: Tensor, count: int = 16) -> Tensor:
    flat = tensor.reshape(-1)
    return flat[torch.from_numpy(np.unique(np.linspace(0, len(flat) - 1, count).astype(int)))]


def assert_close(got: Tensor, expected: object, tolerance: float) -> None:
    torch.testing.assert_close(got.double(), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=tolerance)


@ALL
@BOTH
def test_z_becomes_the_published_w(name: str, dtype: torch.dtype) -> None:
    mapping = tiny(CONFIGS[name], dtype).mapping
    w = mapping(torch.as_tensor(seeded_z()).to(dtype))
    assert_close(w, GOLDEN[name]["w"], TOLERANCE[dtype])
    assert_close(mapping.truncate(mapping.broadcast(w), 0.6, 3), GOLDEN[name]["truncated"], TOLERANCE[dtype])


@pytest.mark.parametrize("noise", ["const", "none"])
@ALL
@BOTH
def test_every_block_gives_the_published_features_and_image(name: str, dtype: torch.dtype, noise: Any) -> None:
    network = tiny(CONFIGS[name], dtype)
    ws = network.mapping.broadcast(torch.tensor(GOLDEN[name]["w"], dtype=dtype))
    for side, golden in GOLDEN[name][noise].items():
        features = network.synthesis.run(ws, upto=int(side), noise=noise)
        assert_close(picked(features.x), golden["x"], TOLERANCE[dtype])
        assert_close(picked(features.rgb), golden["rgb"], TOLERANCE[dtype])


@ALL
@BOTH
def test_the_discriminator_gives_the_published_logits(name: str, dtype: torch.dtype) -> None:
    generator, discriminator = tiny(CONFIGS[name], dtype), seeded(Discriminator(CONFIGS[name]), dtype=dtype)
    images = generator(torch.as_tensor(seeded_z()).to(dtype))
    assert_close(discriminator(torch.cat([images, images.flip(3)])[:4]), GOLDEN[name]["logits"], TOLERANCE[dtype])


def test_bf16_stays_near_fp32() -> None:
    z = torch.as_tensor(seeded_z(8)).float()
    exact, mixed = tiny()(z), tiny()(z, torch.bfloat16)
    whole = tiny(dtype=torch.bfloat16)(z.bfloat16())
    assert (mixed.dtype, whole.dtype) == (torch.float32, torch.bfloat16)
    for approximate in (mixed, whole.float()):
        assert (approximate - exact).abs().max() < 0.05 * exact.abs().max()
        assert (approximate - exact).square().mean().sqrt() < 0.02 * exact.std()


pads = st.tuples(*[st.integers(-2, 4)] * 4)


@settings(max_examples=40)
@given(pads, st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
@example(pad=(-2, -2, 0, 0), up=1, down=1, taps_h=1, taps_w=4, seed=0)
def test_upfirdn_is_scipys_along_each_axis(
    pad: tuple[int, ...], up: int, down: int, taps_h: int, taps_w: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, vertical, horizontal = rng.normal(size=(6, 7)), rng.normal(size=taps_h), rng.normal(size=taps_w)
    kernel = torch.as_tensor(np.outer(vertical, horizontal))
    if 6 * up + sum(pad[2:]) < taps_h or 7 * up + sum(pad[:2]) < taps_w:  # cropped until the filter fits nowhere
        with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
            upfirdn2d(torch.as_tensor(x)[None, None], kernel, up=up, down=down, pad=pad)
        return
    expected = _along_axis(_along_axis(x, vertical, up, down, pad[2:]).T, horizontal, up, down, pad[:2]).T
    got = upfirdn2d(torch.as_tensor(x)[None, None], kernel, up=up, down=down, pad=pad)[0, 0]
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def _along_axis(x: np.ndarray, taps: np.ndarray, up: int, down: int, pad: tuple[int, ...]) -> np.ndarray:
    """Raise by `up` with zeros after every sample, pad or crop, keep what the filter covers whole, every `down`-th."""
    raised = scipy.signal.upfirdn([1.0], x, up=up, axis=0)
    raised = np.concatenate([raised, np.zeros((x.shape[0] * up - raised.shape[0], x.shape[1]))])
    before, after = pad
    raised = np.pad(raised, [(max(before, 0), max(after, 0)), (0, 0)])
    raised = raised[max(-before, 0) : len(raised) - max(-after, 0)]
    whole = scipy.signal.upfirdn(taps, raised, axis=0)
    return whole[len(taps) - 1 : raised.shape[0]][::down]


def test_the_shortcuts_are_upfirdn() -> None:
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    kernel = fir_kernel(x)
    assert kernel.sum() == 1
    assert torch.equal(kernel * 64, torch.outer(torch.tensor(TAPS), torch.tensor(TAPS)).double())
    torch.testing.assert_close(upsample2d(x), upfirdn2d(x, kernel * 4, up=2, pad=(2, 1, 2, 1)))
    torch.testing.assert_close(downsample2d(x), upfirdn2d(x, kernel, down=2, pad=(1, 1, 1, 1)))
    torch.testing.assert_close(blur(x, pad=2, gain=4.0), upfirdn2d(x, kernel * 4, pad=(2, 2, 2, 2)))
    half = x.bfloat16()
    assert downsample2d(half).dtype == torch.bfloat16
    torch.testing.assert_close(downsample2d(half).double(), downsample2d(half.double()), atol=1e-2, rtol=1e-2)


shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(2, 6))


def _random_conv(shape: tuple[int, int, int, int]) -> tuple[Tensor, Tensor, Tensor]:
    n, inputs, outputs, side = shape
    stream = torch.Generator().manual_seed(sum(shape))
    draw = [(n, inputs, side, side), (outputs, inputs, 3, 3), (n, inputs)]
    x, weight, style = (torch.randn(s, dtype=torch.float64, generator=stream) for s in draw)
    return x, weight, style


@settings(max_examples=20)
@given(shapes, st.booleans())
def test_scaling_the_input_is_one_grouped_convolution_over_modulated_kernels(
    shape: tuple[int, int, int, int], up: bool
) -> None:
    x, weight, style = _random_conv(shape)
    kernels = weight[None] * style[:, None, :, None, None]
    kernels = kernels * (kernels.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    raised = _zeros_between(x) if up else x
    grouped = F.conv2d(
        raised.reshape(1, -1, *raised.shape[2:]),
        (kernels.flip(3, 4) if up else kernels).reshape(-1, *weight.shape[1:]),
        padding=2 if up else 1,
        groups=len(x),
    ).reshape(len(x), len(weight), *[s + 2 * up for s in raised.shape[2:]])
    expected = upfirdn2d(grouped[:, :, :-1, :-1], fir_kernel(x) * 4, pad=(1, 1, 1, 1)) if up else grouped
    got = modulated_conv2d(x, weight, style, up=up) * demodulation(weight, style)[:, :, None, None]
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=1e-10)


def _zeros_between(x: Tensor) -> Tensor:
    raised = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    raised[:, :, ::2, ::2] = x
    return raised


def test_the_up_convolution_is_zeros_then_fir_then_convolution() -> None:
    """The order of the two filters does not matter, and the stored kernel is a true (flipped) one."""
    x, weight, style = _random_conv((2, 3, 4, 5))
    raised = upfirdn2d(x * style[:, :, None, None], fir_kernel(x) * 4, up=2, pad=(3, 2, 3, 2))
    expected = F.conv2d(raised, weight.flip(2, 3))
    torch.testing.assert_close(modulated_conv2d(x, weight, style, up=True), expected)


@given(st.floats(0.01, 100))
def test_a_demodulated_convolution_does_not_see_the_scale_of_a_style(factor: float) -> None:
    x, weight, style = _random_conv((2, 3, 4, 5))

    def demodulated(scaled: Tensor) -> Tensor:
        return modulated_conv2d(x, weight, scaled) * demodulation(weight, scaled)[:, :, None, None]

    torch.testing.assert_close(demodulated(style * factor), demodulated(style), atol=1e-4, rtol=1e-4)


def test_gradients_of_w_and_of_the_noise_are_those_of_finite_differences() -> None:
    network = tiny(dtype=torch.float64)
    ws = network.mapping.broadcast(network.mapping(torch.as_tensor(seeded_z(1)))).detach().clone().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda styles: network.synthesis.run(styles, upto=8).rgb, (ws,))
    layer = network.synthesis.get_submodule("b8.conv0")
    assert isinstance(layer, StyledConv)
    strength, plain = layer.noise_strength.data.clone(), layer.noise_const.clone()

    def with_noise(noise: Tensor) -> Tensor:
        layer.noise_const = noise
        return network.synthesis.run(ws.detach(), upto=8).rgb

    assert strength != 0
    assert torch.autograd.gradcheck(with_noise, (plain.requires_grad_(True),))


def test_gradients_of_the_discriminator_can_be_differentiated_again() -> None:
    discriminator = seeded(Discriminator(Config((3, 2), rgb_channels=1)), dtype=torch.float64)
    images = torch.randn(1, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradgradcheck(discriminator, (images.requires_grad_(True),))


def test_minibatch_std_compares_the_images_of_a_group() -> None:
    x = torch.randn(6, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = minibatch_std(x)
    for i in range(3):  # six images fall into three groups of two, i and i + 3
        pair = x[[i, i + 3]]
        expected = (pair.var(0, unbiased=False) + 1e-8).sqrt().mean()
        torch.testing.assert_close(got[[i, i + 3]], expected.expand(2, 1, 2, 2))


@BOTH
def test_a_batch_is_its_rows(dtype: torch.dtype) -> None:
    network, z = tiny(dtype=dtype), torch.as_tensor(seeded_z(5)).to(dtype)
    rows = torch.cat([network(z[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(network(z), rows, atol=TOLERANCE[dtype], rtol=0)


def test_resuming_after_any_block_is_the_whole_run() -> None:
    network = tiny(dtype=torch.float64)
    ws = network.mapping.broadcast(network.mapping(torch.as_tensor(seeded_z())))
    whole = network.synthesis.run(ws)
    for side in (4, 8):
        resumed = network.synthesis.run(ws, start=network.synthesis.run(ws, upto=side))
        assert resumed.block == 16
        torch.testing.assert_close(resumed.rgb, whole.rgb)
        torch.testing.assert_close(resumed.x, whole.x)


def test_no_truncation_left_is_the_mean_image_for_every_z() -> None:
    network = tiny()
    ws = network.mapping.broadcast(network.mapping(torch.as_tensor(seeded_z(4)).float()))
    images = network.synthesis(network.mapping.truncate(ws, 0.0))
    mean = network.synthesis(network.mapping.broadcast(network.mapping.w_avg[None]))
    torch.testing.assert_close(images, mean.expand(4, -1, -1, -1))
    torch.testing.assert_close(network.mapping.truncate(ws, 1.0), ws)
