"""Mistakes are one sentence and an exit code; Ctrl-C says how to resume."""

from pathlib import Path

import pytest
import typer

from bareface.cli.manners import Stages, manners
from bareface.errors import RosterError, RunError, UnsafeFileError


@pytest.mark.parametrize(("error", "code"), [(RosterError, 2), (RunError, 4), (UnsafeFileError, 5)], ids=str)
def test_a_mistake_is_one_sentence(error: type[RosterError], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as stop, manners():
        raise error("people.csv", got="[bold]nothing", expected="people", hint="bring some")
    assert stop.value.exit_code == code
    said = capsys.readouterr()
    assert said.err == f"{error.__name__} people.csv: got [bold]nothing; expected people. Try: bring some.\n"
    assert said.out == ""


def test_control_characters_of_a_hostile_name_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), manners():
        raise RosterError("a\x1b[2Jb\r.csv", got="nothing", expected="people")
    assert "a\\x1b[2Jb\\x0d.csv" in capsys.readouterr().err


def test_an_interrupt_says_how_to_resume(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as stop, manners(Path("runs/mine")):
        raise KeyboardInterrupt
    assert stop.value.exit_code == 130
    assert "kept in runs/mine; run the same command again to resume" in capsys.readouterr().err


def test_progress_without_a_terminal_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages() as stages:
        for done in range(1, 101):
            stages("probing", done, 100)
    assert capsys.readouterr().err.splitlines() == ["probing: 1 of 100", "probing: 100 of 100"]
