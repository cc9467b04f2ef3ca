"""How a command ends: every exit code through a process of its own, whatever becomes of its output."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bareface.errors import BarefaceError, ExitCode

# `bareface attacks` in which the list is something else, or a crash: quick, and without a run folder.
SCRIPT = """
import signal, sys
sys.argv = ["bareface", *sys.argv[1:]]
import bareface.cli.listing as listing
import bareface.errors as errors
def told():
    {body}
listing.list_attacks = told
from bareface.cli import main
main()
"""
LONG = "return 'line\\n' * 100_000"
SHORT = "return 'all is said'"


def command(body: str, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-c", SCRIPT.format(body=body), *(arguments or ("attacks",))]


def ended(body: str, *arguments: str, **streams: object) -> "subprocess.CompletedProcess[str]":
    """What became of it; both streams are read unless they are given."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(command(body, *arguments), text=True, check=False, **streams)  # type: ignore[call-overload, no-any-return]


def in_shell(body: str, redirection: str) -> "subprocess.CompletedProcess[str]":
    """What became of it with a stream redirected or closed as a shell does it."""
    words = ["sh", "-c", f'"$@" {redirection}', "sh", *command(body)]
    return subprocess.run(words, text=True, check=False, capture_output=True)


def test_done() -> None:
    done = ended(SHORT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "all is said\n", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [("UsageError", 2), ("RosterError", 2), ("TargetError", 2), ("RunError", 4), ("UnsafeFileError", 5)],
)
def test_mistakes_have_the_codes_of_their_kinds(error: str, code: int) -> None:
    done = ended(f"raise errors.{error}('here', got='this', expected='that')")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"{error} here: got this; expected that.\n"


def test_a_crash_is_one_line_and_a_traceback_for_its_owner(tmp_path: Path) -> None:
    body = "raise ZeroDivisionError('a\\nb')"
    done = ended(body, env=os.environ | {"TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (70, "")
    (kept,) = tmp_path.iterdir()
    assert done.stderr == (
        f"Crash: ZeroDivisionError: a b. This is a mistake in bareface; where it happened is said in {kept}.\n"
    )
    assert kept.stat().st_mode & 0o077 == 0
    assert "in told" in kept.read_text()
    assert "ZeroDivisionError: a" in kept.read_text()


def test_a_crash_is_shown_when_asked() -> None:
    done = ended("raise ZeroDivisionError", "--debug", "attacks")
    assert done.returncode == 70
    assert re.search(r"Traceback .*in told.*^Crash: ZeroDivisionError: .* is said above\.$", done.stderr, re.S | re.M)


@pytest.mark.parametrize("error", ["EOFError('the file')", "BrokenPipeError('the service')", "OSError(32, 'pipe')"])
def test_the_end_of_a_file_or_a_connection_is_not_taken_for_that_of_the_output(error: str) -> None:
    done = ended(f"raise {error}")
    assert done.returncode == 70
    assert done.stderr.startswith("Crash: ")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_broken_pipe_ends_quietly(unbuffered: str) -> None:
    env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(command(LONG), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize("body", [SHORT, "raise errors.RunError('a', got='b', expected='c')"], ids=["out", "err"])
def test_a_reader_that_was_never_there_ends_quietly(body: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert ended(body, stdout=writing, stderr=writing).returncode == 141
        assert ended(SHORT, "--help", stdout=writing, stderr=writing).returncode == 141
    finally:
        os.close(writing)


def test_nothing_is_lost_on_the_way_to_a_slow_reader() -> None:
    assert ended(LONG, env=os.environ | {"PYTHONUNBUFFERED": "1"}).stdout == "line\n" * 100_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("body", [SHORT, LONG], ids=["short", "long"])
def test_a_full_disk_is_output_lost(body: str) -> None:
    with open("/dev/full", "w") as full:
        done = ended(body, stdout=full)
    assert done.returncode == 74
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("OutputError stdout: got No space left on device; expected a place for what is said.")


def test_a_closed_stdout_is_output_lost() -> None:
    done = in_shell(SHORT, ">&-")
    assert done.returncode == 74
    assert "OutputError stdout: got a stream that was closed before the command began" in done.stderr


def test_a_closed_stderr_loses_nothing_as_long_as_nothing_is_said_there() -> None:
    done = in_shell(SHORT, "2>&-")
    assert (done.returncode, done.stdout) == (0, "all is said\n")


def test_progress_that_is_lost_is_output_lost() -> None:
    body = "sys.stderr.write('half done'); return 'all is said'"
    done = in_shell(body, "2>&-")
    assert (done.returncode, done.stdout) == (74, "all is said\n")


@pytest.mark.parametrize("redirection", ["2>&-", ">&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("body", "code"),
    [("raise errors.RunError('a', got='b', expected='c')", 4), ("raise ZeroDivisionError", 70)],
    ids=["mistake", "crash"],
)
def test_what_went_wrong_outranks_what_could_not_be_said(
    body: str, code: int, redirection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert in_shell(f"sys.stdout.write('x'); {body}", redirection).returncode == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_130(number: int) -> None:
    # A test run in the background of a shell inherits that interrupts are ignored, and would wait for ever.
    body = "signal.signal(signal.SIGINT, signal.default_int_handler); print('begun', flush=True); signal.pause()"
    with subprocess.Popen(command(body), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        assert process.stderr.read() == "Interrupted.\n"
    assert process.returncode == 130


def test_usage_errors_are_2_and_help_is_0() -> None:
    assert ended(SHORT, "nonsense").returncode == 2
    assert ended(SHORT, "report").returncode == 2
    assert ended(SHORT, "--help").returncode == 0


def test_every_code_is_in_the_help_and_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    shown = ended(SHORT, "--help", env=os.environ | {"COLUMNS": "120"}).stdout
    for text in (readme, shown):
        said = "·" + text.partition("Exit codes: ")[2]
        assert {int(number) for number in re.findall(r"·\s*(\d+) ", said)} == set(ExitCode)


def test_every_error_has_a_code_of_the_table() -> None:
    kinds = [BarefaceError, *BarefaceError.__subclasses__()]
    assert all(isinstance(kind.exit_code, ExitCode) for kind in kinds)
    assert ExitCode.GATE_FAILED not in {kind.exit_code for kind in kinds}
