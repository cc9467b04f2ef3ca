"""From traces to verdicts, on toy worlds: leaks are shown, confounds are called invalid, silence stays silent."""

from dataclasses import replace

import numpy as np
import pytest
from toy import Toy, toy_world
from toy_audit import arena_of, pictures, settings, traces_of

from bareface.auditing.answers import Answer, run_game
from bareface.auditing.blind import BlindBaseline
from bareface.auditing.crossfit import AttackerData, crossfit_scores
from bareface.auditing.exposures import exposures
from bareface.auditing.findings import findings
from bareface.auditing.gating import with_access
from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import in_arena
from bareface.errors import Abstained, UsageError
from bareface.membership.base import Attack, AttackerKnowledge, Labelled
from bareface.records.evidence import Finding, apart_from_head
from bareface.scores import Scores
from bareface.trace import Trace
from bareface.vocabulary import AssignmentWay, Verdict


def audited(
    target: Toy, foreign: Toy, blind: Trace, asked: AuditSettings, how: AssignmentWay = "observational"
) -> tuple[list[Answer], tuple[Finding, ...]]:
    traces = traces_of(target.trace, foreign.trace)
    answers = list(run_game(arena_of(target), traces, blind, asked, silent, (0, len(asked.attacks))))
    return answers, findings(answers, traces, asked, blind, how).findings


def test_a_leak_is_shown_and_the_most_exposed_people_are_ranked() -> None:
    toy, asked = toy_world(1, leak=1.5), settings("bn-distance", "flip-agreement", "subject-compactness:k=3")
    answers, found = audited(toy, toy_world(2), pictures(toy), asked)
    assert [finding.verdict for finding in found] == [Verdict.LEAK_SHOWN] * 3
    names = np.array([f"person {n}" for n in toy.subject])
    ranks = [row.rank for row in exposures(answers, found, names)]
    assert len(ranks) == 40
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] == 1.0


def test_a_confound_that_pictures_show_too_is_invalid() -> None:
    toy = toy_world(3, leak=1.5)
    _, (finding,) = audited(toy, toy_world(4), pictures(toy, difference=3.0), settings("bn-distance"))
    assert finding.verdict is Verdict.INVALID
    assert "what anybody can tell without the target reaches AUC" in finding.sentence


def test_a_signal_that_a_foreign_model_shows_too_is_invalid() -> None:
    toy = toy_world(5, leak=1.5)
    _, (finding,) = audited(toy, toy_world(6, leak=1.8), pictures(toy), settings("bn-distance"))
    assert finding.verdict is Verdict.INVALID
    assert "what anybody can tell without the target reaches AUC" in finding.sentence


def test_silence_is_not_shown_with_the_smallest_effect() -> None:
    toy = toy_world(7)
    _, (finding,) = audited(toy, toy_world(8), pictures(toy), settings("bn-distance"))
    assert finding.verdict is Verdict.NOT_SHOWN
    assert finding.image is not None
    assert finding.image.smallest_effect is not None
    assert 0.55 < finding.image.smallest_effect < 0.9


def test_an_attack_that_cannot_be_run_is_recorded_with_its_reason() -> None:
    toy = toy_world(9)
    bare = replace(toy, trace=replace(toy.trace, channels={}))
    _, (finding,) = audited(bare, bare, pictures(toy), settings("bn-distance"))
    assert (finding.status, finding.verdict) == ("abstained", None)
    assert "expected BatchNorm layers with running statistics" in finding.reason


def test_an_attack_that_fails_is_recorded_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    toy, asked = toy_world(10, leak=1.0), settings("bn-kl", "flip-agreement")

    def broken(self: Attack, *_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(type(asked.attacks[0]), "features", broken)
    _, (first, second) = audited(toy, toy_world(11), pictures(toy), asked)
    assert (first.status, first.reason) == ("failed", "ZeroDivisionError: planted")
    assert second.status == "done"


def test_the_verdict_rests_on_attacks_without_the_head_where_there_are_any() -> None:
    toy, asked = toy_world(12), settings("flip-agreement", "class-centre")
    _, found = audited(toy, toy_world(13), pictures(toy), asked)
    assert [finding.attack for finding in apart_from_head(found)] == ["flip-agreement"]
    assert apart_from_head(found[1:]) == found[1:]


def test_a_signal_of_the_head_does_not_decide_where_the_same_attack_has_one_without() -> None:
    toy, asked = toy_world(12), settings("lira:signal=logit", "lira:signal=norm")
    _, found = audited(toy, toy_world(13), pictures(toy), asked)
    assert [finding.parameters["signal"] for finding in apart_from_head(found)] == ["norm"]


def test_the_blind_baseline_sees_likeness_of_photo_sets_only_when_it_is_given_sets() -> None:
    toy = toy_world(14)
    alike = pictures(toy)
    assert BlindBaseline().features(alike).shape[1] == 4
    assert BlindBaseline(k=3).features(alike.with_photo_set(toy.subject)).shape[1] == 8


class Spy(Attack):
    """Remembers what it was told."""

    name = "spy"
    needs = frozenset()

    def __init__(self) -> None:
        self.told: list[tuple[Trace, Labelled]] = []

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        (one,) = known.labelled
        self.told.append((trace, one))
        return Scores(np.zeros(len(trace)))


def test_nobody_is_judged_by_a_model_that_knew_them() -> None:
    toy, spy = toy_world(15), Spy()
    game = arena_of(toy)
    crossfit_scores(spy, in_arena(toy.trace, game), game, AttackerData(), 0)
    assert len(spy.told) == 5
    assert all(not set(judged.photo_set) & set(knew.trace.photo_set) for judged, knew in spy.told)
    assert {image for judged, _ in spy.told for image in judged.image} == set(toy.trace.image.tolist())


def test_who_knows_nonmembers_alone_is_told_of_nobodys_membership() -> None:
    toy, spy = toy_world(16), Spy()
    game, strangers = arena_of(toy), toy.trace.gallery
    assert strangers is not None
    crossfit_scores(spy, in_arena(toy.trace, game), game, AttackerData("nonmembers", strangers=strangers), 0)
    for judged, knew in spy.told:
        assert set(knew.trace.image[~knew.member]) == set(strangers.image)
        in_question = set(knew.trace.image[knew.member])
        assert in_question == set(toy.trace.image) - set(judged.image)
        assert {toy.member[list(toy.trace.image).index(image)] for image in in_question} == {True, False}


def test_nonmembers_knowledge_needs_nonmembers() -> None:
    toy = toy_world(17)
    game = arena_of(toy)
    with pytest.raises(Abstained, match="got nobody in these roles; expected public or auxiliary people"):
        crossfit_scores(Spy(), in_arena(toy.trace, game), game, AttackerData("nonmembers"), 0)


def test_a_leak_is_shown_to_who_knows_nonmembers_alone() -> None:
    toy, foreign = toy_world(18, leak=1.5), toy_world(19)
    asked = settings("bn-distance", "flip-agreement").model_copy(update={"knowledge": ("nonmembers",)})
    strangers = {"target": toy.trace.gallery, "foreign": foreign.trace.gallery}
    traces = replace(traces_of(toy.trace, foreign.trace), strangers=strangers)
    answers = list(run_game(arena_of(toy), traces, pictures(toy), asked, silent, (0, 2)))
    found = findings(answers, traces, asked, pictures(toy)).findings
    assert [(f.knowledge, f.verdict) for f in found] == [("nonmembers", Verdict.LEAK_SHOWN)] * 2


def test_shadow_knowledge_needs_shadows() -> None:
    with pytest.raises(UsageError, match="got shadow, but no shadow settings; expected how to train shadows"):
        AuditSettings(knowledge=("shadow",))


def test_whether_an_attack_reads_the_head_is_for_the_attack_to_say() -> None:
    toy, asked = toy_world(12), settings("flip-agreement", "class-centre")
    _, (plain, head) = audited(toy, toy_world(13), pictures(toy), asked)
    assert (plain.access, head.access) == ("answers", "head")
    told = with_access((plain.model_copy(update={"access": "head"}), head.model_copy(update={"access": "answers"})))
    assert [one.access for one in told][1] == "head"
    assert told[0].access != "head"
    changed = head.model_copy(update={"parameters": {"as_it_was": 1}})
    assert with_access((changed,)) == (changed,)
    foreign = head.model_copy(update={"attack": "of-another-package", "access": None})
    assert with_access((foreign,)) == (foreign,)
    assert with_access((head.model_copy(update={"access": None, "photos": None}),)) == (head,)
