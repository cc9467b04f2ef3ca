"""Questions that grow: nothing is lost, nothing is asked twice, and the order of a first question stays."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.auditing.question import GROWS, asked_before, same_question, together
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.errors import RunError
from bareface.settings.recipe import Recipe, ReferenceSettings, ShadowSettings
from bareface.vocabulary import GAMES, KNOWLEDGE

NAMES = ("bn-distance", "embedding-norm", "flip-agreement", "subject-compactness:k=2", "subject-compactness:k=3")
RUN = Path("run")


@st.composite
def questions(draw: st.DrawFn) -> AuditSettings:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    games = draw(st.none() | st.lists(st.sampled_from(list(GAMES)), min_size=1, unique=True).map(tuple))
    shadows = draw(st.none() | st.integers(1, 4))
    allowed = [one for one in KNOWLEDGE if one != "shadow" or shadows]
    knowledge = draw(st.none() | st.lists(st.sampled_from(allowed), min_size=1, unique=True).map(tuple))
    references = draw(st.none() | st.integers(2, 5))
    return AuditSettings(
        attacks=attacks_named(*names), games=games, knowledge=knowledge,
        shadow=None if shadows is None else ShadowSettings(count=shadows),
        trained_references=None if references is None else ReferenceSettings(count=references),
    )  # fmt: skip


@given(questions(), questions())
def test_a_grown_question_asks_all_of_both(asked: AuditSettings, before: AuditSettings) -> None:
    grown = together(asked, before, RUN)
    for one in (asked, before):
        assert {a.title() for a in one.attacks} <= {a.title() for a in grown.attacks}
        assert set(one.knowledges) <= set(grown.knowledges)
        assert grown.games is None or (one.games is not None and set(one.games) <= set(grown.games))
        assert one.shadow is None or (grown.shadow is not None and one.shadow.count <= grown.shadow.count)
    assert len({a.title() for a in grown.attacks}) == len(grown.attacks)
    assert set(grown.knowledges) <= {*asked.knowledges, *before.knowledges, "shadow"}


@given(questions(), questions())
def test_asking_again_asks_nothing_new(asked: AuditSettings, before: AuditSettings) -> None:
    grown = together(asked, before, RUN)
    for again in (asked, before, grown):
        assert same_question(together(again, grown, RUN), grown)


@given(questions())
def test_a_first_question_keeps_its_order(asked: AuditSettings) -> None:
    plain = {key: value for key, value in asked.as_plain().items() if key in GROWS}
    assert together(asked, asked_before(RUN, plain), RUN) == asked


def test_references_of_another_recipe_are_refused() -> None:
    few, others = ReferenceSettings(count=2), ReferenceSettings(count=4, train=Recipe(epochs=3))
    with pytest.raises(RunError, match=r"got trained_references = .*; expected trained_references = .* as this run"):
        together(AuditSettings(trained_references=others), AuditSettings(trained_references=few), RUN)
