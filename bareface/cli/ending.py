"""How a command ends: with one exit code, whatever becomes of its output, and with one line where it crashes."""

import errno
import io
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import IO, Any, NoReturn

import bareface
from bareface.errors import ExitCode, OutputError, one_line

CLOSED = OSError(errno.EBADF, "a stream that was closed before the command began")


class CountedStream(io.TextIOWrapper):
    """stdout or stderr. What cannot be written is lost, and that is remembered; the work goes on.

    A broken pipe alone ends the command: whoever read the output has seen enough.

    Attributes:
        closed_before: whether the process began without this stream.
        at_once: whether nothing may wait in a buffer (PYTHONUNBUFFERED).
        lost: why something could not be written; None as long as everything could.
    """

    closed_before: bool = False
    at_once: bool = False
    lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text, or lose it."""
        if self.closed_before and text:
            self.lost = CLOSED
        try:
            super().write(text)
            if self.at_once:
                super().flush()
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Write what is waiting, or lose it."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # what still waits goes there, and the last flush of Python does not complain
        os.close(nowhere)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(ExitCode.BROKEN_PIPE)


def end_with(app: Callable[[], object], *, debug: bool) -> NoReturn:
    """Run a command line and leave the process with its exit code.

    Args:
        app: the command line; it may leave with a code of its own.
        debug: whether a crash shows its traceback; if not, the traceback goes into a file.
    """
    sys.stdout, sys.stderr = _told(sys.stdout), _told(sys.stderr)
    code = _code_of(app, debug)
    for stream in (sys.stdout, sys.stderr):
        code = _code_of(stream.flush, debug) or code
    sys.exit(_less_what_was_lost(code))


def _told(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        nowhere = open(os.devnull, "wb")  # noqa: SIM115 - as long as the process lives
        told = CountedStream(nowhere, encoding="utf-8", errors="backslashreplace")
        told.closed_before = True
        return told
    if type(stream) is not io.TextIOWrapper:  # a test's, or a notebook's
        return stream
    said: dict[str, Any] = {
        "encoding": stream.encoding,
        "errors": stream.errors,
        "line_buffering": stream.line_buffering,
    }
    buffer: Any = stream.detach()
    at_once = isinstance(buffer, io.RawIOBase)
    # Written to without a buffer, a pipe that breaks in the middle takes a part and says nothing.
    told = CountedStream(io.BufferedWriter(buffer) if at_once else buffer, **said)
    told.at_once = at_once
    return told


def _code_of(act: Callable[[], object], debug: bool) -> int:
    try:
        act()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else ExitCode.DONE if stop.code is None else ExitCode.CRASH
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # whatever no one foresaw
        return _crash(error, debug)
    return ExitCode.DONE


def _less_what_was_lost(code: int) -> int:
    """The code, unless all went well but what was said about it."""
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        lost = getattr(stream, "lost", None)
        if isinstance(lost, BrokenPipeError):
            return ExitCode.BROKEN_PIPE
        if lost is not None and code == ExitCode.DONE:
            hint = "the command again with another place for its output"
            error = OutputError(name, got=str(lost.strerror), expected="a place for what is said", hint=hint)
            sys.stderr.write(f"OutputError {error}\n")
            sys.stderr.flush()
            return error.exit_code
    return code


def _crash(error: Exception, debug: bool) -> int:
    what = one_line(f"{type(error).__name__}: {error}")[:500]
    told = "".join(traceback.format_exception(error))
    try:
        where = "above" if debug else f"in {_kept(told)}"
        if debug:
            sys.stderr.write(told)
        sys.stderr.write(f"Crash: {what}. This is a mistake in bareface; where it happened is said {where}.\n")
    except SystemExit:
        return ExitCode.BROKEN_PIPE
    return ExitCode.CRASH


def _kept(told: str) -> str:
    """The file that holds a traceback; its owner alone can read it, since it may name people."""
    about = f"bareface {bareface.__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    try:
        handle, path = tempfile.mkstemp(prefix="bareface-crash-", suffix=".txt")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(about + told)
    except OSError as error:
        return f"no file ({error.strerror}); bareface --debug shows it"
    return path
