"""YAML that somebody else may have written: plain values, and no more of them than are written down.

The nodes are composed first, which takes time and memory by the bytes of the text, and counted along every path before
one value is made of them: aliases, merged keys and long numbers cost where values are made.
"""

from typing import Any

import yaml

from bareface.errors import BarefaceError, UsageError
from bareface.untrusted.shown import gist
from bareface.untrusted.walk import CONFIGURATION, TooMuchError, Walk

LONGEST_NUMBER = 64
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# Beside its own errors, PyYAML lets through whatever Python's constructors of the standard tags raise.
_YAML_GIVES_UP = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)


class _TwiceError(Exception):
    """A mapping names a key twice."""


class _Loader(yaml.SafeLoader):
    """The safe loader, composing so many nodes and so deep."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth, self._walk = 0, Walk(CONFIGURATION)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node and what lies in it."""
        self._walk.visit(self._depth)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read_yaml(content: bytes | str, where: str, *, kind: type[BarefaceError] = UsageError) -> object:
    """The value that a YAML text describes: texts, numbers, truth values, dates, lists and mappings.

    Args:
        content: the text, in UTF-8.
        where: it stands, for messages.
        kind: of error to raise.

    Raises:
        UsageError: (or `kind`) it is no YAML, or describes more than a configuration holds.
    """
    expected = "YAML of plain values"
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        if len(text) > CONFIGURATION.size:
            raise TooMuchError(f"{len(text):,} characters")
        return _made(text)
    except _TwiceError as error:
        raise kind(where, got=str(error), expected="every key once") from None
    except TooMuchError as error:
        expected = "a configuration, which is short and flat"
        raise kind(where, got=str(error), expected=expected) from None
    except _YAML_GIVES_UP as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise kind(where, got=f"a file that is no YAML ({said})", expected=expected) from None


def _made(text: str) -> object:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, 0, Walk(CONFIGURATION))
        made: object = loader.construct_document(node)
        return made
    finally:
        loader.dispose()


def _count(node: yaml.Node, depth: int, walk: Walk) -> None:
    """Visit a node and all below it, on every path."""
    if isinstance(node, yaml.ScalarNode):
        walk.visit(depth, len(node.value))
        if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
            raise TooMuchError(f"a number of {len(node.value):,} characters")
        return
    walk.visit(depth)
    if isinstance(node, yaml.MappingNode):
        _refuse_twice(node)
    children = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
    for child in children:
        _count(child, depth + 1, walk)


def _refuse_twice(node: yaml.MappingNode) -> None:
    """Stop where a key stands twice: YAML forbids it, PyYAML silently takes the last."""
    seen = set[tuple[str, str]]()
    for key, _ in node.value:
        name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
        if name in seen:
            raise _TwiceError(f"the key {gist(key.value)} twice, the second time in line {key.start_mark.line + 1}")
        if name is not None:
            seen.add(name)
