"""`bareface attacks`: the attacks' own prose."""

from collections.abc import Iterable

from bareface.membership import attack_class, attacks
from bareface.registry import HEADINGS, prose
from bareface.trace import Channel


def list_attacks() -> str:
    """One line for each attack."""
    found = attacks()
    width = max(map(len, found))
    lines = [f"{name:{width}}  {prose(attack).title}" for name, attack in found.items()]
    return "\n".join([*lines, "", "bareface attacks NAME explains one."])


def describe_attack(name: str) -> str:
    """One attack in full: its page of prose, then its parameters with their defaults."""
    attack = attack_class(name)
    page = prose(attack)
    sections = [f"{heading}\n{_indent(page.sections[heading])}" for heading in HEADINGS]
    parameters = "\n".join(f"  {key} = {value}" for key, value in attack().parameters().items())
    channels = f"Channels\n  {_channels(attack.needs)}"
    if attack.uses:
        channels += f"\n  where the target gives them: {_channels(attack.uses)}"
    return "\n\n".join([f"{name}: {page.title}", *sections, channels, f"Parameters\n{parameters}"])


def _channels(channels: Iterable[Channel]) -> str:
    return ", ".join(sorted(channel.replace("_", " ") for channel in channels))


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
