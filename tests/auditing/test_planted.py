"""The positive control of an audit: planted leaks are seen, and nothing is seen where nothing was planted."""

from dataclasses import replace

import numpy as np
import pytest
from toy import Toy, toy_world
from toy_audit import arena_of, pictures, settings, traces_of

from bareface.auditing.answers import run_game
from bareface.auditing.blind import BlindBaseline, blind_trace
from bareface.auditing.crossfit import AttackerData, crossfit_scores
from bareface.auditing.findings import findings
from bareface.auditing.planted import planted_leaks
from bareface.auditing.progress import silent
from bareface.records.evidence import PlantedLeak
from bareface.stats.planted import across_folds
from bareface.vocabulary import AssignmentWay


def planted(toy: Toy, how: AssignmentWay, *attacks: str, audits: int = 5) -> tuple[PlantedLeak, ...]:
    asked = settings(*attacks).model_copy(update={"planted_leaks": audits})
    traces = traces_of(toy.trace, toy_world(8).trace)
    answers = list(run_game(arena_of(toy), traces, pictures(toy), asked, silent, (0, len(attacks))))
    return planted_leaks(answers, findings(answers, traces, asked, pictures(toy), how), traces, asked, silent)


def test_a_planted_leak_is_shown_and_none_is_shown_where_nothing_was_planted() -> None:
    (one,) = planted(toy_world(7), "randomised", "bn-distance", "subject-compactness:k=3", audits=12)
    assert (one.game, one.attack, one.unit, one.audits) == ("dataset", "subject-compactness (k=3)", "image", 12)
    assert one.said["LEAK SHOWN"] >= 5  # 9 on average; fewer than 5 once in a thousand
    assert one.said_of_none.get("LEAK SHOWN", 0) <= 3
    assert sum(one.said.values()) == sum(one.said_of_none.values()) == 12
    assert one.effect is not None
    assert 0.55 < one.effect < 0.8


def test_on_matched_people_the_whole_way_is_gone() -> None:
    (one,) = planted(toy_world(7), "observational", "bn-distance")
    assert sum(one.said.values()) == 5
    assert set(one.said) <= {"LEAK SHOWN", "NOT SHOWN"}
    assert one.said_of_none.get("LEAK SHOWN", 0) <= 1


def test_where_sides_cannot_be_compared_nothing_is_drawn_and_the_reason_stands_there() -> None:
    toy = toy_world(3, leak=1.5)
    asked = settings("bn-distance")
    traces = replace(traces_of(toy.trace, toy_world(4).trace), foreign_unfit="it was never trained")
    answers = list(run_game(arena_of(toy), traces, pictures(toy), asked, silent, (0, 1)))
    (one,) = planted_leaks(answers, findings(answers, traces, asked, pictures(toy)), traces, asked, silent)
    assert (one.audits, one.said) == (0, {})
    assert "no leak of any size could have been shown" in one.reason


def test_none_are_drawn_if_none_are_asked_for() -> None:
    assert planted(toy_world(7), "randomised", "bn-distance", audits=0) == ()


@pytest.mark.parametrize("seed", range(3))
def test_drawn_scores_go_through_the_attack_model_of_attacks(seed: int) -> None:
    toy, rng = toy_world(seed), np.random.default_rng(seed)
    arena, n = arena_of(toy), len(toy.member)
    scores = 3 + rng.normal(size=n) + 0.5 * toy.member
    scores[rng.random(n) < 0.1] = np.nan
    trace = blind_trace(arena.rows.astype(str), scores[:, None].astype(np.float32), np.zeros((n, 1), np.float32))
    slow = crossfit_scores(BlindBaseline(), trace.with_photo_set(arena.photo_set), arena, AttackerData(), 0).scores
    assert across_folds(scores, arena.member, arena.fold) == pytest.approx(slow, abs=5e-3, nan_ok=True)
