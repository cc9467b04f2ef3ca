"""Rosters that nobody drew by lot: what must not be called a leak, and what still is one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy import Toy, toy_world

from bareface.auditing.alike import compare_sides
from bareface.auditing.answers import run_game
from bareface.auditing.blind import blind_trace
from bareface.auditing.findings import FoundLeaks, findings
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.auditing.traces import UNTRAINED, Traces, recognition
from bareface.rosters.roster import Roster
from bareface.trace import BN_CHANNELS, Channel, Trace
from bareface.vocabulary import AssignmentWay, Role, Verdict

ASKED = AuditSettings(attacks=attacks_named("bn-distance", "embedding-norm"))


def arena_of(toy: Toy) -> GameSplit:
    role = np.where(toy.member, Role.MEMBER, Role.OUTSIDE).astype(str)
    image = tuple(f"{row}.png" for row in range(len(role)))
    return arena(Roster(Path(), image, toy.subject.astype(str), role), "dataset", folds=5, seed=0)


def pictures(toy: Toy) -> Trace:
    rng = np.random.default_rng(9)
    features, thumbnail = rng.normal(size=(len(toy.member), 4)), rng.normal(size=(len(toy.member), 16))
    return blind_trace(toy.trace.image, features.astype(np.float32), thumbnail.astype(np.float32))


def tilted(trace: Trace, subject: np.ndarray, trait: np.ndarray, weight: float) -> Trace:
    """What a network answers if it sees a trait of people: longer embeddings, nearer features, and an axis for it."""
    lift = weight * trait[subject]
    channels = dict(trace.channels)
    for name in BN_CHANNELS:
        channels[name] = (channels[name] * np.exp(-lift)[:, None, None]).astype(np.float32)
    embedding = channels[Channel.EMBEDDING] * np.exp(0.5 * lift)[:, None, None]
    embedding[..., 0] += 2.0 * trait[subject][:, None] * np.abs(embedding).mean()
    channels[Channel.EMBEDDING] = embedding.astype(np.float32)
    return replace(trace, channels=channels)


def confounded(strength: float, seed: int) -> tuple[Toy, Toy]:
    """Target and foreign of one crowd in which members have more of a trait that both networks see; nobody leaks."""
    target, foreign = toy_world(seed), toy_world(seed + 500)
    rng, people = np.random.default_rng(seed), target.subject.max() + 1
    trait = rng.normal(size=people) + strength * (np.arange(people) < people // 2)
    return (
        replace(target, trace=tilted(target.trace, target.subject, trait, 0.6)),
        replace(foreign, trace=tilted(foreign.trace, foreign.subject, trait, 0.6)),
    )


def audited(target: Toy, foreign: Toy, how: AssignmentWay = "observational", unfit: str = "") -> FoundLeaks:
    game, blind = arena_of(target), pictures(target)
    traces = Traces(target.trace, foreign.trace, None, (), None, "foreign", "nothing", unfit)  # type: ignore[arg-type]
    answers = list(run_game(game, traces, blind, ASKED, silent, (0, 1)))
    return findings(answers, traces, ASKED, blind, how)


def verdicts(found: FoundLeaks) -> set[Verdict | None]:
    return {finding.verdict for finding in found.findings}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_people_who_differ_are_no_leak_where_a_trained_network_sees_it(seed: int) -> None:
    found = audited(*confounded(1.2, seed))
    assert Verdict.LEAK_SHOWN not in verdicts(found)
    assert (found.balances[0].auc or 0) > 0.6


def test_an_untrained_copy_sees_nobody_and_decides_nothing() -> None:
    target, _ = confounded(1.2, 1)
    found = audited(target, toy_world(900), unfit=UNTRAINED)
    assert verdicts(found) <= {Verdict.INVALID, Verdict.NOT_SHOWN}
    assert Verdict.INVALID in verdicts(found)
    (foreign,) = {c.decides for finding in found.findings for c in finding.controls if c.kind == "foreign"}
    assert not foreign
    assert "bring a backbone that was trained on other people" in found.findings[0].sentence


def test_a_leak_beside_a_difference_between_people_is_still_shown() -> None:
    target, foreign = confounded(0.5, 4)
    leaking = toy_world(4, leak=1.5)
    channels = {name: target.trace.channels[name] * leaking.trace.channels[name] / toy_world(4).trace.channels[name]
                for name in (*BN_CHANNELS, Channel.EMBEDDING)}  # fmt: skip
    both = replace(target, trace=replace(target.trace, channels={**target.trace.channels, **channels}))
    found = audited(both, foreign)
    assert Verdict.LEAK_SHOWN in verdicts(found)
    shown = next(finding for finding in found.findings if finding.verdict is Verdict.LEAK_SHOWN)
    assert "On matched people" in shown.sentence


@pytest.mark.parametrize("how", ["randomised", "observational"])
def test_a_signal_in_the_outsiders_is_named_and_is_no_leak(how: AssignmentWay) -> None:
    toy = toy_world(5, leak=1.5)
    exchanged = replace(toy, member=~toy.member)
    found = audited(exchanged, toy_world(6), how)
    assert verdicts(found) == {Verdict.INVALID}
    assert "The roles of the two sides may be exchanged" in found.findings[0].sentence
    assert {finding.cause for finding in found.findings} == {"reversed"}


def test_a_foreign_network_that_saw_the_members_is_suspected() -> None:
    found = audited(toy_world(7, leak=1.5), toy_world(8, leak=2.5))
    assert Verdict.LEAK_SHOWN not in verdicts(found)
    assert "or the foreign model was trained on some of the members" in found.findings[0].sentence


def test_lots_need_no_foreign_network() -> None:
    found = audited(toy_world(9, leak=1.5), toy_world(10), "randomised", UNTRAINED)
    assert verdicts(found) == {Verdict.LEAK_SHOWN}


def test_people_who_cannot_be_matched_are_the_reason_before_signals_that_point_back() -> None:
    """Different people may lift either side's signals: nothing then says that the roles are exchanged."""
    target, foreign = confounded(6.0, 4)
    exchanged = (replace(toy, member=~toy.member) for toy in (target, foreign))
    found = audited(*exchanged)
    assert verdicts(found) == {Verdict.INVALID}
    assert found.balances[0].overlap
    assert {finding.cause for finding in found.findings} == {"people"}


def test_as_many_people_as_are_said_to_be_needed_are_needed_with_the_remainder_of_matching() -> None:
    found = audited(*confounded(0.8, 3))
    for finding in found.findings:
        assert finding.matched is not None
        measured, visible = finding.matched.measurement, finding.matched.smallest_effect
        assert visible is not None
        assert (measured.growth_needed is None) == (visible <= ASKED.max_smallest_effect)


def test_matched_people_are_counted_by_what_they_are_worth() -> None:
    target, foreign = confounded(1.2, 1)
    traces = Traces(target.trace, foreign.trace, None, (), None, "foreign", "nothing")  # type: ignore[arg-type]
    alike = compare_sides(arena_of(target), traces, pictures(target), seed=7)
    assert alike is not None
    record = alike.record
    assert 0 < (record.effective_members or 0) < record.member_people == 40
    assert abs((record.matched_auc or 0) - 0.5) < (record.auc or 0) - 0.5


def test_a_network_that_recognises_nobody_is_told_from_one_that_does() -> None:
    rng, person = np.random.default_rng(0), np.repeat(np.arange(30), 4)
    who = rng.normal(size=(30, 16))[person]
    for noise, low, high in ((0.3, 0.95, 1.0), (50.0, 0.4, 0.65)):
        embedding = (who + noise * rng.normal(size=(120, 16)))[:, None].astype(np.float32)
        trace = Trace(person.astype(str), person, {Channel.EMBEDDING: embedding}, ("image",))
        reached = recognition(trace, person.astype(str))
        assert reached is not None
        assert low <= reached <= high
    alone = Trace(person[:4].astype(str), person[:4], {Channel.EMBEDDING: embedding[::30]}, ("image",))
    assert recognition(alone, np.arange(4).astype(str)) is None
