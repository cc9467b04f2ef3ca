"""What a gate can be asked, and what a mistake in it is told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.settings.policy import Policy, Rule, parse_rule, policy_of, read_policy
from bareface.vocabulary import GAMES, KNOWLEDGE, NOMINAL_FPRS

GAME, KNOWN = st.sampled_from([None, *GAMES]), st.sampled_from([None, *KNOWLEDGE])
LIMIT, SIGN = st.floats(0, 1), st.sampled_from([">", ">="])
RULES = st.one_of(
    st.builds(Rule, st.just("leak"), GAME, KNOWN),
    st.builds(Rule, st.just("auc"), GAME, KNOWN, st.none(), SIGN, LIMIT),
    st.builds(Rule, st.just("tpr"), GAME, KNOWN, st.sampled_from(NOMINAL_FPRS), SIGN, LIMIT),
)


@given(RULES)
def test_a_rule_reads_back_as_it_is_written(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule


@given(RULES, st.sampled_from(["", " ", "\t "]), st.booleans())
def test_spaces_and_capitals_say_nothing(rule: Rule, space: str, shout: bool) -> None:
    text = str(rule).replace(" ", space)
    assert parse_rule(space + (text.upper() if shout else text) + space) == rule


@given(st.one_of(st.text(), st.text("aucltprek.@f=> 01%nsdt", max_size=30)))
def test_any_text_is_a_rule_or_a_mistake_in_a_sentence(text: str) -> None:
    said = _rule_or_mistake(text)
    if isinstance(said, Rule):
        assert parse_rule(str(said)) == said
    else:
        assert "; expected " in said
        assert "\n" not in said


def _rule_or_mistake(text: str) -> Rule | str:
    try:
        return parse_rule(text)
    except UsageError as error:
        return str(error)


def test_what_is_written_in_the_manual() -> None:
    assert parse_rule("tpr@fpr=.01 > .05") == Rule("tpr", fpr=0.01, limit=0.05)
    assert parse_rule("person.auc>.7") == Rule("auc", "person", limit=0.7)
    assert parse_rule("shadow.dataset.tpr @ fpr = 1% >= 5 %") == Rule("tpr", "dataset", "shadow", 0.01, ">=", 0.05)
    assert parse_rule("record.leak") == Rule("leak", "record")


@pytest.mark.parametrize(
    ("text", "got", "expected"),
    [
        ("", "got ''", "expected [game.][knowledge.]leak"),
        ("leek", "got 'leek'", "Did you mean leak?"),
        ("person.acu > .7", "got 'acu'", "Did you mean auc?"),
        ("persons.auc > .7", "got 'persons'", "Did you mean person?"),
        ("person.dataset.auc > .7", "got a second game, dataset", "a rule for each"),
        ("partial.shadow.leak", "got a second knowledge, shadow", "at most one knowledge"),
        ("auc", "got auc alone", "auc > .7"),
        ("auc < .7", "got '<'", "a gate fails where more leaks than that"),
        ("auc > seven", "got 'seven'", "a number between 0 and 1, or a percentage"),
        ("auc > 70", "got '70'", "a number between 0 and 1, or a percentage"),
        ("auc > nan", "got 'nan'", "a number between 0 and 1"),
        ("auc@fpr=.01 > .7", "got @ after auc", "a false positive rate behind tpr only"),
        ("tpr > .05", "got tpr without its rate", "a rate among .1, .01, .001"),
        ("tpr@fpr=.05 > .05", "got a false positive rate of .05", "one that is counted: .1, .01, .001"),
        ("tpr@far=.01 > .05", "got tpr without its rate", "tpr@fpr=rate"),
        ("leak > 0", "got > after leak", "a leak is shown or it is not"),
        ("auc > .7 and leak", "got '.7 and leak'", "a number between 0 and 1"),
    ],
)
def test_a_mistake_in_a_rule_is_named(text: str, got: str, expected: str) -> None:
    with pytest.raises(UsageError) as mistake:
        parse_rule(text)
    assert got in str(mistake.value)
    assert expected in str(mistake.value)


def test_a_policy_is_a_file_of_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("fail_if:\n  - leak\n  - tpr@fpr=.01 > .05\nrequire_visible: .65\n")
    assert read_policy(path) == Policy(fail_if=("leak", "tpr@fpr=.01 > .05"), require_visible=0.65)
    path.write_text("fail_if: person.leak\n")
    assert read_policy(path).fail_if == (Rule("leak", "person"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fail-if: leak", "an unknown key; expected one of fail_if, require_visible. Did you mean fail_if?"),
        ("fail_if: [lek]", "Did you mean leak?"),
        ("fail_if: [7]", "a rule as text"),
        ("require_visible: .4", "require_visible: got 0.4; expected more than 0.5"),
        ("[leak]", "got a list; expected a YAML mapping"),
    ],
)
def test_a_mistake_in_a_policy_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as mistake:
        read_policy(path)
    assert words in str(mistake.value)


def test_a_command_line_adds_rules_and_replaces_the_number(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("fail_if: leak\nrequire_visible: .65\n")
    asked = policy_of(path, ["auc > .7"], 0.6, "bareface gate")
    assert asked == Policy(fail_if=("leak", "auc > .7"), require_visible=0.6)
    assert policy_of(path, [], None, "bareface gate").require_visible == 0.65
    with pytest.raises(UsageError, match=r"bareface gate, require_visible: got 0\.3; expected more than 0\.5"):
        policy_of(None, [], 0.3, "bareface gate")
