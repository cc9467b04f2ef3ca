"""The configuration of an audit in a YAML file."""

from pathlib import Path
from typing import Any

import yaml

from bareface.auditing.settings import AuditConfig
from bareface.errors import UnsafeFileError
from bareface.report.json import schema_of
from bareface.settings.closed import checked
from bareface.settings.yaml_file import read_mapping
from bareface.storage.files import write_text
from bareface.storage.places import real_path
from bareface.untrusted.code import names_code
from bareface.untrusted.regular import is_there
from bareface.untrusted.shown import gist

AUDIT_FILE = "audit.yaml"
"""In a run folder: the configuration of the run, with all that was typed; it names paths, so it is its owner's."""
_MODELS = ("model", "foreign", "recogniser")
_PATHS = ("roster", "seal", "members", "heldout", "nonmembers", "auxiliary", "public")


def read_config(path: Path, overrides: dict[str, Any] | None = None, *, allow_code: bool = False) -> AuditConfig:
    """The configuration in a YAML file; paths in it are relative to the file.

    Args:
        path: of the file.
        overrides: fields that stand above it, as a person typed them.
        allow_code: whether a model in the file may be `package.module:callable`, which runs that code.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or has a wrong field.
        UnsafeFileError: it names code, and nobody allowed that.
    """
    values = _relative_to(path.parent, read_mapping(path))
    if not allow_code:
        _refuse_code(path, {name: value for name, value in values.items() if name not in (overrides or {})})
    return make_config(values | (overrides or {}), str(path))


def write_config(config: AuditConfig, path: Path) -> None:
    """Write a configuration so that `read_config` reads the same from anywhere; readable by the owner alone."""
    write_text(path, yaml.safe_dump(plain_from_anywhere(config), sort_keys=False, allow_unicode=True), private=True)


def plain_from_anywhere(config: AuditConfig) -> dict[str, Any]:
    """A configuration as plain values, its paths absolute."""
    plain = config.model_dump(mode="json", exclude_defaults=True)
    for name in _PATHS:
        if name in plain:
            plain[name] = str(real_path(Path(plain[name])))
    for name in _MODELS:
        if name in plain:
            plain[name] = _here(Path.cwd(), plain[name])
    if "references" in plain:
        plain["references"] = [_here(Path.cwd(), one) for one in plain["references"]]
    return plain


def _refuse_code(path: Path, values: dict[str, Any]) -> None:
    """Stop if a reference in a file names code: who brings a file has not said that it may run something."""
    listed = values.get("references")
    named = [(name, values.get(name)) for name in _MODELS]
    named += [("references", one) for one in (listed if isinstance(listed, list) else [])]
    found = next(((name, value) for name, value in named if names_code(value)), None)
    if found is not None:
        raise UnsafeFileError(
            f"{path}, {found[0]}",
            got=f"{gist(found[1])}, which is code to run",
            expected="the path of a file, or an address",
            hint="--allow-code if you know what that module does, or naming it on the command line",
        )


def make_config(values: dict[str, Any], where: str) -> AuditConfig:
    """A checked configuration from plain values.

    Raises:
        UsageError: a field is unknown, missing or out of range; the message names it.
    """
    return checked(AuditConfig, values, where)


def _relative_to(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    paths = {key: str(folder / values[key]) for key in _PATHS if isinstance(values.get(key), str)}
    paths |= {key: _here(folder, values[key]) for key in _MODELS if key in values}
    others = values.get("references")
    if isinstance(others, list):
        values = values | {"references": [_here(folder, one) for one in others]}
    return values | paths


def _here(folder: Path, reference: Any) -> Any:
    """A path in a file is relative to the file, one that names a net in it too; a factory's name is left as it is."""
    if not isinstance(reference, str):
        return reference
    ways = (reference, reference.rpartition("#")[0])
    return str(folder / reference) if any(way and is_there(folder / way) for way in ways) else reference


def schema() -> str:
    """The JSON Schema of a configuration, as it is shipped in `bareface/audit.schema.json`."""
    return schema_of(AuditConfig, "urn:bareface:audit")
