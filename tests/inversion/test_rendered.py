"""The renderer as a generator, and the whole attack on it, from attack-model arrays to images."""

import numpy as np
import pytest
import torch
from inverted import seeded, small_target

from bareface.errors import UsageError
from bareface.inversion.generator import Latents
from bareface.inversion.objectives.membership import Membership
from bareface.inversion.plan import SearchPlan
from bareface.inversion.priors import Diversity, FeatureRange, PNorm
from bareface.inversion.rendered import RenderedFaces
from bareface.inversion.search import Search, search
from bareface.inversion.select import candidates, select, select_again
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import ViewAugmentation
from bareface.membership.engine.attack_model import AttackModel
from bareface.synthetic.people import SyntheticFaces


def test_it_renders_the_crowds_people() -> None:
    faces, numbers = SyntheticFaces(seed=1, size=16), np.arange(3)
    person, photo = faces.latents(numbers, numbers)
    made = RenderedFaces(16)
    images = made.render(Latents("z", torch.cat([person, photo], 1)))
    away = (images - faces.render(numbers, numbers) / 255).abs()
    assert away.median() < 0.03  # sensor noise apart
    assert images.min() >= 0
    assert images.max() <= 1
    assert made.fingerprint == RenderedFaces(16).fingerprint != RenderedFaces(17).fingerprint
    assert (made.spaces, made.resolutions) == (("z",), (16,))
    with pytest.raises(UsageError, match="latent space: got 'w'; expected 'z'"):
        made.to(made.sample(1, seeded()), "w")
    with pytest.raises(UsageError, match="upto=8; expected None or 16"):
        made.render(made.sample(1, seeded()), upto=8)


def test_siblings_are_photos_of_one_person() -> None:
    made = RenderedFaces(16)
    z = made.sample(2, seeded())
    variation = made.variation(2)
    noise = torch.randn(2, 2, variation.noise_size, generator=seeded())
    images = made.render(variation.siblings(z, noise)).reshape(2, 3, 3, 16, 16)
    torch.testing.assert_close(images[:, 0], made.render(z))
    assert not torch.equal(images[:, 0], images[:, 1])


def test_from_attack_models_to_images() -> None:
    target = small_target(dtype=torch.float32, side=16)
    models = tuple(
        AttackModel(np.ones(6, bool), np.zeros(6), np.ones(6), (-np.ones((6, 1)) * k,), (np.zeros(1),))
        for k in (0.5, 1.0, 1.5)
    )
    objective = Membership(target, models)
    scene = ViewSampler(RenderedFaces(16), ViewAugmentation(pairs=1))
    apart = Diversity(target, margin=0.999)
    public = scene.plainly(candidates(scene, 40, seed=9), range(40))
    kept = select(scene, objective, candidates(scene, 60, seed=0), 6, apart=apart)
    what = Search(scene, objective, SearchPlan(steps=12, rate=0.05), (PNorm(), FeatureRange.of(target, public)), apart)
    *_, end = search(what, kept.latents, numbers=kept.rows.tolist())
    chosen = select_again(scene, objective, end.latents(), 3, apart=apart)
    before = select_again(scene, objective, kept.latents, 3)
    assert scene.render(chosen.latents).shape == (3, 3, 16, 16)
    assert chosen.scores.mean() > before.scores.mean() > objective.score(public).mean()
