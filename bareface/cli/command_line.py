"""The call as records and pages show it: rebuilt from the options as they were understood, by kind of value.

Numbers, switches and our own words are shown. Everything else that a person can type (files, folders, addresses, names
of modules) may name people or places, and is replaced by what it is, whatever it looks like.
"""

from collections.abc import Iterator
from typing import Any

import typer

SPOKEN = frozenset(
    {
        "assignment",
        "attack",
        "game",
        "knowledge",
        "check",
        "device",
        "executor",
        "objective",
        "space",
        "split",
        "skip",
        "spec",
    }
)
"""Options whose text is a word of ours: by the time that a record is written, it has been looked up in a table."""
GENERATORS = frozenset({"rendered", "shipped"})


def command_line(context: typer.Context) -> str:
    """The command with what was given on it, in the order of its help; `<model>` stands in place of a model."""
    words = ["bareface", *_names(context)]
    given = [one for one in context.command.params if _is_given(context, str(one.name))]
    for parameter in given:
        words += _said(parameter, context.params[str(parameter.name)])
    return " ".join(words)


def _names(context: Any) -> list[str]:
    inner = _names(context.parent) if context.parent is not None else []
    return [*inner, str(context.info_name)] if context.parent is not None else []


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return name in context.params and source is not None and source.name == "COMMANDLINE"


def _said(parameter: Any, value: Any) -> Iterator[str]:
    option = parameter.param_type_name == "option"
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, bool):
            yield (parameter.opts if one or not parameter.secondary_opts else parameter.secondary_opts)[0]
            continue
        if option:
            yield parameter.opts[0]
        yield _shown(parameter, one)


def _shown(parameter: Any, value: Any) -> str:
    ours = parameter.name in SPOKEN or (parameter.name == "generator" and value in GENERATORS)
    return str(value) if ours or isinstance(value, int | float) else f"<{parameter.name}>"
