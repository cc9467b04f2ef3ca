"""Finding plug-ins by folder and by entry point, and reading the page of prose that each carries.

A built-in plug-in is one file whose name is the plug-in's name. An outside package offers more through an entry
point group. A clash of names, or a file that does not keep to the form, is an error at once.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

from bareface.errors import UsageError

HEADINGS = ("What it tests", "What the attacker needs", "How it works", "Known limits", "Reference")

T = TypeVar("T")


@dataclass(frozen=True)
class Prose:
    """The page that a plug-in's module docstring holds, under its fixed headings."""

    title: str
    sections: dict[str, str]


def scan(package: ModuleType, base: type[T], group: str) -> dict[str, type[T]]:
    """The final subclasses of `base` in a package's files and in an entry point group, by name.

    Raises:
        UsageError: two plug-ins have one name, or a file is not named after the plug-in in it.
    """
    found: dict[str, type[T]] = {}
    for plugin in [*_in_folder(package, base), *_from_entry_points(group)]:
        name = str(getattr(plugin, "name", ""))
        if not name or name in found:
            raise UsageError(
                f"plug-in {plugin.__module__}",
                got=f"the name {name!r}",
                expected="a name that no other plug-in has",
            )
        found[name] = plugin
    return dict(sorted(found.items()))


def look_up(found: dict[str, type[T]], name: str, what: str) -> type[T]:
    """The plug-in called `name`.

    Raises:
        UsageError: there is none; the message lists those there are.
    """
    if name not in found:
        raise UsageError(what, got=repr(name), expected=f"one of {', '.join(found)}")
    return found[name]


def prose(plugin: type, headings: Sequence[str] = HEADINGS) -> Prose:
    """The page of prose of a plug-in.

    Raises:
        UsageError: a heading is missing.
    """
    text = inspect.getdoc(inspect.getmodule(plugin)) or ""
    title, *_ = text.split("\n", 1)
    sections = dict(_sections(text, headings))
    missing = [heading for heading in headings if not sections.get(heading)]
    if missing:
        raise UsageError(
            plugin.__module__, got=f"no {missing[0]!r}", expected=f"a docstring with {', '.join(headings)}"
        )
    return Prose(title.strip(), sections)


def _in_folder(package: ModuleType, base: type[T]) -> Iterator[type[T]]:
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for plugin in _final_classes(module, base):
            if getattr(plugin, "name", "").replace("-", "_") != info.name:
                raise UsageError(
                    f"{package.__name__}/{info.name}.py",
                    got=f"a plug-in called {getattr(plugin, 'name', '')!r}",
                    expected="the file to have its name",
                )
            yield plugin


def _final_classes(module: ModuleType, base: type[T]) -> Iterable[type[T]]:
    classes = (c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__)
    return [c for c in classes if issubclass(c, base) and not inspect.isabstract(c)]


def _from_entry_points(group: str) -> Iterator[type]:
    for point in entry_points(group=group):
        yield point.load()


def _sections(text: str, headings: Sequence[str]) -> Iterator[tuple[str, str]]:
    heading, lines = "", list[str]()
    for line in text.splitlines():
        if line.strip().rstrip(":") in headings:
            yield heading, _paragraph(lines)
            heading, lines = line.strip().rstrip(":"), []
        else:
            lines.append(line)
    yield heading, _paragraph(lines)


def _paragraph(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines).strip()
