"""The attack model as data."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from bareface.errors import Abstained
from bareface.membership.engine.attack_model import AttackModel, TrainingSet, fit


def lesson(seed: int, n: int = 300, f: int = 4) -> TrainingSet:
    rng = np.random.default_rng(seed)
    member = rng.random(n) < 0.5
    return TrainingSet(rng.normal(size=(n, f)) * [1, 10, 100, 0.01] + member[:, None] * [0.5, 5, 0, 0.01], member)


def fitted(shape: str, seed: int = 0) -> tuple[AttackModel, TrainingSet]:
    one = lesson(seed)
    return fit([one], shape=shape, penalty=1.0, rng=np.random.default_rng(0)), one  # type: ignore[arg-type]


def test_one_layer_is_logistic_regression_on_standardised_features() -> None:
    model, one = fitted("logistic")
    standard = (one.features - one.features.mean(0)) / one.features.std(0)
    reference = LogisticRegression(class_weight="balanced", max_iter=5000).fit(standard, one.member)
    np.testing.assert_allclose(model.logit(one.features), reference.decision_function(standard), atol=1e-6)


def test_two_layers_separate_what_one_cannot() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 2))
    member = (x[:, 0] * x[:, 1]) > 0
    models = {
        shape: fit([TrainingSet(x, member)], shape=shape, penalty=1e-3, rng=np.random.default_rng(0))
        for shape in ("logistic", "mlp")
    }
    right = {shape: ((model.logit(x) > 0) == member).mean() for shape, model in models.items()}
    assert right["logistic"] < 0.65
    assert right["mlp"] > 0.9


@pytest.mark.parametrize("shape", ["logistic", "mlp"])
def test_torch_rebuilds_it_from_its_arrays(shape: str) -> None:
    torch = pytest.importorskip("torch")
    model, one = fitted(shape)
    arrays = {name: torch.from_numpy(np.asarray(values)) for name, values in model.arrays().items()}
    hidden = ((torch.from_numpy(one.features)[:, arrays["used"]] - arrays["mean"]) / arrays["scale"]).clamp(-10, 10)
    depth = sum(name.startswith("weight_") for name in arrays)
    for i in range(depth):
        hidden = hidden @ arrays[f"weight_{i}"] + arrays[f"bias_{i}"]
        hidden = hidden.relu() if i < depth - 1 else hidden
    np.testing.assert_allclose(hidden[:, 0].numpy(), model.logit(one.features), atol=1e-9)


def test_columns_that_nobody_knows_are_left_out_and_rows_with_a_hole_abstain() -> None:
    one = lesson(2)
    features = np.c_[one.features, np.full(len(one.member), np.nan)]
    features[3, 0] = np.nan
    model = fit([TrainingSet(features, one.member)], shape="logistic", penalty=1.0, rng=np.random.default_rng(0))
    assert model.used.tolist() == [True] * 4 + [False]
    assert np.flatnonzero(np.isnan(model.logit(features))).tolist() == [3]


def test_images_of_which_nothing_is_known_teach_nothing() -> None:
    unknown = TrainingSet(np.full((6, 2), np.nan), np.arange(6) < 3)
    with pytest.raises(Abstained, match="got no image with known features; expected at least one on each side"):
        fit([unknown], shape="logistic", penalty=1.0, rng=np.random.default_rng(0))


def test_shadows_of_other_architectures_are_refused() -> None:
    with pytest.raises(Abstained, match=r"got shadows with \[3, 4\] features; expected shadows of one architecture"):
        fit(
            [lesson(0), TrainingSet(lesson(1).features[:, :3], lesson(1).member)],
            shape="logistic",
            penalty=1.0,
            rng=np.random.default_rng(0),
        )


def test_one_wild_distance_does_not_decide_alone() -> None:
    model, one = fitted("logistic")
    wild = one.features[:1].copy()
    wild[0, 0] = 1e30
    assert abs(model.logit(wild)[0]) < 100
