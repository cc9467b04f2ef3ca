"""Power against the textbook and against simulation."""

from statistics import NormalDist

import numpy as np
import pytest

from bareface.stats.power import LEAKING, power, smallest_effect

Z = NormalDist().inv_cdf


@pytest.mark.parametrize("attacks", [2, 3, 20])
def test_with_many_people_and_no_control_it_is_the_textbook_formula(attacks: int) -> None:
    textbook = 0.5 + (Z(1 - 0.05 / attacks) + Z(0.8)) * 0.01
    assert smallest_effect(0.01, attacks, 0) == pytest.approx(textbook, abs=2e-4)


def test_for_a_single_attack_the_interval_is_the_stricter_condition() -> None:
    assert smallest_effect(0.01, 1, 0) == pytest.approx(0.5 + (Z(0.975) + Z(0.8)) * 0.01, abs=2e-4)


@pytest.mark.parametrize("auc", [0.6, 0.75, 0.9])
@pytest.mark.parametrize("controls", [0, 1, 2])
def test_the_formula_is_what_the_rule_gives(auc: float, controls: int) -> None:
    rng, error = np.random.default_rng(controls), 0.06
    found = np.minimum(auc + error * 2 * (auc * (1 - auc)) ** 0.5 * rng.normal(size=100_000), 1)
    beside = 0.5 + error * rng.normal(size=(100_000, controls))
    half = Z(0.975) * error * np.sqrt(1 + 4 * found * (1 - found))
    exceeded = (beside <= 0.5) | (found[:, None] - beside > half[:, None])
    shown = (found > 0.5 + Z(1 - 0.05 / 3) * error) & exceeded.all(axis=1)
    assert power(auc, error, 3, controls) == pytest.approx(shown.mean(), abs=0.006)


def test_at_the_smallest_effect_the_power_is_four_fifths() -> None:
    assert power(smallest_effect(0.04, 5, 2), 0.04, 5, 2) == pytest.approx(0.8, abs=1e-3)


def test_models_that_were_fitted_on_a_leak_scatter_less_than_the_null_says() -> None:
    fixed, crossfitted = smallest_effect(0.04, 5, 2), smallest_effect(0.04, 5, 2, crossfit=True)
    assert crossfitted < fixed
    assert power(crossfitted, 0.04, 5, 2, LEAKING) == pytest.approx(0.8, abs=1e-3)


def test_more_attacks_controls_and_noise_ask_for_more() -> None:
    assert smallest_effect(0.03, 1) < smallest_effect(0.03, 10) < smallest_effect(0.04, 10)
    assert smallest_effect(0.03, 3, 0) < smallest_effect(0.03, 3, 1) < smallest_effect(0.03, 3, 2)


@pytest.mark.parametrize("error", [0.2, 0.4])
def test_an_auc_ends_at_one(error: float) -> None:
    assert smallest_effect(error, 3) == pytest.approx(1.0, abs=1e-5)
