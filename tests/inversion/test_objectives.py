"""What every objective keeps: rows by themselves, gradients, higher is better, weights add."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from inverted import noise_images, small_target, still, through
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from bareface.errors import TargetError, UsageError
from bareface.inversion.objectives import objective_class, objectives
from bareface.inversion.objectives.agreement import Agreement, mean_cosine
from bareface.inversion.objectives.base import Objective
from bareface.inversion.objectives.bn_distance import BnDistanceObjective
from bareface.inversion.objectives.class_centre import ClassCentreObjective
from bareface.inversion.objectives.compactness import Compactness
from bareface.inversion.objectives.embedding_norm import EmbeddingNormObjective
from bareface.inversion.objectives.membership import Membership
from bareface.inversion.objectives.sum import Sum
from bareface.inversion.objectives.template import Template
from bareface.inversion.view_batch import ViewBatch
from bareface.membership.engine.attack_model import AttackModel
from bareface.registry import prose
from bareface.targets.target import Target
from bareface.testing.objectives import OBJECTIVE_CHECKS, Make
from bareface.trace import Channel


def symmetric(images: Tensor) -> Tensor:
    return (images + images.flip(-1)) / 2


def world() -> tuple[Target, Tensor]:
    """A target made for image 0 of (5, 3, 8, 8): it is symmetric, and its features are the running means."""
    images = noise_images(5)
    images[0] = symmetric(images[0])
    target = small_target()
    for position in range(3):  # each layer sees what the ones before now make of it
        entering = list(still(images[:1]).by(target).entering.values())[position]
        entering.layer.running_mean = entering.mean.detach()[0].clone()
    # Not quite: an embedding of zeros has no direction.
    entering.layer.running_mean -= 1e-4
    return target, images


def logits() -> tuple[AttackModel, ...]:
    """Three models that like small distances."""
    rng = np.random.default_rng(0)
    arrays = [
        {"used": np.ones(6, bool), "mean": rng.random(6), "scale": rng.random(6) + 1, "weight_0": -rng.random((6, 1)),
         "bias_0": rng.normal(size=1)}
        for _ in range(3)
    ]  # fmt: skip
    return tuple(AttackModel.from_arrays(one) for one in arrays)


def embedding(target: Target, image: Tensor) -> Tensor:
    return still(image[None]).by(target).embedding[0, 0, :1].detach()


class LongTowards(nn.Module):
    """Embeddings grow with their cosine to one direction."""

    def __init__(self, module: nn.Module, direction: Tensor) -> None:
        super().__init__()
        self.module, self.direction = module, direction

    def forward(self, x: Tensor) -> Tensor:
        embedding = self.module(x)
        return embedding * cosine_similarity(embedding, self.direction)[:, None].exp() / embedding.norm(dim=1)[:, None]


def longest_for(target: Target, image: Tensor) -> Target:
    return replace(target, module=LongTowards(target.module, embedding(target, image)))


MAKERS: dict[str, Callable[[Target, Tensor], Objective]] = {
    "membership": lambda target, images: Membership(target, logits()),
    "bn-distance": lambda target, images: BnDistanceObjective(target),
    "agreement": lambda target, images: Agreement(target),
    "compactness": lambda target, images: Compactness(target),
    "embedding-norm": lambda target, images: EmbeddingNormObjective(longest_for(target, images[0])),
    "template": lambda target, images: Template(target, embedding(target, images[0])),
    "class-centre": lambda target, images: ClassCentreObjective(
        replace(target, centres=3 * embedding(target, images[0]))
    ),
    "sum": lambda target, images: Sum(((1.0, Agreement(target)), (0.1, BnDistanceObjective(target)))),
}


def siblings(images: Tensor) -> ViewBatch:
    """Two of each; the two of row 0 are the same."""
    others = images + 0.05 * noise_images(len(images), seed=8)
    others[0] = images[0]
    return still(torch.stack([images, others], 1))


def test_the_table_is_complete_and_every_objective_has_its_page() -> None:
    assert set(MAKERS) == set(objectives())
    assert objective_class("agreement") is Agreement
    for found in objectives().values():
        assert prose(found).sections["Known limits"]
    with pytest.raises(UsageError, match="objective: got 'nonsense'; expected one of agreement, bn-distance"):
        objective_class("nonsense")


@pytest.mark.parametrize("name", MAKERS)
def test_higher_is_better(name: str) -> None:
    target, images = world()
    scores = MAKERS[name](target, images).score(siblings(images))
    assert scores.shape == (5,)
    assert scores.argmax() == 0


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("check", OBJECTIVE_CHECKS, ids=lambda check: check.__name__)
def test_every_objective_keeps_to_the_contract(check: Callable[[Make], None], name: str) -> None:
    check(lambda target: MAKERS[name](target, noise_images(5, seed=6)))


def test_weights_add() -> None:
    target, reference, sight = small_target(), small_target(1), siblings(noise_images(4))
    a, b = Agreement(target), BnDistanceObjective(reference)
    both = Sum(((2.0, a), (-0.5, b)))
    torch.testing.assert_close(both.score(sight), 2 * a.score(sight) - 0.5 * b.score(sight))
    assert both.targets == (target, reference)
    assert Sum(((1.0, a), (1.0, BnDistanceObjective(target)))).targets == (target,)
    with pytest.raises(UsageError, match="Sum: got no terms"):
        Sum(())


def test_membership_is_the_mean_over_models_and_pairs() -> None:
    target, models = small_target(), logits()
    sight = through(noise_images(3)[:, None], torch.rand(3, 1, 2, 6, dtype=torch.float64))
    answers = sight.by(target)
    features = (answers.channel(Channel.BN_DISTANCE) / torch.tensor([4.0, 6, 5])).flatten(2).detach().numpy()
    expected = torch.from_numpy(sum(model.logit(features).mean(1) for model in models) / 3)
    torch.testing.assert_close(Membership(target, models).score(sight).detach(), expected)
    pool = Membership(target, models).standardised_on(sight)
    np.testing.assert_allclose(pool.models[1].mean, features.reshape(-1, 6).mean(0))

    with pytest.raises(UsageError, match="no attack models"):
        Membership(target, ())


def test_bn_distance_weighs_layers_alike() -> None:
    target, sight = small_target(), still(noise_images(30))
    logs = sight.by(target).channel(Channel.BN_DISTANCE).detach().log().flatten(0, 2)
    objective = BnDistanceObjective(target, "none").standardised_on(sight)
    standard = (logs - logs.mean(0)) / logs.std(0, correction=0)
    torch.testing.assert_close(objective.score(sight).detach(), -standard.reshape(30, -1).mean(1))
    same = BnDistanceObjective(target, "channels").standardised_on(sight)
    torch.testing.assert_close(same.score(sight), objective.score(sight))
    assert not torch.allclose(
        BnDistanceObjective(target, "variance").score(sight), BnDistanceObjective(target).score(sight)
    )
    with pytest.raises(UsageError, match="'folded'; expected channels, none or variance"):
        BnDistanceObjective(target, "folded")
    bare = replace(target, module=target.module[7:8])  # type: ignore[index]
    bare.module.register_forward_pre_hook(lambda _, x: x[0].flatten(1)[:, :24])
    with pytest.raises(
        UsageError, match=r"a target without BatchNorm statistics; .* agreement, which reads embeddings"
    ):
        BnDistanceObjective(bare).score(sight)


def test_agreement_is_the_mean_pairwise_cosine() -> None:
    directions = torch.nn.functional.normalize(torch.randn(2, 5, 3, dtype=torch.float64), dim=-1)
    pairs = [(directions[:, i] * directions[:, j]).sum(-1) for i in range(5) for j in range(i)]
    torch.testing.assert_close(mean_cosine(directions), torch.stack(pairs).mean(0))


def test_compactness_compares_siblings_alone() -> None:
    target, sight = small_target(), siblings(noise_images(4))
    directions = torch.nn.functional.normalize(sight.by(target).direction.sum(2), dim=-1)
    torch.testing.assert_close(Compactness(target).score(sight), (directions[:, 0] * directions[:, 1]).sum(-1))
    with pytest.raises(UsageError, match="images without siblings"):
        Compactness(target).score(still(noise_images(2)))


def test_a_row_may_have_its_own_template() -> None:
    target, images = small_target(), noise_images(4)
    templates = torch.cat([embedding(target, image) for image in images])
    sight = still(images)
    nearest = Template(target, templates)
    wanted = torch.tensor([1, 0, 3, 2])
    cosine = sight.by(target).direction.mean((1, 2)) @ torch.nn.functional.normalize(templates, dim=1).T
    torch.testing.assert_close(nearest.pinned(wanted).score(sight), cosine[torch.arange(4), wanted])
    torch.testing.assert_close(nearest.score(sight), cosine.amax(1))
    assert torch.equal(nearest.nearest(sight), cosine.argmax(1))
    headed = ClassCentreObjective(replace(target, centres=templates))
    torch.testing.assert_close(headed.pinned(wanted).score(sight), nearest.pinned(wanted).score(sight))
    assert torch.equal(headed.nearest(sight), nearest.nearest(sight))
    with pytest.raises(UsageError, match="numbers from 0 to 4; expected numbers from 0 to 3"):
        nearest.pinned(torch.tensor([0, 4]))
    with pytest.raises(UsageError, match=r"objective template: got shape \(5,\)"):
        Template(target, templates[0])
    with pytest.raises(UsageError, match="a backbone without its head"):
        ClassCentreObjective(target)


def test_a_target_that_answers_nan_is_named() -> None:
    target = small_target()
    target.module[-2].bias.data[0] = torch.nan  # type: ignore[index, union-attr, operator]
    with pytest.raises(
        TargetError, match=r"objective agreement: got NaN or infinity for 3 of 3 images, row 0 first.*small"
    ):
        Agreement(target).score(still(noise_images(3)))
