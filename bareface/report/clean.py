"""Text that came from outside, made harmless to look at: no control characters, no folders."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from bareface.records.evidence import Evidence

_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji need them
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_QUOTED = re.compile(r"""(['"])(?:[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\])[^'"\n]*?([^'"/\\\n]*)[/\\]*\1""")
_ROOTED = re.compile(
    r"""(?<![^\s'"=(])(?:file://)?(?:~|\.{1,2}|[A-Za-z]:)?[/\\]+(?:[^\s'"/\\]+[/\\]+)*([^\s'"/\\]+)[/\\]*"""
)
_QUOTED_RELATIVE = re.compile(r"""(['"])[^'"\n]*[/\\]([^'"/\\\n]+)[/\\]*\1""")
_RELATIVE = re.compile(r"""[^\s'"=]*[/\\]([^\s'"/\\]+)[/\\]*""")


def visible(text: str) -> str:
    """The text with control and direction-changing characters spelled out (`⟨U+202E⟩`); line breaks stay."""
    return "".join(c if _shows(c) else f"⟨U+{ord(c):04X}⟩" for c in text.replace("\t", " "))


def without_folders(text: str) -> str:
    """The text with every rooted path (`/a/b/c`, `~/c`, `../c`, `C:\\c`) cut to `…/c`."""
    return _ROOTED.sub(r"…/\1", _QUOTED.sub(r"\1…/\2\1", text))


def without_any_folders(text: str) -> str:
    """The text with every path, rooted or not (`a/b/c`), cut to `…/c`; for commands and sources."""
    return _RELATIVE.sub(r"…/\1", _QUOTED_RELATIVE.sub(r"\1…/\2\1", text))


def cleaned(evidence: Evidence) -> Evidence:
    """The same evidence with every text in it visible and without folders, whichever field holds it."""
    record = harmless(evidence.model_dump())
    record["command"] = without_any_folders(record["command"])
    for card in filter(None, (record["target"], record["foreign"])):
        card["source"] = without_any_folders(card["source"])
    return Evidence.model_validate(record)


def harmless(value: Any) -> Any:
    """A model dump with every text in it visible and without folders."""
    if type(value) is str:  # an enum is a str too, and ours already
        return without_folders(visible(value))
    if isinstance(value, Mapping):
        # Keys are not cut: two files of one name in two folders would become one.
        return {visible(key): harmless(item) for key, item in value.items()}
    return tuple(map(harmless, value)) if isinstance(value, tuple) else value


def _shows(character: str) -> bool:
    return character == "\n" or character in _JOINERS or unicodedata.category(character) not in _HIDDEN
