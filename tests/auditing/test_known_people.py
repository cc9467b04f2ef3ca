"""Training images of other people are known with partial knowledge, and of nobody who is judged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bareface.auditing.answers import run_game
from bareface.auditing.blind import blind_trace
from bareface.auditing.crossfit import AttackerData, lessons
from bareface.auditing.games import arena
from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import Traces, in_arena, with_trained
from bareface.membership.mean_direction import MeanDirection
from bareface.rosters.roster import Roster
from bareface.stats.roc import auc
from bareface.trace import Channel, Reference, Trace, Trained, join
from bareface.vocabulary import GAMES, Game, Role


def world(people: int = 6) -> tuple[Roster, Trace]:
    """People with two training images and two others, as many strangers; an embedding is the number of its row."""
    rows = [(f"t{p}", role) for p in range(people) for role in (Role.MEMBER, Role.HELDOUT) for _ in range(2)]
    rows += [(f"s{p}", Role.OUTSIDE) for p in range(people) for _ in range(2)]
    subject, role = (np.array(column) for column in zip(*rows, strict=True))
    image = np.array([f"{row:03d}" for row in range(len(rows))])
    embedding = np.arange(len(rows), dtype=np.float32)[:, None, None].repeat(2, 1)
    roster = Roster(Path(), tuple(image.tolist()), subject, role)
    return roster, Trace(image, np.arange(len(rows)), {Channel.EMBEDDING: embedding})


@pytest.mark.parametrize("game", list(GAMES))
def test_everybody_elses_training_images_are_known_and_nothing_of_the_judged(game: Game) -> None:
    roster, trace = world()
    made = arena(roster, game, folds=3, seed=1)
    asked = with_trained(in_arena(trace, made), trace, made)
    for lesson in lessons(asked, made, AttackerData("partial")):
        judged, (labelled,) = np.unique(made.subject[lesson.judged]), lesson.known.labelled
        for beside, people in ((lesson.trace, judged), (labelled.trace, labelled.people)):
            assert beside.trained is not None
            rows = beside.trained.trace.channels[Channel.EMBEDDING][:, 0, 0].astype(int)
            assert set(roster.role[rows]) == {Role.MEMBER}
            names = {str(name) for name in roster.subject[made.rows[np.isin(made.subject, judged)]]}
            assert not names & set(roster.subject[rows].tolist())
            assert len(rows) == 2 * len({n for n in roster.subject[made.rows] if n[0] == "t"} - names)
            np.testing.assert_array_equal(np.unique(beside.trained.person), np.unique(people))
            own = dict(zip(made.subject.tolist(), roster.subject[made.rows].tolist(), strict=True))
            assert [own[number] for number in beside.trained.trace.photo_set.tolist()] == roster.subject[rows].tolist()


def test_without_partial_knowledge_nobody_is_known() -> None:
    roster, trace = world()
    made = arena(roster, "person", folds=2, seed=1)
    asked = in_arena(trace, made)
    strangers = asked.take(np.arange(3)).with_photo_set(np.array([-1, -2, -3]))
    for prior in (AttackerData("nonmembers", strangers=strangers), AttackerData("shadow")):
        assert all(lesson.trace.trained is None for lesson in lessons(asked, made, prior))


def test_who_is_known_follows_the_rows_and_is_forgotten_in_a_join() -> None:
    _, trace = world()
    beside = replace(trace, trained=Trained(trace.take(np.arange(2)), np.arange(len(trace))))
    taken = beside.take(np.array([5, 1]))
    assert taken.trained is not None
    assert taken.trained.person.tolist() == [5, 1]
    assert len(taken.trained.trace) == 2
    assert join(beside, beside).trained is None


def test_a_reference_is_familiar_with_people_of_whom_it_saw_other_images() -> None:
    _, trace = world(1)
    saw, knows = np.arange(len(trace)) == 0, np.arange(len(trace)) < 4
    plain, told = Reference(trace, saw), Reference(trace, saw, knows)
    assert plain.familiar.tolist() == saw.tolist()
    assert told.familiar.tolist() == knows.tolist()
    assert told.take(np.array([3, 4])).familiar.tolist() == [True, False]
    beside = replace(trace, references=(told,))
    assert join(beside, beside).references[0].familiar.tolist() == [*knows.tolist(), *knows.tolist()]


def margin_world(rng: np.random.Generator, trained: bool) -> tuple[Roster, Trace]:
    """As margin losses place people: those in training on axes of their own, strangers anywhere between the axes."""
    roster, _ = world(30)
    _, person = np.unique(roster.subject, return_inverse=True)
    between = np.abs(rng.normal(size=(60, 30)))
    towards = between / np.linalg.norm(between, axis=1, keepdims=True)
    if trained:
        known = [name[0] == "t" for name in np.unique(roster.subject)]
        towards[np.array(known)] = np.eye(30)
    points = towards[person] + 0.1 * rng.normal(size=(len(person), 30))
    embedding = (points / np.linalg.norm(points, axis=1, keepdims=True))[:, None].repeat(2, 1).astype(np.float32)
    return roster, Trace(np.array(roster.image), np.arange(len(person)), {Channel.EMBEDDING: embedding})


def test_an_audit_finds_unseen_photos_by_where_other_people_in_training_are_and_its_foreign_control_does_not() -> None:
    rng = np.random.default_rng(1)
    (roster, target), (_, foreign) = (margin_world(rng, trained) for trained in (True, False))
    made = arena(roster, "person", folds=5, seed=1)
    traces = Traces(target, foreign, None, (), None, "a foreign toy", "nothing")  # type: ignore[arg-type]
    pictures = blind_trace(
        np.array(roster.image), *(rng.normal(size=(len(roster.image), 4)).astype(np.float32) for _ in range(2))
    )
    attacks = (MeanDirection(k=2), MeanDirection(k=2, known_people=False))
    knowing, blindfold = run_game(made, traces, pictures, AuditSettings(attacks=attacks), silent, (0, 2))
    assert knowing.target is not None
    assert blindfold.target is not None
    assert auc(knowing.target, made.member) > 0.95
    assert auc(blindfold.target, made.member) < 0.8
    assert abs(auc(np.asarray(knowing.controls["foreign"]), made.member) - 0.5) < 0.2
