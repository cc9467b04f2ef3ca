"""One registry for everything that can be plugged in: attacks, objectives, defences, generators, backbones, formats,
trackers.

A built-in plug-in lies in this package; an outside package offers more through an entry point of the kind's group. A
mistake in this package is an error at once. An outside plug-in that cannot be imported, is of another kind, lacks its
page or takes a name that is taken, is unavailable: it is named in a warning, and only whoever asks for it by name is
stopped, with the reason.
"""

import importlib
import inspect
import pkgutil
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Generic, TypeVar

from bareface.errors import BarefaceError, UsageError, meant

HEADINGS = ("What it tests", "What the attacker needs", "How it works", "Known limits", "Reference")
"""The headings of a plug-in's page, the docstring of its module."""

_OURS = "bareface."
"""How the groups of all kinds begin."""

T = TypeVar("T")
Fact = str | int | float | bool


class Plugin:
    """What all plug-ins have: a name, parameters, and a page. A final one is a frozen dataclass."""

    name: ClassVar[str]
    shown: ClassVar[frozenset[str]] = frozenset()
    """Parameters that the title states even where they are the usual ones."""

    def parameters(self) -> dict[str, Fact]:
        """The parameters by name: the fields that are plain values."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        plain = {name: value for name, value in values.items() if isinstance(value, str | int | float | bool)}
        return {name: value for name, value in plain.items() if name not in ("name", "home")}

    def title(self) -> str:
        """The name with the parameters that were changed or always matter, as in `subject-compactness (k=2)`."""
        usual = {one.name: one.default for one in fields(self) if one.default is not MISSING}  # type: ignore[arg-type]
        told = self.parameters().items()
        stated = [f"{name}={value}" for name, value in told if usual.get(name) != value or name in self.shown]
        return f"{self.name} ({', '.join(stated)})" if stated else str(self.name)


class PluginWarning(UserWarning):
    """An outside plug-in is unavailable."""


@dataclass(frozen=True)
class Prose:
    """The page that a plug-in's module docstring holds, under its fixed headings."""

    title: str
    sections: dict[str, str]


@dataclass(frozen=True)
class Unavailable:
    """An outside plug-in that cannot be used.

    Attributes:
        what: its kind, as in `attack`.
        name: its own, or its entry point's where it could not be imported.
        package: the installed package that offers it.
        entry: of the entry point, `name = module:attribute`.
        reason: why not.
    """

    what: str
    name: str
    package: str
    entry: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what} {self.name!r} of the package {self.package} ({self.entry}) is unavailable: {self.reason}"


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All plug-ins of one kind, by name.

    Attributes:
        what: the kind, as messages call it.
        group: of the entry points by which outside packages offer more.
        base: plug-ins are subclasses or instances of it.
        builtin: those of this package.
        check: raises where an outside plug-in does not keep to the form.
        headings: of a plug-in's page.
    """

    what: str
    group: str
    base: type
    builtin: Callable[[], Iterable[T]]
    check: Callable[[T], object] = lambda plugin: None
    headings: tuple[str, ...] = HEADINGS

    def available(self) -> dict[str, T]:
        """Every plug-in that can be used, by name: first those of this package, then those of others, each in order.

        Raises:
            UsageError: two built-in ones have one name.
        """
        return {**self._own(), **self._offered()[0]}

    def unavailable(self) -> tuple[Unavailable, ...]:
        """The outside plug-ins that cannot be used, and why."""
        return self._offered()[1]

    def get(self, name: str) -> T:
        """The plug-in called `name`.

        Raises:
            UsageError: there is none, and the message lists those there are; or it is unavailable, and it says why.
        """
        found = self.available()
        if name in found:
            return found[name]
        broken = self.broken(name)
        got = repr(name) if broken is None else f"{name!r}, which is unavailable; {broken}"
        hint = meant(name, found) if broken is None else f"a version of {broken.package} that works here, or without it"
        raise UsageError(self.what, got=got, expected=f"one of {', '.join(found)}", hint=hint)

    def broken(self, name: str) -> Unavailable | None:
        """The outside plug-in, by its name or its entry point's, that cannot be used; None where there is none."""
        return next((one for one in self.unavailable() if name in (one.name, one.entry.partition(" = ")[0])), None)

    def _own(self) -> dict[str, T]:
        own = list(self.builtin())
        twice = [name for name, count in Counter(_name(one) for one in own).items() if count > 1 or not name]
        if twice:
            expected = "a name that no other plug-in has"
            raise UsageError(f"built-in {self.what}s", got=f"the name {twice[0]!r} twice", expected=expected)
        return {_name(one): one for one in own}

    def _offered(self) -> tuple[dict[str, T], tuple[Unavailable, ...]]:
        return _outside(self, tuple(sys.path))


def offers_from_outside() -> bool:
    """Whether any other package offers plug-ins; it takes no import of the kinds to know."""
    return any(group.startswith(_OURS) for group in entry_points().groups)


def warn_of_unavailable(*kinds: Registry[Any]) -> None:
    """Give a `PluginWarning` for each outside plug-in of these kinds that cannot be used."""
    for kind in kinds:
        for one in kind.unavailable():
            warnings.warn(str(one), PluginWarning, stacklevel=3)


def in_folder(package: str, base: type[T]) -> list[type[T]]:
    """The final subclasses of `base` in a package's files, each named after the plug-in in it, in order of name.

    Raises:
        UsageError: a file is not named after the plug-in in it.
    """
    return sorted(_in_folder(package, base), key=_name)


def prose(plugin: object, headings: Sequence[str] = HEADINGS) -> Prose:
    """The page of prose of a plug-in: of the module that its class is from, or that it names as its `home`.

    Raises:
        UsageError: a heading is missing.
    """
    home: str = getattr(plugin, "home", "") or getattr(plugin, "__module__", "")
    text = inspect.getdoc(importlib.import_module(home)) or ""
    title, *_ = text.split("\n", 1)
    sections = dict(_sections(text, headings))
    missing = [heading for heading in headings if not sections.get(heading)]
    if missing:
        raise UsageError(home, got=f"no {missing[0]!r}", expected=f"a docstring with {', '.join(headings)}")
    return Prose(title.strip(), sections)


def _in_folder(package: str, base: type[T]) -> Iterator[type[T]]:
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{info.name}")
        classes = (c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__)
        for plugin in classes:
            if not issubclass(plugin, base) or inspect.isabstract(plugin):
                continue
            if _name(plugin).replace("-", "_") != info.name:
                got = f"a plug-in called {_name(plugin)!r}"
                raise UsageError(f"{package}/{info.name}.py", got=got, expected="the file to have its name")
            yield plugin


# What lies on the path while a process runs does not change, but which folders are on it may.
@lru_cache(maxsize=128)
def _outside(kind: Registry[Any], path: tuple[str, ...]) -> tuple[dict[str, Any], tuple[Unavailable, ...]]:
    """The plug-ins that outside packages offer, and those that cannot be used."""
    points = sorted(set(entry_points(group=kind.group)), key=lambda point: (_package(point), point.name, point.value))
    loaded = [(point, *_loaded(kind, point)) for point in points]
    taken = Counter(_name(plugin) for _, plugin, reason in loaded if not reason)
    own = kind._own() if points else {}
    good, broken = dict[str, Any](), list[Unavailable]()
    for point, plugin, reason in loaded:
        name = point.name if plugin is None else _name(plugin)
        if not reason and name in own:
            reason = f"bareface has {kind.what} {name!r} of its own"
        if not reason and taken[name] > 1:
            rivals = {_package(one) for one, other, wrong in loaded if not wrong and _name(other) == name}
            reason = f"{taken[name]} entry points offer this name ({', '.join(sorted(rivals))})"
        if reason or plugin is None:
            entry = f"{point.name} = {point.value}"
            broken.append(Unavailable(kind.what, name or point.name, _package(point), entry, reason))
        else:
            good[name] = plugin
    return dict(sorted(good.items())), tuple(broken)


def _loaded(kind: Registry[Any], point: EntryPoint) -> tuple[Any, str]:
    """What an entry point names, and why it cannot be used; empty where it can."""
    try:
        plugin: Any = point.load()
    except (Exception, SystemExit) as error:  # somebody else's code, which may raise anything
        return None, f"{type(error).__name__}: {error}"
    is_class = isinstance(plugin, type)
    if not (issubclass(plugin, kind.base) if is_class else isinstance(plugin, kind.base)):
        called = plugin.__name__ if is_class else f"a {type(plugin).__name__}"
        return None, f"{called} is no {kind.base.__module__}.{kind.base.__name__}"
    if inspect.isabstract(plugin) or not _name(plugin):
        return None, "it is abstract" if inspect.isabstract(plugin) else "it has no name"
    try:
        prose(plugin, kind.headings)
        kind.check(plugin)
    except BarefaceError as error:
        return plugin, str(error)
    except Exception as error:
        return plugin, f"{type(error).__name__}: {error}"
    return plugin, ""


def tried(call: Callable[[], T]) -> tuple[T | None, Exception | SystemExit | None]:
    """What somebody else's code returns, or what it raises, which may be anything; our own errors pass."""
    try:
        return call(), None
    except BarefaceError:
        raise
    except (Exception, SystemExit) as error:
        return None, error


def shortly(error: BaseException) -> str:
    """An error of a user's own code, on one line."""
    return f"{type(error).__name__} ({str(error).strip().partition(chr(10))[0]})"


def _name(plugin: object) -> str:
    name = getattr(plugin, "name", "")
    return name if isinstance(name, str) else ""


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value.partition(".")[0]


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
