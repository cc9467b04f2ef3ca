"""Mistakes are one sentence and an exit code; Ctrl-C says how to resume."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rich.markup import escape
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.cli.manners import Stages, coloured, manners
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


NO_PATHS = {"a long name": "a" * 300, "a long path": "a/" * 2500, "NUL": "a\0b"}
CALLS = [
    "demo --run PATH",
    "audit PATH",
    "audit --model PATH --members HERE --nonmembers HERE --run NEW",
    "audit --model http://127.0.0.1:9/ --roster PATH --run NEW",
    "audit --model http://127.0.0.1:9/ --members PATH --nonmembers HERE --run NEW",
    "train PATH -o NEW",
    "train FILE -o NEW --config PATH",
    "train FILE -o PATH",
    "report PATH",
    "faces PATH --people 1 --images 1",
    "pairs PATH -o NEW",
    "pairs FILE -o PATH --same 2 --different 2 --folds 2",
    "verify PATH --model HERE",
    "verify FILE --model HERE --images PATH",
    "align PATH NEW --landmarks FILE",
    "align HERE PATH --landmarks FILE",
    "align HERE NEW --landmarks PATH",
    "overlap PATH PATH --run NEW",
    "inspect PATH",
    "inspect FILE --compare PATH",
    "selfcheck PATH --images PATH",
    "invert PATH --roster FILE",
    "invert HERE --roster PATH",
    "convert-generator PATH NEW",
    "train-generator PATH --images HERE",
    "train-generator NEW --images PATH",
    "fit-generator NEW --people PATH",
    "fit-generator PATH --people HERE",
    "split PATH -o NEW --seed 1",
    "split FILE -o PATH --seed 1",
    "bench --roster PATH --run NEW",
    "bench --recipe PATH --run NEW",
]


@pytest.mark.parametrize("path", NO_PATHS.values(), ids=NO_PATHS)
@pytest.mark.parametrize("call", CALLS)
def test_what_can_be_no_path_ends_in_a_sentence(call: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "image,subject,role\n" + "".join(f"{n}.png,p{n // 2},member\n" for n in range(12))
    )
    words = {"PATH": path, "HERE": str(tmp_path), "NEW": str(tmp_path / "new"), "FILE": str(tmp_path / "list.csv")}
    ended = CliRunner().invoke(app, [words.get(word, word) for word in call.split()])
    assert isinstance(ended.exception, SystemExit), repr(ended.exception)
    assert ended.exit_code in (2, 4), ended.output
    assert "Error" in ended.stderr


def test_what_is_made_of_a_path_may_be_too_long_where_the_path_was_not(tmp_path: Path) -> None:
    person = tmp_path / "pool" / "ada"
    person.mkdir(parents=True)
    (person / "1.png").write_bytes(b"")
    roster = tmp_path / ("r" * 250 + ".csv")
    ended = CliRunner().invoke(app, ["split", str(tmp_path / "pool"), "-o", str(roster), "--seed", "1"])
    assert ended.exit_code in (2, 4)
    assert "UsageError" in ended.stderr
    assert "got a path of" in ended.stderr
    assert "no name of more than 255 bytes, 4,095 in all. Try: a shorter path." in ended.stderr


@pytest.mark.parametrize("terminal", [True, False])
def test_the_verdict_is_coloured_on_a_terminal_alone(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    text = "audit :smile:\n\nNOT SHOWN\n" + escape("[red]NOT SHOWN[/] of 3\n")
    shown = coloured(text, "NOT SHOWN")
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == "audit :smile:\n\nNOT SHOWN\n[red]NOT SHOWN[/] of 3\n"
    assert shown.count("\x1b[") == (2 if terminal else 0)
    assert "32m" not in shown, "green would say that it is safe"


def test_the_package_is_the_command() -> None:
    said = subprocess.run([sys.executable, "-m", "bareface", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"bareface \d+\.\d+.*\n", said.stdout)
