"""How the command line speaks: results on stdout, progress and mistakes on stderr, one sentence each."""

import errno
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from bareface.errors import BarefaceError, ExitCode, UsageError

SPEC = Annotated[
    str | None,
    typer.Option(help="The input, where the file's own or its family's is wrong: '112x96 BGR, (x - 127.5) / 128'."),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
AuditedTarget = Annotated[
    str | None, typer.Option("--target", "--model", help="The audited backbone; the run's own by default.")
]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")]
Track = Annotated[
    list[str] | None,
    typer.Option(help="Give figures and page to mlflow, tensorboard, wandb or another package's tracker; repeat it."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that ask models at the same time; one if nothing is said.")
]
Executing = Annotated[
    str | None, typer.Option("--executor", help="Where they are: inline, processes or ray; processes by default.")
]
_POSSIBLE = "one that the file system takes: without NUL, no name of more than 255 bytes, 4,095 in all"
COLOURS = {"LEAK SHOWN": "bold red", "NOT SHOWN": "bold", "INVALID": "bold yellow", "NOT ESTIMABLE": "bold yellow"}
_NUL, _SHOWN = "embedded null", 60
# Without a terminal a line says how far a stage is, no more often than this many seconds.
LINE_EVERY = 10.0


def out(text: str) -> None:
    """Print a result as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def coloured(text: str, verdict: str) -> str:
    """A report's text, in which markup is escaped, as the terminal shows it: the verdict in colour, if it has any.

    Not shown is not safe, so that it is never green.
    """
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    line = f"\n{verdict}\n"
    with console.capture() as said:
        console.print(text.replace(line, f"\n[{COLOURS[verdict]}]{verdict}[/]\n", 1), end="")
    return said.get()


def columns() -> int:
    """How wide the terminal is, or what COLUMNS says; 100 where nobody says."""
    return shutil.get_terminal_size((100, 24)).columns


def aside(text: str) -> None:
    """Say on stderr what is for the eyes of the caller alone: where something lies."""
    sys.stderr.write(f"{text}\n")


@contextmanager
def manners(run: Path | None = None) -> Iterator[None]:
    """Turn a mistake into one sentence and an exit code, and Ctrl-C into a hint how to resume."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        with _possible_paths():
            yield
    except BarefaceError as error:
        console.print(f"[bold red]{type(error).__name__}[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        kept = f" What is done is kept in {run}; run the same command again to resume." if run else ""
        console.print(f"Interrupted.{escape(kept)}", highlight=False)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (BrokenPipeError, EOFError) as error:  # of a connection or a file: typer would take them for the terminal's
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _possible_paths() -> Iterator[None]:
    """Say which path can be none: a person typed it, a configuration names it, or it was made of such a one."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        said = str(error.filename or "")
        got = f"a path of {len(said):,} characters" if said else "a path that is too long"
        raise UsageError(shortened(said), got=got, expected=_POSSIBLE, hint="a shorter path") from None
    except ValueError as error:
        if not str(error).startswith(_NUL):
            raise
        raise UsageError("path", got="a path with a NUL character in it", expected=_POSSIBLE) from None


def shortened(path: str) -> str:
    """The beginning and the end of a path that is too long to be shown."""
    return path if len(path) <= _SHOWN else f"{path[: _SHOWN // 2]}...{path[-_SHOWN // 2 :]}"


class Stages:
    """Progress of named stages: bars on a terminal, now and then a line elsewhere. Use it as a context."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=self._console, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._spoken: dict[str, tuple[float, int]] = {}

    def __enter__(self) -> "Stages":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say that `done` of `total` steps of a stage are through."""
        if self._console.is_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total)
            self._bars.update(self._tasks[stage], completed=done, total=total)
        elif self._due(stage, done, total):
            self._spoken[stage] = time.monotonic(), done
            self._console.print(f"{stage}: {done} of {total}", highlight=False)

    def _due(self, stage: str, done: int, total: int) -> bool:
        when, last = self._spoken.get(stage, (-LINE_EVERY, -1))
        return done != last and (done == total or time.monotonic() - when >= LINE_EVERY)
