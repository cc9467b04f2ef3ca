"""What a tracker of experiments is told of an audit, and how another package offers one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bareface.errors import UsageError
from bareface.registry import Plugin

TRACKER_HEADINGS = ("What it receives", "What it needs", "Known limits")
"""The headings of a tracker's page, the docstring of its module."""


@dataclass(frozen=True)
class Told:
    """What a tracker is told of one finished audit.

    Attributes:
        title: of the audit.
        figures: flat name -> number; names are of letters, digits and `/ _ . -`.
        words: flat name -> text: verdict, sentence, what the target is, seed.
        page: the report, one HTML file, in the run folder.
    """

    title: str
    figures: Mapping[str, float]
    words: Mapping[str, str]
    page: Path


class Tracker(Plugin, ABC):
    """A place where a team keeps the figures of its runs. A final one is a frozen dataclass with a `name`.

    Its client library is imported when it is asked for, never before.
    """

    @abstractmethod
    def check(self) -> None:
        """See, before anything runs, whether figures can be taken.

        Raises:
            UsageError: they cannot be, and what to do.
        """

    @abstractmethod
    def take(self, told: Told) -> None:
        """Keep figures, words and page, in the run that is open if the library has such a thing, else in a new one."""


def client(name: str, module: str, package: str) -> Any:
    """The client library of a tracker.

    Args:
        name: of the tracker.
        module: to import.
        package: that brings it.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        got = f"no package {error.name}" if error.name else str(error)
        raise UsageError(f"tracker {name}", got=got, expected=package, hint=f"pip install {package}") from None
