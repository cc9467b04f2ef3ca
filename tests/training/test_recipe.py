"""A recipe is checked before an hour is spent on it."""

import json

import pytest

from bareface.errors import UsageError
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "Recipe.epochs: got 0; expected 1 to 9999."),
        ({"batch_size": 1}, "Recipe.batch_size: got 1; expected 2 to 65536."),
        ({"learning_rate": float("nan")}, "Recipe.learning_rate: got nan; expected 1e-08 to 100."),
        ({"momentum": 1.0}, "Recipe.momentum: got 1.0; expected 0 to 0.9999."),
        ({"margin": 2.0}, "Recipe.margin: got 2.0; expected 0 to 1.5."),
        ({"head": "cosface", "margin": 1.2}, "Recipe.margin: got 1.2; expected 0 to 1."),
        ({"head": "softmax"}, "Recipe.head: got 'softmax'; expected 'arcface' or 'cosface'."),
        ({"shift": -1}, "Recipe.shift: got -1; expected 0 to 256."),
        (
            {"epochs": 3, "warmup_epochs": 4},
            "Recipe.warmup_epochs: got 4; expected at most the 3 epochs of the run. Try: a tenth of the epochs.",
        ),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Recipe(**wrong)  # type: ignore[arg-type]
    assert str(raised.value) == message


def test_as_dict_names_every_field_and_survives_json() -> None:
    plain = Recipe(spec=ImageSpec(112, 96, "RGB", (0.0, 1.0, 2.0), (255.0,))).as_dict()
    assert plain["spec.mean"] == "0 1 2"
    assert (plain["spec.height"], plain["spec.width"], plain["spec.order"]) == (112, 96, "RGB")
    assert json.loads(json.dumps(plain)) == plain
    assert {"architecture", "epochs", "seed", "flip"} <= set(plain)
