"""Penalties, bounds, coordinates and siblings."""

import pytest
import torch
from inverted import LinearGenerator, noise_images, seeded, small_target, still
from stylegans import tiny

from bareface.errors import UsageError
from bareface.inversion.generator import Latents
from bareface.inversion.latents import Coordinates
from bareface.inversion.priors import Box, Diversity, FeatureRange, PNorm
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.variation import Redrawn, StyleMixing, normal_noise


def test_the_p_norm_is_one_for_ordinary_latents() -> None:
    sight = still(noise_images(2))
    u = torch.randn(2, 14, 512, generator=seeded())
    torch.testing.assert_close(PNorm(weight=2.0).penalty(u, sight), torch.full((2,), 2.0), atol=0.1, rtol=0)
    assert PNorm().penalty(torch.zeros(2, 5), sight).tolist() == [0, 0]


def test_the_box_has_two_sides() -> None:
    assert Box(2.0).project(torch.tensor([-5.0, -2, 0.5, 5])).tolist() == [-2, -2, 0.5, 2]
    with pytest.raises(UsageError, match="limit=0; expected a positive number"):
        Box(0)


def test_features_of_public_faces_cost_nothing_and_odd_ones_do() -> None:
    target, public = small_target(), still(noise_images(40))
    prior = FeatureRange.of(target, public, outside=0.0)
    nothing = torch.zeros(40, 2)
    assert prior.penalty(nothing, public).abs().max() < 1e-12
    odd = still(20 * noise_images(3) - 10)
    assert (prior.penalty(nothing[:3], odd) > 0.1).all()
    assert prior.low.shape == (4,)
    images = (20 * noise_images(2) - 10).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: prior.penalty(nothing[:2], still(x)), images, fast_mode=True)
    with pytest.raises(UsageError, match="got 1 public faces; expected two or more"):
        FeatureRange.of(target, still(noise_images(1)))


def test_diversity_is_a_hinge_against_the_others() -> None:
    target, sight = small_target(), still(noise_images(4))
    diversity = Diversity(target, margin=0.2, weight=3.0)
    crowd = diversity.directions(sight).detach()
    cosine = crowd @ crowd.T
    expected = [3.0 * sum(max(0.0, float(cosine[i, j]) - 0.2) for j in range(4) if j != i) for i in range(4)]
    assert max(expected) > 0
    assert diversity.penalty(sight, crowd).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("space", ["z", "p", "w", "w_plus", "b4"])
def test_coordinates_go_back_to_where_they_came_from(space: str) -> None:
    generator = StyleGAN2Generator("tiny", tiny(dtype=torch.float64))
    start = generator.to(generator.sample(5, seeded()), space)
    coordinates = Coordinates.around(generator, start)
    torch.testing.assert_close(coordinates.latents(coordinates.origin).values, start.values)
    some = coordinates.latents(coordinates.origin[1:3], slice(1, 3))
    torch.testing.assert_close(generator.render(some), generator.render(start[1:3]))
    if space == "b4":
        assert not coordinates.origin.any()
        moved = coordinates.latents(coordinates.origin + 1).values - start.values
        torch.testing.assert_close(moved.flatten(1).mean(1), start.values.flatten(1).std(1))


def test_siblings_share_the_coarse_layers() -> None:
    generator = StyleGAN2Generator("tiny", tiny(dtype=torch.float64))
    variation = StyleMixing(generator, z_dim=6, coarse=2, count=3)
    start = generator.to(generator.sample(2, seeded()), "p")
    noise = normal_noise(1, [4, 7], 0, variation)
    assert noise.shape == (2, 3, 6)
    assert torch.equal(normal_noise(1, [7], 0, variation)[0], noise[1])
    made = variation.siblings(start, noise).values.reshape(2, 4, -1, 5)
    own = generator.to(start, "w_plus").values
    torch.testing.assert_close(made[:, 0], own)
    torch.testing.assert_close(made[:, 1:, :2], own[:, None, :2].expand(-1, 3, -1, -1))
    assert not torch.isclose(made[:, 1:, 2:], own[:, None, 2:]).all(-1).any()


def test_a_stylegan_keeps_the_person_where_z_holds_one() -> None:
    network = tiny(dtype=torch.float64)
    assert isinstance(StyleGAN2Generator("tiny", network).variation(2), StyleMixing)
    generator = StyleGAN2Generator("tiny", network, person=2)
    variation = generator.variation(2)
    start = generator.sample(3, seeded())
    made = variation.siblings(start, normal_noise(0, range(3), 0, variation))
    assert made.space == "z"
    assert torch.equal(made.values.reshape(3, 3, -1)[:, 1:, :2], start.values[:, None, :2].expand(-1, 2, -1))
    assert generator.render(made).shape[0] == 9


def test_siblings_share_the_first_numbers() -> None:
    generator = LinearGenerator.drawn(6)
    variation = Redrawn(6, kept=4, count=2)
    start = generator.sample(3, seeded())
    noise = normal_noise(0, range(3), 5, variation)
    made = variation.siblings(Latents("z", start.values), noise).values.reshape(3, 3, 6)
    assert torch.equal(made[:, 0], start.values)
    assert torch.equal(made[:, 1:, :4], start.values[:, None, :4].expand(-1, 2, -1))
    assert torch.equal(made[:, 1:, 4:], noise)
    elsewhere = Latents("p", torch.zeros(3, 9))
    with pytest.raises(UsageError, match=r"siblings: got latents in 'p' of shape \(9,\); expected z of 6 numbers"):
        variation.siblings(elsewhere, noise)
    with pytest.raises(UsageError, match="kept=6 of 6; expected some kept, some drawn"):
        Redrawn(6, kept=6)
