"""What every attack must keep to, whoever wrote it; a new file in the folder is tested here by itself."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from toy import Toy, known_from, nonmembers_known, split_in_halves, toy_world

from bareface.errors import Abstained
from bareface.membership import attacks
from bareface.membership.base import Attack, Known, Labelled
from bareface.registry import HEADINGS, prose
from bareface.trace import HEAD_CHANNELS, VIEW_CHANNELS

ALL = [pytest.param(attack, id=name) for name, attack in attacks().items()]


def answer(attack: Attack, toy: Toy, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    learn, judge = split_in_halves(toy)
    scores = attack.score(toy.trace.take(judge), known_from(toy, learn), np.random.default_rng(seed))
    return scores.values, toy.member[judge]


def auc(scores: np.ndarray, member: np.ndarray) -> float:
    known = ~np.isnan(scores)
    return float(roc_auc_score(member[known], scores[known]))


@pytest.mark.parametrize("attack", ALL)
def test_finds_a_planted_leak_in_the_one_direction(attack: type[Attack]) -> None:
    assert auc(*answer(attack(), toy_world(1, leak=1.5))) > 0.75


@pytest.mark.parametrize("attack", ALL)
def test_is_silent_where_nothing_leaks(attack: type[Attack]) -> None:
    values = [auc(*answer(attack(), toy_world(100 + seed))) for seed in range(40)]
    assert abs(np.mean(values) - 0.5) < 4 * np.std(values) / np.sqrt(len(values))


@pytest.mark.parametrize("attack", ALL)
def test_finds_it_knowing_nobody_but_nonmembers(attack: type[Attack]) -> None:
    toy = toy_world(3, leak=1.5)
    learn, judge = split_in_halves(toy)
    scores = attack().score(toy.trace.take(judge), nonmembers_known(toy, learn), np.random.default_rng(0))
    assert auc(scores.values, toy.member[judge]) > 0.7


@pytest.mark.parametrize("attack", ALL)
def test_is_silent_knowing_nobody_but_nonmembers(attack: type[Attack]) -> None:
    values = []
    for seed in range(20):
        toy = toy_world(200 + seed)
        learn, judge = split_in_halves(toy)
        scores = attack().score(toy.trace.take(judge), nonmembers_known(toy, learn), np.random.default_rng(0))
        values.append(auc(scores.values, toy.member[judge]))
    assert abs(np.mean(values) - 0.5) < 4 * np.std(values) / np.sqrt(len(values))


@pytest.mark.parametrize("attack", ALL)
def test_does_not_depend_on_the_order_of_rows(attack: type[Attack]) -> None:
    toy = toy_world(2, leak=0.5)
    learn, judge = split_in_halves(toy)
    known, order = known_from(toy, learn), np.random.default_rng(3).permutation(len(judge))
    straight = attack().score(toy.trace.take(judge), known, np.random.default_rng(0)).values
    shuffled = attack().score(toy.trace.take(judge[order]), known, np.random.default_rng(0)).values
    np.testing.assert_allclose(shuffled, straight[order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("attack", ALL)
def test_same_stream_same_scores(attack: type[Attack]) -> None:
    toy = toy_world(4, leak=0.5)
    np.testing.assert_allclose(answer(attack(), toy, seed=5)[0], answer(attack(), toy, seed=5)[0])


@pytest.mark.parametrize("attack", ALL)
def test_abstains_on_an_image_without_an_answer(attack: type[Attack]) -> None:
    toy = toy_world(6, leak=0.5)
    learn, judge = split_in_halves(toy)
    holed = {name: values.copy() for name, values in toy.trace.channels.items()}
    for values in holed.values():
        values[judge[0]] = np.nan
    trace = replace(toy.trace, channels=holed).take(judge)
    scores = attack().score(trace, known_from(toy, learn), np.random.default_rng(0))
    assert scores.abstained[0]
    assert not scores.abstained[7:].any()


@pytest.mark.parametrize("attack", ALL)
def test_abstains_with_a_reason_where_the_target_lacks_a_channel(attack: type[Attack]) -> None:
    toy = toy_world(7)
    bare = replace(toy.trace, channels={})
    with pytest.raises(Abstained, match=rf"^{attack.name}: got a target that gives no .*; expected "):
        attack().score(bare, Known("partial", (Labelled(bare, toy.member),)), np.random.default_rng(0))


@pytest.mark.parametrize("attack", ALL)
def test_needs_both_sides_to_learn(attack: type[Attack]) -> None:
    toy = toy_world(8)
    known = Known("partial", (Labelled(toy.trace, np.ones(len(toy.member), bool)),))
    with pytest.raises(Abstained, match="got one side only; expected known members and known non-members"):
        attack().score(toy.trace, known, np.random.default_rng(0))


@pytest.mark.parametrize("attack", ALL)
def test_works_from_shadows_whose_answers_have_another_scale(attack: type[Attack]) -> None:
    shadows = tuple(_scaled(toy_world(seed, leak=1.5), 5.0) for seed in (11, 12))
    target = toy_world(13, leak=1.5)
    if "shadow" in attack.useless:
        with pytest.raises(Abstained, match=rf"^{attack.name}: got shadow knowledge; expected .*partial"):
            attack().score(target.trace, Known("shadow", shadows), np.random.default_rng(0))
        return
    scores = attack().score(target.trace, Known("shadow", shadows), np.random.default_rng(0))
    assert auc(scores.values, target.member) > 0.75


def _scaled(toy: Toy, factor: float) -> Labelled:
    channels = {
        name: values * np.float32(1 if name in {*HEAD_CHANNELS, *VIEW_CHANNELS} else factor)
        for name, values in toy.trace.channels.items()
    }
    return Labelled(replace(toy.trace, channels=channels), toy.member)


@pytest.mark.parametrize("attack", ALL)
def test_explains_itself_and_states_its_parameters(attack: type[Attack]) -> None:
    assert set(HEADINGS) <= set(prose(attack).sections)
    parameters = attack().parameters()
    assert attack(**json.loads(json.dumps(parameters))) == attack()


@pytest.mark.parametrize("attack", ALL)
def test_refuses_unknown_parameters(attack: type[Attack]) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        attack(nonsense=1)
