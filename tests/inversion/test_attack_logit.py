"""The rebuilt attack models and their features, against stage 1's own."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from inverted import noise_images, small_target, still

from bareface.errors import UsageError
from bareface.inversion.attack_logit import AttackLogit
from bareface.inversion.features import stage1_features
from bareface.membership import attack_class
from bareface.membership.attack_model import AttackModel, Lesson, fit
from bareface.trace import Channel, Layer, Trace

OURS = {
    Channel.BN_DISTANCE: "distance",
    Channel.BN_DISTANCE_VARIANCE: "distance_variance",
    Channel.BN_LOGVAR: "logvar",
    Channel.BN_LOGVAR_SQUARED: "logvar_squared",
}


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
def test_the_logit_is_the_attack_models(hidden: int) -> None:
    model = drawn(9, hidden)
    features = np.random.default_rng(1).normal(size=(50, 9)) * 5  # some beyond the clip
    rebuilt = AttackLogit.from_arrays(model.arrays())
    np.testing.assert_allclose(rebuilt(torch.from_numpy(features)).numpy(), model.logit(features), atol=1e-9)
    single = rebuilt(torch.from_numpy(features).float().reshape(25, 2, 9))
    np.testing.assert_allclose(single.numpy().ravel(), model.logit(features), atol=2e-3)
    columns = np.where(model.used, features, np.nan)
    torch.testing.assert_close(rebuilt(torch.from_numpy(columns)), rebuilt(torch.from_numpy(features)))


def test_a_fitted_model_survives_the_way_here() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(200, 4)), rng.random(200) < 0.5
    model = fit([Lesson(x + y[:, None], y)], shape="logistic", penalty=1.0, rng=rng)
    np.testing.assert_allclose(AttackLogit.from_arrays(model.arrays())(torch.from_numpy(x)), model.logit(x), atol=1e-9)
    pool = rng.normal(3.0, 2.0, size=(60, 4))
    moved = AttackLogit.from_arrays(model.arrays()).standardised_by(torch.from_numpy(pool))
    np.testing.assert_allclose(moved(torch.from_numpy(x)), model.standardised_by(pool).logit(x), atol=1e-9)


def test_gradients_inside_the_clip_and_the_way_back_from_beyond() -> None:
    rebuilt = AttackLogit.from_arrays(drawn(5, 6).arrays())
    near = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_(True)
    assert torch.autograd.gradcheck(rebuilt, near)
    linear = AttackLogit.from_arrays(drawn(5, 0).arrays())
    far = torch.full((1, 5), 1e4, dtype=torch.float64).requires_grad_(True)
    (gradient,) = torch.autograd.grad(linear(far).sum(), far)
    assert torch.allclose(gradient[0, linear.used], linear.weights[0][:, 0] / linear.scale)


def test_wrong_arrays_and_wrong_targets_are_named() -> None:
    arrays = drawn(5, 0).arrays()
    with pytest.raises(UsageError, match="got 4 features from this target; expected the 5"):
        AttackLogit.from_arrays(arrays)(torch.zeros(1, 4))
    with pytest.raises(UsageError, match=r"no array 'mean'; expected what AttackModel\.arrays\(\) gives"):
        AttackLogit.from_arrays({k: v for k, v in arrays.items() if k != "mean"})
    with pytest.raises(UsageError, match=r"'subject-compactness'; expected one of bn-distance, .*judges one image"):
        stage1_features("subject-compactness")


PARAMETERS = [
    *(
        ("bn-distance", {"convention": c, "flip": f})
        for c in ("channels", "variance", "none")
        for f in ("concat", "mean")
    ),
    ("bn-distance", {"flip": "none", "model": "mlp", "penalty": 2.0}),
    ("bn-distance", {}),
    *(("bn-distance-variance", {"flip": f}) for f in ("concat", "mean", "none")),
    ("embedding-norm", {"flip": "mean"}),
    ("flip-agreement", {}),
]


@pytest.mark.parametrize(("attack", "parameters"), PARAMETERS, ids=str)
def test_the_features_are_stage_ones(attack: str, parameters: dict[str, object]) -> None:
    target = small_target(dtype=torch.float32)
    answers = still(noise_images(6, dtype=torch.float32)).by(target)
    widths = answers.channels.int().tolist()
    channels = {c: getattr(answers, name)[:, 0].detach().numpy() for c, name in OURS.items()}
    channels[Channel.EMBEDDING] = answers.embedding[:, 0].detach().numpy()
    layers = tuple(Layer(str(i), width) for i, width in enumerate(widths))
    trace = Trace(np.array(list("abcdef")), np.arange(6), channels, layers=layers)
    expected = attack_class(attack)(**parameters).features(trace)  # type: ignore[attr-defined]
    found = stage1_features(attack, parameters)(answers)[:, 0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
