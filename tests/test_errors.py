import copy
import re

import pytest

from bareface import errors
from bareface.errors import BarefaceError, CheckpointError, TargetError, UsageError

TREE = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, BarefaceError)]


def test_a_message_says_where_got_expected_and_what_to_try():
    error = UsageError("--seed", got="'x'", expected="a whole number", hint="--seed 7")
    assert str(error) == "--seed: got 'x'; expected a whole number. Try: --seed 7."
    assert (error.where, error.got, error.expected, error.hint) == ("--seed", "'x'", "a whole number", "--seed 7")


def test_without_a_hint_nothing_is_to_be_tried():
    assert str(UsageError("x", got="y", expected="z")) == "x: got y; expected z."


def test_what_a_hostile_file_says_stays_on_one_line_and_cannot_move_the_cursor():
    error = UsageError("a.yaml", got="a file (line 1:\n    \x1b[2J\r\udce9\n  ^)", expected="a mapping")
    assert str(error) == "a.yaml: got a file (line 1: \\x1b[2J\\x0d\\xdce9 ^); expected a mapping."
    assert "\x1b" in error.got, "as it was, for those who want it"


def test_a_message_cannot_be_given_by_position():
    with pytest.raises(TypeError):
        BarefaceError("where", "got", "expected")  # type: ignore[misc]


@pytest.mark.parametrize("kind", TREE)
def test_the_drawn_tree_is_the_tree(kind):
    drawn = re.search(rf"^ *[│ ├└─]*{kind.__name__} +(\d+|-|exit code)", errors.__doc__ or "", re.MULTILINE)
    assert drawn is not None
    if drawn[1].isdigit():
        assert kind.exit_code == int(drawn[1])


def test_a_wrong_checkpoint_is_a_wrong_target():
    assert issubclass(CheckpointError, TargetError)


@pytest.mark.parametrize("kind", TREE)
def test_an_error_crosses_process_borders(kind):
    error = kind("x", got="y", expected="z", hint="w")
    again = copy.copy(error)
    assert (type(again), str(again), again.got) == (kind, str(error), "y")


@pytest.mark.parametrize("part", ["where", "got", "expected", "hint"])
def test_no_part_of_a_message_is_longer_than_anybody_reads(part: str) -> None:
    parts = {"where": "a", "got": "b", "expected": "c", "hint": "d"} | {part: "9" * 100_000}
    said = str(UsageError(parts["where"], got=parts["got"], expected=parts["expected"], hint=parts["hint"]))
    assert "99... (100,0" in said
    assert len(said) < 2000
