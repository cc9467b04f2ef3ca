"""What all settings have in common: unknown keys are errors, nothing changes afterwards, and mistakes are sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import field, is_dataclass
from functools import wraps
from typing import Any, TypeVar, dataclass_transform, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from bareface.errors import UsageError, meant
from bareface.untrusted.shown import gist

_EXPECTED = {
    "missing": "a value",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "greater_than": "more than {gt:g}",
    "less_than": "less than {lt:g}",
    "finite_number": "a finite number",
    "literal_error": "{expected}",
    "too_short": "at least {min_length} of them",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
}

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(Field, field))
def closed(settings: type[T]) -> type[T]:
    """A frozen dataclass whose values are checked, in files and in Python; mistakes are a `UsageError`."""
    made: Any = pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))(settings)
    take = made.__init__

    @wraps(take)
    def told(self: Any, *given: Any, **named: Any) -> None:
        try:
            take(self, *given, **named)
        except ValidationError as error:
            raise _said(error, made, made.__name__, ".") from error

    made.__init__ = told
    return made  # type: ignore[no-any-return]


class Closed(BaseModel):
    """A group of settings; a misspelt key is an error, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def checked(settings: type[T], values: Mapping[str, Any], where: str) -> T:
    """Settings of a class from plain values, as a file or a command line gives them.

    Raises:
        UsageError: a key is unknown, missing or out of range; the message names it and says what would do.
    """
    try:
        return TypeAdapter(settings).validate_python(dict(values))
    except ValidationError as error:
        raise _said(error, settings, where) from error


def with_parameters(plugin: type[T], parameters: Mapping[str, Any], where: str, hint: str) -> T:
    """A plug-in with parameters as a person wrote them.

    Args:
        plugin: a pydantic dataclass.
        parameters: by name.
        where: what to call it in a mistake, as in `attack bn-distance`.
        hint: where its parameters are explained.

    Raises:
        UsageError: a parameter is unknown, and the message lists those there are, or out of range.
    """
    try:
        return plugin(**parameters)
    except ValidationError as error:
        said = _said(error, plugin, f"{where}, parameter", " ")
        raise UsageError(said.where, got=said.got, expected=said.expected, hint=said.hint or hint) from error


def _said(error: ValidationError, settings: type, where: str, joint: str = ", ") -> UsageError:
    # A misspelt key is missing under its right name, too; what was written says more.
    first = min(error.errors(), key=lambda one: one["type"] not in _UNKNOWN)
    place = joint.join([where, *filter(None, [".".join(str(part) for part in first["loc"])])])
    if first["type"] in _UNKNOWN:
        return _unknown(str(first["loc"][-1]), _keys(settings, first["loc"][:-1]), place)
    if first["type"] == "missing":
        return UsageError(place, got="nothing", expected=_EXPECTED["missing"])
    got = gist(first["input"]) if first["type"] != "value_error" else "settings that do not fit together"
    return UsageError(place, got=got, expected=_expected(first))


def _expected(error: Any) -> str:
    text = _EXPECTED.get(error["type"])
    if text is not None:
        return text.format(**error.get("ctx", {}))
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return message[:1].lower() + message[1:]


def _unknown(key: str, known: list[str], place: str) -> UsageError:
    return UsageError(place, got="an unknown key", expected=f"one of {', '.join(known)}", hint=meant(key, known))


def _keys(settings: type, place: tuple[int | str, ...]) -> list[str]:
    """The keys of the group of settings that lies at a place."""
    found: Any = settings
    for part in place:
        if isinstance(part, str):
            found = next(_groups(_fields(found)[part]), None)
    return list(_fields(found)) if found is not None else []


def _fields(settings: Any) -> dict[str, Any]:
    fields = getattr(settings, "model_fields", None) or getattr(settings, "__pydantic_fields__", {})
    return {name: field.annotation for name, field in fields.items()}


def _groups(annotation: Any) -> Iterator[Any]:
    """The settings classes in an annotation such as `Recipe | None`."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        yield annotation
    for part in get_args(annotation):
        yield from _groups(part)
