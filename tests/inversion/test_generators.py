"""Generators as a search sees them: spaces, priors, images in [0, 1], and mistakes that are named."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from stylegans import TINY, tiny
from torch import Tensor, nn

from bareface.errors import TargetError, UsageError
from bareface.inversion.eigenfaces.generator import Eigenfaces
from bareface.inversion.factory import FactoryGenerator
from bareface.inversion.generator import Generator, Latents, displayed
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.stylegan2.p_space import PSpace, activation, before_activation


@pytest.fixture(scope="module")
def styled() -> StyleGAN2Generator:
    return StyleGAN2Generator("tiny", tiny(dtype=torch.float64), psi=0.8)


SHARE = torch.tensor([0.1, 0.4, 0.6, 0.9])


def seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


class Sigmoid(nn.Module):
    """A generator of another kind: (n, 4) to (n, channels, 8, 8) in [0, 1], scaled."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0, channels: int = 3) -> None:
        super().__init__()
        self.scale, self.shift, self.channels = scale, shift, channels
        self.dense = nn.Linear(4, channels * 64)
        nn.init.normal_(self.dense.weight, generator=seed())
        nn.init.zeros_(self.dense.bias)

    def forward(self, z: Tensor) -> Any:
        images = self.dense(z.flatten(1)).sigmoid().reshape(-1, self.channels, 8, 8)
        return images * self.scale + self.shift


def build() -> nn.Module:
    return Sigmoid()


def build_nothing() -> str:
    return "no module"


def generators() -> dict[str, Callable[[], Generator]]:
    return {
        "stylegan2": lambda: StyleGAN2Generator("tiny", tiny()),
        "grey": lambda: StyleGAN2Generator("grey", tiny(replace(TINY, rgb_channels=1))),
        "eigenfaces": lambda: Eigenfaces(
            torch.full((3, 8, 8), 0.5), 0.05 * torch.eye(4, 192).reshape(4, 3, 8, 8), SHARE
        ),
        "factory": lambda: FactoryGenerator("sigmoid", Sigmoid(), 4, 8, (0, 1)),
    }


@pytest.mark.parametrize("name", generators())
def test_every_generator_keeps_the_protocol(name: str) -> None:
    made, again = generators()[name](), generators()[name]()
    latents = made.sample(5, seed())
    images = made.render(latents)
    assert latents.space == made.spaces[0]
    assert images.shape == (5, 3, made.size, made.size)
    assert images.min() >= 0
    assert images.max() <= 1
    torch.testing.assert_close(images, again.render(again.sample(5, seed())))
    torch.testing.assert_close(made.render(latents[1:3]), images[1:3])
    assert not images.requires_grad
    assert torch.equal(made.to(latents, latents.space).values, latents.values)
    assert made.fingerprint == again.fingerprint
    assert made.resolutions[-1] == made.size
    assert (made.alignment, made.licence) == ("unknown", "unknown")
    log_prob = made.prior(made.spaces[0]).log_prob(latents.values)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(latents.values).sum(1)
    torch.testing.assert_close(log_prob, expected)


def test_another_weight_is_another_fingerprint() -> None:
    network = tiny()
    before = StyleGAN2Generator("a", network).fingerprint
    network.mapping.w_avg[0] += 1e-6
    assert StyleGAN2Generator("a", network).fingerprint != before


@pytest.mark.parametrize("space", ["w", "w_plus", "p", "b4", "b8"])
def test_an_image_is_the_same_from_every_space(styled: StyleGAN2Generator, space: str) -> None:
    z = styled.sample(4, seed())
    latents = styled.to(z, space)
    assert latents.space == space
    torch.testing.assert_close(styled.render(latents), styled.render(z), atol=1e-9, rtol=0)
    some = latents[[2, 0]]
    torch.testing.assert_close(styled.render(some), styled.render(z)[[2, 0]], atol=1e-9, rtol=0)
    assert len(some) == 2


def test_truncation_acts_between_z_and_w(styled: StyleGAN2Generator) -> None:
    z, network = styled.sample(4, seed()), styled.network
    w = styled.to(z, "w").values
    torch.testing.assert_close(w, network.mapping.w_avg + 0.8 * (network.mapping(z.values) - network.mapping.w_avg))
    torch.testing.assert_close(styled.to(styled.to(z, "w"), "w_plus").values, network.mapping.broadcast(w))


def test_rendering_can_stop_early(styled: StyleGAN2Generator) -> None:
    latents = styled.to(styled.sample(2, seed()), "w")
    for side in styled.resolutions:
        assert styled.render(latents, upto=side).shape == (2, 3, side, side)
    torch.testing.assert_close(styled.render(latents, upto=styled.size), styled.render(latents))
    # A search in the features after block 4 can stop at 8, too.
    after = styled.to(latents, "b4")
    torch.testing.assert_close(styled.render(after, upto=8), styled.render(latents, upto=8))
    with pytest.raises(UsageError, match="upto=12; expected blocks among"):
        styled.render(latents, upto=12)


@pytest.mark.parametrize("space", ["z", "w", "w_plus", "p", "b4", "b8"])
def test_gradients_reach_every_space(styled: StyleGAN2Generator, space: str) -> None:
    latents = styled.to(styled.sample(2, seed()), space)
    values = latents.values.detach().clone().requires_grad_(True)
    styled.render(latents.with_values(values)).square().sum().backward()
    assert values.grad is not None
    assert (values.grad.flatten(1).abs().sum(1) > 0).all()
    assert not any(p.requires_grad for p in styled.network.parameters())


def test_no_way_back(styled: StyleGAN2Generator) -> None:
    z = styled.sample(1, seed())
    for latents, space in ((styled.to(z, "w"), "z"), (styled.to(z, "w_plus"), "w"), (styled.to(z, "b4"), "w")):
        with pytest.raises(UsageError, match=f"from '{latents.space}' to '{space}'; expected one of z, w, w_plus, p"):
            styled.to(latents, space)
    with pytest.raises(UsageError, match="latents in 'style'"):
        styled.render(Latents("style", z.values))
    with pytest.raises(UsageError, match="a prior of 'b4'"):
        styled.prior("b4")
    with pytest.raises(UsageError, match="no 'rgb'; expected the context that `to` returned"):
        styled.render(Latents("b4", torch.zeros(1, 8, 4, 4)))
    with pytest.raises(UsageError, match=r"got shape \(1, 2\); expected \(1, 6\)"):
        z.with_values(torch.zeros(1, 2))


def test_p_is_white_and_goes_back_and_forth(styled: StyleGAN2Generator) -> None:
    untruncated = replace(styled, psi=1.0)
    w = untruncated.to(untruncated.sample(20_000, seed(5)), "w").values
    p = styled.p_space.whiten(w)
    torch.testing.assert_close(p.mean(0), torch.zeros(5).double(), atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(p.t()), torch.eye(5).double(), atol=0.06, rtol=0)
    torch.testing.assert_close(styled.p_space.colour(p), w)
    torch.testing.assert_close(untruncated.p_space.mean, styled.p_space.mean)


def test_the_last_activation_is_undone() -> None:
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    torch.testing.assert_close(before_activation(activation(x)), x)
    torch.testing.assert_close(activation(x), torch.nn.functional.leaky_relu(x, 0.2) * math.sqrt(2))


def test_p_survives_directions_that_never_vary() -> None:
    w = torch.randn(100, 3, generator=seed()).double() @ torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 0]]).double()
    space = PSpace.fit(w)
    assert torch.isfinite(space.whiten(w)).all()
    torch.testing.assert_close(space.colour(space.whiten(w)), w)
    with pytest.raises(UsageError, match="got 3 samples of 3 numbers; expected more than 3"):
        PSpace.fit(w[:3])


@pytest.mark.parametrize("space", ["w", "w_plus"])
def test_the_prior_of_w_is_the_gaussian_in_p(styled: StyleGAN2Generator, space: str) -> None:
    prior, latents = styled.prior(space), styled.to(styled.sample(50, seed()), space)
    white = prior.whiten(latents.values)
    assert white.shape == latents.values.shape
    assert prior.mean.shape == latents.values.shape[1:]
    torch.testing.assert_close(prior.colour(white), latents.values)
    centre = prior.log_prob(prior.mean[None])
    assert centre == pytest.approx(-0.5 * prior.mean.numel() * math.log(2 * math.pi), abs=1e-9)
    assert (prior.log_prob(latents.values) < centre).all()


def test_pixels_are_clamped_and_their_gradient_is_not() -> None:
    images = torch.tensor([-3.0, -1, 0, 1, 3]).reshape(1, 1, 1, 5).requires_grad_(True)
    shown = displayed(images, -1, 1)
    assert shown.shape == (1, 3, 1, 5)
    assert shown[0, 2, 0].tolist() == [0, 0, 0.5, 1, 1]
    shown.sum().backward()
    assert images.grad is not None
    assert images.grad.flatten().tolist() == [1.5] * 5


def test_a_network_that_renders_nan_is_named() -> None:
    network = tiny()
    network.synthesis.get_parameter("b16.conv1.bias").data[0] = float("nan")
    broken = StyleGAN2Generator("broken", network)
    with pytest.raises(TargetError, match="broken: render: got NaN or infinite pixels in 2 of 2 images"):
        broken.render(broken.sample(2, seed()))


def test_a_factory_by_name() -> None:
    made = FactoryGenerator.load(f"{__name__}:build", z_dim=4, size=8, value_range=(0, 1), licence="MIT")
    assert (made.name, made.licence, made.spaces, made.resolutions) == (f"{__name__}:build", "MIT", ("z",), (8,))
    assert made.render(made.sample(2, seed())).shape == (2, 3, 8, 8)


@pytest.mark.parametrize(
    ("factory", "error", "message"),
    [
        ("no.such.module:build", UsageError, r"got No module named 'no'; expected 'package\.module:function'"),
        ("torch:no_such", UsageError, "has no attribute 'no_such'"),
        ("torch", UsageError, r"expected 'package\.module:function'"),
        ("torch:__version__", UsageError, "expected a function that builds the network"),
        ("HERE:build_nothing", TargetError, r"got a str; expected a torch\.nn\.Module"),
    ],
)
def test_factories_that_make_no_generator(factory: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FactoryGenerator.load(factory.replace("HERE", __name__), z_dim=4, size=8, value_range=(0, 1))


@pytest.mark.parametrize("declared", [(0, 255), (-1, 1), (0, 1)])
def test_the_declared_range_is_the_one_that_is_shown(declared: tuple[float, float]) -> None:
    low, high = declared
    network = Sigmoid(scale=high - low, shift=low, channels=1)
    plain = FactoryGenerator("a", Sigmoid(channels=1), 4, 8, (0, 1), channels=1)
    scaled = FactoryGenerator("b", network, 4, 8, declared, channels=1)
    latents = plain.sample(3, seed())
    torch.testing.assert_close(scaled.render(latents), plain.render(latents))


@pytest.mark.parametrize(
    ("network", "declared", "message"),
    [
        (
            Sigmoid(255.0),
            (0, 1),
            r"pixel values: got .* to 25\d in 16 images; expected most of the declared range 0 to 1",
        ),
        (Sigmoid(2.0, -1.0), (0, 1), "expected most of the declared range 0 to 1"),
        (Sigmoid(), (0, 255), "expected most of the declared range 0 to 255"),
        (Sigmoid(), (-1, 1), "expected most of the declared range -1 to 1"),
    ],
)
def test_a_range_that_was_declared_wrongly(network: nn.Module, declared: tuple[float, float], message: str) -> None:
    with pytest.raises(TargetError, match=message + r".*Try: value_range="):
        FactoryGenerator("wrong", network, 4, 8, declared)


class Returns(Sigmoid):
    def __init__(self, made: Any) -> None:
        super().__init__()
        self.made = made

    def forward(self, z: Tensor) -> Any:
        return self.made


@pytest.mark.parametrize(
    ("network", "fields", "error", "message"),
    [
        (Sigmoid(), {"size": 16}, TargetError, r"images of shape \(16, 3, 8, 8\); expected \(16, 3, 16, 16\)"),
        (Sigmoid(), {"channels": 1}, TargetError, r"images of shape \(16, 3, 8, 8\); expected \(16, 1, 8, 8\)"),
        (Sigmoid(float("nan")), {}, TargetError, "NaN or infinite pixels in 16 of 16 images"),
        (Returns("image"), {}, TargetError, "got a str; expected a tensor of shape"),
        (Sigmoid(), {"value_range": (1, 0)}, UsageError, r"value_range=\(1, 0\).*expected low < high"),
        (Sigmoid(), {"channels": 2}, UsageError, "channels=2.*1 or 3 channels"),
    ],
)
def test_networks_that_are_not_what_was_said(
    network: nn.Module, fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    declared: dict[str, Any] = {"z_dim": 4, "size": 8, "value_range": (0, 1)} | fields
    with pytest.raises(error, match=message):
        FactoryGenerator("odd", network, **declared)


def test_a_factory_knows_only_z_and_the_whole_image() -> None:
    made = FactoryGenerator("a", Sigmoid(), 4, 8, (0, 1))
    latents = made.sample(1, seed())
    with pytest.raises(UsageError, match="latent space: got 'w'; expected 'z'"):
        made.to(latents, "w")
    with pytest.raises(UsageError, match="render: got upto=4; expected None or 8"):
        made.render(latents, upto=4)


def test_a_network_that_takes_maps() -> None:
    class Map(Sigmoid):
        def forward(self, z: Tensor) -> Any:
            assert z.shape[1:] == (4, 1, 1)
            return super().forward(z)

    made = FactoryGenerator("dcgan", Map(), 4, 8, (0, 1), z_is_map=True)
    assert made.render(made.sample(2, seed())).shape == (2, 3, 8, 8)
