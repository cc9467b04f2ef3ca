"""The words that everybody uses are declared once, and completely."""

from typing import get_args

from bareface.vocabulary import CANDIDATES, CONTROLS, GAMES, KNOWLEDGE, ControlKind, Game, Knowledge, Role


def test_every_word_has_its_entry_in_the_order_of_its_type() -> None:
    for words, table in ((Game, GAMES), (Knowledge, KNOWLEDGE), (ControlKind, CONTROLS)):
        assert tuple(table) == get_args(words)


def test_the_sides_of_all_games_are_the_roles_in_question() -> None:
    assert {role for facts in GAMES.values() for role in facts.sides} == set(CANDIDATES)
    assert all(facts.inside != facts.outside for facts in GAMES.values())


def test_nobody_is_judged_as_a_person_where_everybody_is_on_both_sides() -> None:
    assert {name for name, facts in GAMES.items() if facts.same_people} == {"record"}
    assert all(facts.decides == "image" for facts in GAMES.values() if facts.same_people)
    assert {Role.MEMBER, Role.HELDOUT} == set(GAMES["record"].sides)
