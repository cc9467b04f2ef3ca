"""`bareface attacks` and its like: what plug-ins say of themselves."""

from collections.abc import Iterable, Mapping
from typing import Any

from bareface.cli.manners import aside
from bareface.membership import ATTACKS, attack_class, attacks
from bareface.registry import HEADINGS, Plugin, Registry, prose
from bareface.trace import Channel


def list_attacks() -> str:
    """One line for each attack; those of other packages that cannot be used are named on stderr."""
    say_unavailable(ATTACKS)
    return "\n".join([*lines_of(attacks()), "", "bareface attacks NAME explains one."])


def describe_attack(name: str) -> str:
    """One attack in full: its page of prose, then its channels and parameters."""
    attack = attack_class(name)
    channels = f"Channels\n  {_channels(attack.needs)}"
    if attack.uses:
        channels += f"\n  where the target gives them: {_channels(attack.uses)}"
    return page_of(attack(), channels)


def say_unavailable(*kinds: Registry[Any]) -> None:
    """A line on stderr for each outside plug-in of these kinds that cannot be used."""
    for kind in kinds:
        for one in kind.unavailable():
            aside(f"warning: {one}")


def lines_of(found: Mapping[str, object], also: Mapping[str, str] | None = None) -> list[str]:
    """Name and title of each plug-in, one below the other; between them a word of `also`, if any."""
    width, words = max(map(len, found)), also or {}
    across = max(map(len, words.values()), default=0)
    middle = {name: f"{words[name]:{across}}  " if name in words else "" for name in found}
    return [f"{name:{width}}  {middle[name]}{prose(plugin).title}" for name, plugin in found.items()]


def page_of(plugin: Plugin, *more: str) -> str:
    """One plug-in in full: its page of prose, whatever more there is to say, and its parameters as they are."""
    page = prose(plugin)
    sections = [f"{heading}\n{_indent(page.sections[heading])}" for heading in HEADINGS]
    parameters = "\n".join(f"  {key} = {value}" for key, value in plugin.parameters().items()) or "  none"
    return "\n\n".join([f"{plugin.name}: {page.title}", *sections, *more, f"Parameters\n{parameters}"])


def _channels(channels: Iterable[Channel]) -> str:
    return ", ".join(sorted(channel.replace("_", " ") for channel in channels))


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
