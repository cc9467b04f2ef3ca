"""Everything that can go wrong, as one tree.

    BarefaceError                 exit code
    ├── UsageError                2   the call or the configuration is off
    ├── RosterError               2   the people and images that were brought cannot be audited
    ├── ImageError                2   one image file is unusable (recorded as a reject, rarely raised to the user)
    ├── TargetError               2   the model is not what it was said to be
    │   └── CheckpointError       2   the file does not hold the weights that were asked for
    ├── UnsafeFileError           5   refused: reading the file would execute what is inside it
    ├── RunError                  4   the run folder cannot be written or belongs to something else; resumable
    ├── OutputError               74  what was to be said could not be written
    └── Abstained                 -   an attack cannot be run on this trace (recorded, never raised to the user)

Every message says where, what it got, what was expected, and what to try.
"""

import difflib
import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, ClassVar

LONGEST_PART = 1500
"""Characters of each of the four parts of a message."""


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    GATE_FAILED = 1
    """A leak was shown, or a backbone is fed wrongly, and the caller asked to be told by the exit code."""
    MISTAKE = 2
    """In the call or in what was brought."""
    INCONCLUSIVE = 3
    """The gate could not decide: the audit is INVALID or NOT ESTIMABLE."""
    RUN_FOLDER = 4
    """Cannot be used or written; the same command resumes."""
    UNSAFE = 5
    """Reading a file would execute what is inside it."""
    CRASH = 70
    """A mistake in bareface; the number is EX_SOFTWARE of sysexits.h."""
    OUTPUT_LOST = 74
    """The work was done, but what was said could not be written: EX_IOERR."""
    INTERRUPTED = 130
    """By Ctrl-C or SIGTERM: 128 + SIGINT. The same command resumes."""
    BROKEN_PIPE = 141
    """Whoever read the output went away: 128 + SIGPIPE."""


class BarefaceError(Exception):
    """A mistake that a person can act on; the command line prints it as one sentence.

    Args:
        where: the file, argument or function that noticed.
        got: what was found there.
        expected: what should have been there.
        hint: what to try next; may be empty.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.MISTAKE

    def __init__(self, where: str, *, got: str, expected: str, hint: str = "") -> None:
        self.where, self.got, self.expected, self.hint = where, got, expected, hint
        ended = hint if hint.endswith(("?", ".")) else f"{hint}."
        advice = "" if not hint else f" D{ended[1:]}" if hint.startswith("did you") else f" Try: {ended}"
        told = (_cut(where), _cut(got), _cut(expected), _cut(advice))
        super().__init__(one_line("{}: got {}; expected {}.{}".format(*told)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders although their arguments are named."""
        return _rebuild, (type(self), self.args, self.__dict__)


def one_line(text: str) -> str:
    """The text as messages show it, which quote names and cells of untrusted files.

    There are no line breaks in it, and nothing that would move a cursor.
    """
    joined = re.sub(r"\s*\n\s*", " ", text)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in joined)


def _cut(text: str) -> str:
    """The text as far as anybody reads it: untrusted files write names of megabytes."""
    return text if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]}... ({len(text):,} characters)"


def _rebuild(kind: type[BarefaceError], args: tuple[Any, ...], state: dict[str, Any]) -> BarefaceError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(BarefaceError):
    """The call or the configuration is off."""


class RosterError(BarefaceError):
    """The people and images that were brought cannot be audited."""


class ImageError(BarefaceError):
    """One image file is unusable."""


class TargetError(BarefaceError):
    """The model is not what it was said to be."""


class CheckpointError(TargetError):
    """The file does not hold the weights that were asked for."""


class UnsafeFileError(BarefaceError):
    """Refused: reading the file would execute what is inside it."""

    exit_code = ExitCode.UNSAFE


class RunError(BarefaceError):
    """The run folder cannot be written, or belongs to another run."""

    exit_code = ExitCode.RUN_FOLDER


class OutputError(BarefaceError):
    """What was to be said could not be written."""

    exit_code = ExitCode.OUTPUT_LOST


class Abstained(BarefaceError):
    """An attack cannot be run on this trace."""


def meant(word: str, known: Iterable[str]) -> str:
    """`did you mean games?` where a known word is near; else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""
