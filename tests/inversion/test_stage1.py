"""Stage 1's features and attack models as stage 2 sees them: the same numbers, and gradients."""

from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
import torch
from inverted import noise_images, small_target, still

from bareface.errors import UsageError
from bareface.inversion.answers import DIFFERENTIABLE, Answers
from bareface.inversion.objectives.membership import Membership
from bareface.inversion.stage1 import features, logit, obstacle, steered_by
from bareface.membership import attack_class, attacks
from bareface.membership.base import FeatureAttack, Features
from bareface.membership.engine.attack_model import AttackModel, TrainingSet, fit
from bareface.membership.engine.features import views
from bareface.targets.target import Target
from bareface.trace import Channel, Trace


def drawn(features: int, hidden: int, seed: int = 0) -> AttackModel:
    rng = np.random.default_rng(seed)
    used = rng.random(features) < 0.7
    used[0] = True
    sizes = [int(used.sum()), *([hidden] if hidden else []), 1]
    weights = tuple(rng.normal(size=(a, b)) for a, b in pairwise(sizes))
    return AttackModel(
        used,
        rng.normal(size=sizes[0]),
        rng.random(sizes[0]) + 0.1,
        weights,
        tuple(rng.normal(size=b) for b in sizes[1:]),
    )


@pytest.mark.parametrize("hidden", [0, 7])
def test_tensors_have_the_logits_of_arrays(hidden: int) -> None:
    model = drawn(9, hidden)
    numbers = np.random.default_rng(1).normal(size=(50, 9)) * 5  # some beyond the clip
    np.testing.assert_allclose(logit(model, torch.from_numpy(numbers)).numpy(), model.logit(numbers), atol=1e-9)
    single = logit(model, torch.from_numpy(numbers).float().reshape(25, 2, 9))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy().ravel(), model.logit(numbers), atol=2e-3)
    columns = np.where(model.used, numbers, np.nan)
    torch.testing.assert_close(logit(model, torch.from_numpy(columns)), logit(model, torch.from_numpy(numbers)))


def test_a_logit_is_what_the_layers_say() -> None:
    """An independent writing-out of one hidden layer."""
    model, numbers = drawn(6, 3), np.random.default_rng(4).normal(size=6) * 30
    standard = [min(10.0, max(-10.0, v)) for v in (numbers[model.used] - model.mean) / model.scale]
    hidden = [
        max(0.0, sum(np.array(standard) * w) + b) for w, b in zip(model.weights[0].T, model.biases[0], strict=True)
    ]
    expected = sum(np.array(hidden) * model.weights[1][:, 0]) + model.biases[1][0]
    assert model.logit(numbers[None]) == pytest.approx([expected])


def test_a_fitted_model_survives_the_way_through_a_file() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(200, 4)), rng.random(200) < 0.5
    model = fit([TrainingSet(x + y[:, None], y)], shape="logistic", penalty=1.0, rng=rng)
    read = AttackModel.from_arrays(model.arrays())
    np.testing.assert_allclose(logit(read, torch.from_numpy(x)).numpy(), model.logit(x), atol=1e-9)


def test_gradients_inside_the_clip_and_the_way_back_from_beyond() -> None:
    model = drawn(5, 6)
    near = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: logit(model, x), near)
    linear = drawn(5, 0)
    far = torch.full((1, 5), 1e4, dtype=torch.float64).requires_grad_(True)
    (gradient,) = torch.autograd.grad(logit(linear, far).sum(), far)
    np.testing.assert_allclose(gradient[0].numpy()[linear.used], linear.weights[0][:, 0] / linear.scale)


def test_wrong_arrays_and_wrong_targets_are_named() -> None:
    model = drawn(5, 0)
    with pytest.raises(UsageError, match="got 4 features from this target; expected the 5"):
        logit(model, torch.zeros(1, 4))
    with pytest.raises(UsageError, match=r"no array 'mean'; expected what AttackModel\.arrays\(\) gives"):
        AttackModel.from_arrays({k: v for k, v in model.arrays().items() if k != "mean"})


STEERED = [name for name, kind in attacks().items() if not obstacle(kind())]


def answers_of(target: Target, dtype: torch.dtype = torch.float64) -> Answers:
    return still(noise_images(6, dtype=dtype)).by(target)


def headed(dtype: torch.dtype = torch.float64) -> Target:
    centres = torch.randn(9, 5, generator=torch.Generator().manual_seed(5), dtype=dtype)
    return replace(small_target(dtype=dtype), centres=centres)


def test_whatever_has_gradients_can_be_steered_by() -> None:
    assert {"bn-distance", "bn-distance-variance", "bn-kl", "class-centre", "embedding-norm", "flip-agreement",
            "max-posterior", "mint", "posterior-entropy", "shadow-posterior"} <= set(STEERED)  # fmt: skip
    assert answers_of(headed()).given == DIFFERENTIABLE


@pytest.mark.parametrize("name", STEERED)
def test_the_features_are_stage_ones(name: str) -> None:
    attack = steered_by(attack_class(name)())
    answers = answers_of(headed())
    trace = answers.trace(attack.reads())
    plain = replace(trace, channels={c: v.detach().numpy() for c, v in trace.channels.items()})  # type: ignore[attr-defined]
    found = features(attack, answers).detach()
    np.testing.assert_allclose(found[:, 0].numpy(), attack.features(plain), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", STEERED)
def test_every_such_attack_is_an_objective_without_a_second_file(name: str) -> None:
    attack, target = steered_by(attack_class(name)()), headed()
    rng = np.random.default_rng(0)
    pool = features(attack, answers_of(target)).flatten(0, 1).detach().numpy()
    model = fit([TrainingSet(pool, np.arange(len(pool)) < 3)], shape="logistic", penalty=1.0, rng=rng)
    objective = Membership(target, (model,), attack)
    images = noise_images(3, seed=8).requires_grad_(True)
    scores = objective.score(still(images))
    np.testing.assert_allclose(
        scores.detach().numpy(), model.logit(features(attack, still(images).by(target))[:, 0].detach().numpy())
    )
    (gradient,) = torch.autograd.grad(scores.sum(), images)
    assert gradient.isfinite().all()
    assert (gradient.flatten(1).norm(dim=1) > 0).all()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("view-agreement", "reads the channel view_cosines"),
        ("gradient-norm", "reads the channel gradient_norm"),
        ("estimated-distance", "reads the channel estimated_distance"),
        ("all-one-image", "reads the channels gradient_norm, layer_agreement, view_cosines, view_norm"),
        ("subject-compactness", "compares photos"),
        ("neighbour-compactness", "compares photos"),
        ("mahalanobis", "looks at gallery and references beside the target's answers"),
        ("qmia", "fits no attack model"),
    ],
)
def test_an_attack_that_cannot_be_steered_by_says_why(name: str, why: str) -> None:
    expected = rf"attack model of '{name}', which {why}; expected one of bn-distance, .*judges one image by itself, "
    with pytest.raises(UsageError, match=expected):
        Membership(small_target(), (drawn(3, 0),), attack_class(name)())  # type: ignore[arg-type]


def test_a_target_that_lacks_the_channel_is_named() -> None:
    with pytest.raises(UsageError, match="membership objective, class-centre: got a target that gives no class cosine"):
        features(steered_by(attack_class("class-centre")()), answers_of(small_target()))


class NotForTensors(FeatureAttack):
    """Written with NumPy's own functions."""

    name: ClassVar[str] = "not-for-tensors"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})

    def features(self, trace: Trace) -> Features:
        return views(np.abs(trace.channels[Channel.EMBEDDING]), "mean")


class LosesGradients(NotForTensors):
    name: ClassVar[str] = "loses-gradients"

    def features(self, trace: Trace) -> Features:
        return trace.channels[Channel.EMBEDDING][:, 0].detach()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("grad", [True, False])
def test_features_that_are_for_arrays_alone_are_told_apart_at_the_first_look(grad: bool) -> None:
    with (
        torch.set_grad_enabled(grad),
        pytest.raises(UsageError, match=r"not-for-tensors: .* stop at a tensor .*xp|arrays"),
    ):
        features(NotForTensors(), answers_of(small_target()))
    with torch.enable_grad(), pytest.raises(UsageError, match="loses-gradients: got a Tensor without gradients"):
        features(LosesGradients(), answers_of(small_target()))
